"""The commands of a page of the docs: its fenced `sh` blocks, and what the comments below each command say of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BLOCK: Final = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command, and the lines of comment that follow it."""

    text: str
    notes: tuple[str, ...]
    line: int
    """Of the page, where it begins."""


def blocks(page: Path, language: str = "sh") -> list[str]:
    """The fenced blocks of a language, in order."""
    return [text for _, text in _blocks(page, language)]


def commands(page: Path) -> Iterator[Command]:
    """Every command of a page, in order; what a backslash, or an open quote, continues is one."""
    for begins, text in _blocks(page, "sh"):
        number, lines = begins, text.splitlines()
        while lines:
            start, command = number, lines.pop(0)
            number += 1
            while lines and (command.endswith("\\") or command.count("'") % 2):
                command += f"\n{lines.pop(0)}"
                number += 1
            notes = []
            while lines and lines[0].startswith("# "):
                notes.append(lines.pop(0).removeprefix("# "))
                number += 1
            if command.strip():
                yield Command(text=command, notes=tuple(notes), line=start)


def _blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """Line of the page where each begins, and its text."""
    whole = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(whole):
        if found["language"] == language:
            yield whole.count("\n", 0, found.start("text")) + 1, found["text"]
