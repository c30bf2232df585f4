"""The proof says what came out, and a broken promise is not to be overlooked."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from tests.prove import __main__ as command
from tests.prove.__main__ import LEAST, PARTS, WHOLE, Budget
from tests.prove.bot import Bot
from tests.prove.chaos import DELAY, LATE, WINDOW, paces
from tests.prove.indoors import is_here
from tests.prove.report import Measure, Proof, Told, report

NOW = datetime(2026, 1, 31, 18, tzinfo=UTC)
KEPT = Measure(what="kept", came_out="7 of 7", held=True)
LOST = Measure(what="lost", came_out="1 | 2", held=False)


def page(*proofs: Proof) -> str:
    told = [Told(name=f"part{number}", asked="Is it?", seconds=1.6, proof=proof) for number, proof in enumerate(proofs)]
    return report(told, seed=5, load=(0.5, 2.25), now=NOW)


def test_the_page_tells_when_where_and_what_came_out() -> None:
    text = page(Proof(measures=[KEPT]), Proof(measures=[], skipped="no history here"))
    for line in (
        "- when: 2026-01-31 18:00 UTC, 3 s in all",
        "- seed: 5 (`SEED=5 make prove` asks the same)",
        "| [part0](#part0) | 2 | held |",
        "| kept | 7 of 7 | held |",
        "| [part1](#part1) | 2 | skipped |",
        "Skipped: no history here",
    ):
        assert line in text.splitlines()
    assert "load average 0.5 before, 2.2 after" in text


def test_what_broke_stands_out_with_its_notes() -> None:
    text = page(Proof(measures=[KEPT, LOST], notes=["see here"]))
    assert "| [part0](#part0) | 2 | **broken** |" in text
    assert "| lost | 1 \\| 2 | **broken** |" in text
    assert "```text\nsee here\n```" in text


@pytest.mark.parametrize(
    ("made", "code"), [(Proof(measures=[KEPT]), 0), (Proof(measures=[KEPT, LOST]), 1), (RuntimeError("gone"), 1)]
)
def test_the_command_fails_where_something_broke_or_broke_off(
    made: Proof | Exception, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(_seconds: float, _seed: int) -> Proof:
        if isinstance(made, Exception):
            raise made
        return made

    part = ModuleType("tests.prove.load")
    part.__dict__["run"] = run
    monkeypatch.setitem(sys.modules, "tests.prove.load", part)
    monkeypatch.setattr(sys, "argv", ["prove", "load", "--report", str(tmp_path / "proof.md")])
    assert command.main() == code
    assert ("**broken**" in (tmp_path / "proof.md").read_text()) is bool(code)


def test_all_parts_fit_into_the_whole() -> None:
    assert sum(share.asking + share.around for share in PARTS.values()) <= WHOLE


def test_who_comes_late_asks_for_shorter() -> None:
    parts = list(PARTS)
    fresh, late = (
        Budget(whole=WHOLE, parts=parts, began=Budget(whole=0, parts=parts).began - by.total_seconds())
        for by in (timedelta(0), timedelta(seconds=WHOLE - 90))
    )
    assert fresh.asking("schema") == pytest.approx(PARTS["schema"].asking, rel=0.1)
    assert LEAST <= late.asking("load") < PARTS["load"].asking
    assert late.asking("chaos") == LEAST


def test_a_pace_that_is_broken_is_seen() -> None:
    at_pace = [number * DELAY for number in range(2000)]
    assert [one.held for one in paces(at_pace)] == [True, None]
    bunched = sorted([*at_pace, *(10 + number * DELAY for number in range(int((WINDOW + LATE) / DELAY)))])
    assert [one.held for one in paces(bunched)] == [False, None]


@pytest.mark.parametrize(
    ("status", "may_be_away", "held"), [(200, False, True), (503, True, True), (503, False, False), (500, True, False)]
)
def test_an_answer_that_may_not_be_is_seen(status: int, may_be_away: bool, held: bool) -> None:
    bot = Bot(None, None, [])  # type: ignore[arg-type]  # nothing is asked
    bot.answered[status] += 1
    assert bot.measure(may_be_away=may_be_away).held is held


def test_nothing_but_this_machine_is_here() -> None:
    assert all(is_here(host) for host in ("127.0.0.1", "::1", "localhost", None, b"127.0.0.1"))
    assert not any(is_here(host) for host in ("example.org", "192.0.2.1", "10.0.0.1", "2001:db8::1"))
