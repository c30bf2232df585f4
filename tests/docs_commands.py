"""The commands that pages show, for tests that run them.

A block fenced as ```sh is run as it stands. Where it needs what is not here, a comment right above the fence says so,
and it is only read: `<!-- needs: docker -->`. What a reader puts in (TRACKER_ID, localhost:8000) a test puts in by
`filled`; it is a whole word of the page, never part of one.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FENCE: Final = re.compile(
    r"^(?:<!-- needs: (?P<needs>[a-z, ]+) -->\n+)?```(?P<language>[a-z]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_COMMENT: Final = re.compile(r"""(?P<kept>'[^']*'|"(?:\\.|[^"\\])*"|\S#)|(?<!\S)\#[^\n]*""")
_ENDS_A_COMMAND: Final = frozenset("|&;\n")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    """Where its text begins, to be named when it fails."""
    language: str
    text: str
    needs: frozenset[str] = frozenset()
    """What it needs that is not here; then it is not run."""

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with what a reader puts in."""
        if not values:
            return self.text
        longest_first = "|".join(map(re.escape, sorted(values, key=len, reverse=True)))
        return re.sub(rf"(?<![\w$])({longest_first})(?!\w)", lambda found: values[found[1]], self.text)

    def commands(self) -> Iterator[list[str]]:
        """Each command in words, without variables that are set before it and without redirections."""
        lexer = shlex.shlex(_uncommented(self.text), posix=True, punctuation_chars="|&;<>\n")
        lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
        command: list[str] = []
        words = iter(lexer)
        for word in words:
            if word and set(word) <= _ENDS_A_COMMAND:
                if command:
                    yield command
                command = []
            elif word and set(word) <= {"<", ">"}:
                next(words, None)
            elif command or not re.match(r"[A-Z_]+=", word):
                command.append(word)
        if command:
            yield command


def _uncommented(text: str) -> str:
    """A script without its comments, and with each command in one line; what is in quotes stays."""
    return _COMMENT.sub(lambda found: found["kept"] or "", text).replace("\\\n", " ")


def blocks(page: Path, language: str = "sh") -> Iterator[Block]:
    """The blocks of a page in one language, in order."""
    content = page.read_text()
    for found in _FENCE.finditer(content):
        if found["language"] == language:
            yield Block(
                page=page,
                line=content.count("\n", 0, found.start("text")) + 1,
                language=language,
                text=found["text"],
                needs=frozenset(found["needs"].split(", ")) if found["needs"] else frozenset(),
            )
