"""In CI a skipped test fails the run: what is skipped there is tested nowhere.

`CI=true` asks for it, as CI services set it by themselves; `NO_SKIPS=1` does elsewhere, and `NO_SKIPS=0` allows skips.
A test marked `as_root` becomes another user. Only root can, so it is not collected for others, which is no skip: an
ordinary user has no other users to become, and all the other tests run as one there.
"""

from collections.abc import Mapping
from typing import Final

import pytest

YES: Final = frozenset({"1", "true", "yes"})
NAME: Final = "skips-fail-the-run"


def are_refused(environ: Mapping[str, str]) -> bool:
    """Whether a skipped test fails the run."""
    return (environ.get("NO_SKIPS") or environ.get("CI") or "").lower() in YES


class RefusedSkips:
    """Plugin of the process that reports: it names every skipped test and turns a green run red.

    With xdist that process is the controller, which gets the reports of all workers.
    """

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Modules that skip themselves, with all that is in them."""
        self._note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._reasons and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._reasons:
            return
        terminalreporter.section("skipped, which fails the run here (CI=true or NO_SKIPS=1)", red=True, bold=True)
        for test, reason in sorted(self._reasons.items()):
            terminalreporter.line(f"{test}: {reason}", red=True)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        _, _, reason = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, str(report.longrepr))
        self._reasons[report.nodeid] = reason.removeprefix("Skipped: ")


def refuse_skips(config: pytest.Config, environ: Mapping[str, str]) -> None:
    """Let skipped tests fail the run, where the environment asks for it."""
    if are_refused(environ) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(RefusedSkips(), NAME)


def leave_out_what_needs_root(config: pytest.Config, items: list[pytest.Item], *, uid: int) -> None:
    """Deselect tests marked `as_root` for every user but root."""
    left_out = [item for item in items if uid != 0 and item.get_closest_marker("as_root")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
