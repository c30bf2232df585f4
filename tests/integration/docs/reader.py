"""Somebody who reads a page of the docs and types its commands, filling in what earlier answers told."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from tests.demo.postbox import Postbox
from tests.docs_commands import blocks
from tests.waiting import LIMIT_S, eventually_sync

PATIENCE: Final = 2 * LIMIT_S
POLL_INTERVAL_S: Final = 0.1
BLANK: Final = re.compile(r"\b[A-Z]+(?:_[A-Z]+)*\b")
"""A word in capitals: to be filled in, if it is known."""
CURL: Final = 'silent\nshow-error\nwrite-out = "\\n%{http_code}"\n'
HEARD: Final = "data:"
HEADER, LAST, FIELD = (
    re.compile(rf"([A-Z_]+) is {what}") for what in (r"the header ([\w-]+)", r"the last (line|word)", r"([\w.]+)")
)
UNTIL: Final = re.compile(r"until ([\w.]+) is (\w+)")
FOR_EVER: Final = "until Ctrl-C"
BY_MAIL: Final = re.compile(r"([A-Z_]+) comes by mail")
REFUSED: Final = re.compile(r"(\d{3})(?: (\w+))?")
TOLD: Final = re.compile(r"([a-z][a-z-]+): (.+)")


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of a page, and what the comments below it say of it."""

    text: str
    notes: tuple[str, ...]
    line: int
    """Of the page, where it begins."""


def commands(page: Path) -> Iterator[Command]:
    """Every command of a page, in order; what a backslash, or an open quote, continues is one."""
    for block in blocks(page):
        lines = list(enumerate(block.text.splitlines(), start=block.line))
        while lines:
            begins, text = lines.pop(0)
            while lines and (text.endswith("\\") or text.count("'") % 2):
                text += f"\n{lines.pop(0)[1]}"
            notes = []
            while lines and lines[0][1].startswith("# "):
                notes.append(lines.pop(0)[1].removeprefix("# "))
            if text.strip():
                yield Command(text=text, notes=tuple(notes), line=begins)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a command printed; of curl also the status, and with -i the headers."""

    output: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def at(self, path: str) -> Any:
        """What stands at `trackers.0.id`."""
        value = msgspec.json.decode(self.output)
        try:
            for step in path.split("."):
                value = value[int(step)] if isinstance(value, list) else value[step]
        except LookupError as error:
            raise AssertionError(f"there is no {path} in {self.output}") from error
        return value

    @classmethod
    def of(cls, output: str, *, curl: bool) -> "Answered":
        if not curl:
            return cls(output=output.strip())
        body, _, status = output.rpartition("\n")
        headers: dict[str, str] = {}
        if body.startswith("HTTP/"):
            head, _, body = body.replace("\r\n", "\n").partition("\n\n")
            headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in head.splitlines()[1:])}
        return cls(output=body, status=int(status), headers=headers)


@dataclass
class PooledQueries:
    """One reading of one page."""

    home: Path
    environ: Mapping[str, str]
    instead: Mapping[str, str]
    """What stands on the page -> what it is here: addresses, the command's place."""
    mails: Postbox
    known: dict[str, str] = field(default_factory=dict)
    """By the word in capitals."""

    def __post_init__(self) -> None:
        (self.home / ".curlrc").write_text(CURL)

    def run(self, command: Command) -> None:
        """Type it, and hold what is answered to what is written below it."""
        where = f"line {command.line}: {command.text}"
        if FOR_EVER in command.notes:
            assert HEARD in self._heard(command.text), where
            return

        def there() -> Answered:
            answered = self._typed(command.text)
            assert all(self._is_there(note, answered) for note in command.notes), answered
            return answered

        answered = eventually_sync(there, what=where, poll=POLL_INTERVAL_S)
        refusal = next((found for note in command.notes if (found := REFUSED.fullmatch(note))), None)
        if answered.status is not None:
            wanted = refusal is not None and answered.status == int(refusal[1])
            assert wanted if refusal else 200 <= answered.status < 300, f"{where}\n{answered}"
        if refusal is not None and refusal[2]:
            assert answered.at("code") == refusal[2], f"{where}\n{answered}"
        for note in command.notes:
            assert self._noted(note, answered), f"{where}\nnot so, or not understood: {note}\n{answered}"

    def _noted(self, note: str, answered: Answered) -> bool:
        """Keep what a comment says to keep, check what it says to be so."""
        if found := HEADER.fullmatch(note):
            self.known[found[1]] = answered.headers[found[2]]
        elif found := LAST.fullmatch(note):
            parts = answered.output.splitlines() if found[2] == "line" else answered.output.split()
            if found[1] in self.known:
                return self.known[found[1]] == parts[-1]
            self.known[found[1]] = parts[-1]
        elif found := FIELD.fullmatch(note):
            self.known[found[1]] = str(answered.at(found[2]))
        elif found := BY_MAIL.fullmatch(note):
            self.known[found[1]] = self.mails.code()
        elif found := TOLD.fullmatch(note):
            return answered.headers.get(found[1]) == found[2]
        else:
            return bool(UNTIL.fullmatch(note) or REFUSED.fullmatch(note))
        return True

    @staticmethod
    def _is_there(note: str, answered: Answered) -> bool:
        """Whether what is waited for has come."""
        found = UNTIL.fullmatch(note)
        return found is None or (answered.status == 200 and str(answered.at(found[1])) == found[2])

    def _typed(self, text: str) -> Answered:
        done = subprocess.run(  # noqa: S603 -- a command of our own docs
            ["bash", "-c", self.filled(text)],  # noqa: S607 -- wherever it is
            cwd=self.home,
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        return Answered.of(done.stdout, curl=text.startswith("curl "))

    def _heard(self, text: str) -> str:
        """The first thing that is said on a stream that does not end by itself."""
        command = ["bash", "-c", f"exec {self.filled(text)}"]
        with subprocess.Popen(  # noqa: S603 -- a command of our own docs
            command, cwd=self.home, env=self._environ(), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            heard = next((line for line in process.stdout if line.startswith((HEARD, "{"))), "")
            process.terminate()
        return heard

    def _environ(self) -> dict[str, str]:
        return {**self.environ, "CURL_HOME": str(self.home), "NO_PROXY": "*", "no_proxy": "*"}

    def filled(self, text: str) -> str:
        """As it is typed here."""
        for written, here in self.instead.items():
            text = text.replace(written, here)
        return BLANK.sub(lambda word: self.known.get(word[0], word[0]), text)


HERE: Final = {".venv/bin/trackers": f"{shlex.quote(sys.executable)} -m app"}
