"""What pages show, for tests that do it: their fenced blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FENCE: Final = re.compile(r"^```(?P<language>[a-z]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    """Where its text begins, to be named when it fails."""
    language: str
    text: str


def blocks(page: Path, language: str = "sh") -> Iterator[Block]:
    """The blocks of a page in one language, in order."""
    content = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(content):
        if found["language"] == language:
            line = content.count("\n", 0, found.start("text")) + 1
            yield Block(page=page, line=line, language=language, text=found["text"])
