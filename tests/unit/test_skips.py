"""The run that fails because a test was skipped, run as pytest itself runs it."""

import sys
from pathlib import Path

import pytest
from tests import conftest
from tests.skips import NAME, are_refused

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
CONFTEST = f"""
import os
import sys

sys.path.insert(0, {str(ROOT)!r})
from tests.skips import leave_out_what_needs_root, refuse_skips


def pytest_configure(config):
    config.addinivalue_line("markers", "as_root: as in the project")
    refuse_skips(config, os.environ)


def pytest_collection_modifyitems(config, items):
    leave_out_what_needs_root(config, items, uid=int(os.environ.get("TEST_AS", "0")))
"""
PASSES = "def test_passes(): pass\n"
SKIPPED = "import pytest\n@pytest.mark.skipif(True, reason='no promtool here')\ndef test_skipped(): pass\n"
SKIPS_ITSELF = "import pytest\ndef test_gives_up(): pytest.skip('no such user')\n"
SKIPS_ALL = "import pytest\npytest.skip('not on this system', allow_module_level=True)\n"
LACKS_A_LIBRARY = "import pytest\npytest.importorskip('no_such_library')\n"
NEEDS_ROOT = "import pytest\n@pytest.mark.as_root\ndef test_becomes_nobody(): pass\n"
XFAILS = "import pytest\n@pytest.mark.xfail(reason='is known')\ndef test_fails(): assert False\n"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("NO_SKIPS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # loading them takes longer than all the rest
    pytester.makeconftest(CONFTEST)
    return Run(pytester, monkeypatch)


class Run:
    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        self._monkeypatch = monkeypatch

    def __call__(self, *modules: str, workers: int = 0, **environ: str) -> pytest.RunResult:
        for name, value in environ.items():
            self._monkeypatch.setenv(name, value)
        self._pytester.makepyfile(**{f"test_{number}": text for number, text in enumerate(modules)})
        # A process of its own: pytest in pytest shares plugins and warnings with the one around it.
        return self._pytester.run(sys.executable, "-m", "pytest", "-p", "xdist.plugin", f"-n{workers}")


@pytest.mark.parametrize("workers", [0, 2])
def test_every_kind_of_skip_fails_the_run_and_is_named(run: Run, workers: int) -> None:
    done = run(PASSES, SKIPPED, SKIPS_ITSELF, SKIPS_ALL, LACKS_A_LIBRARY, workers=workers, CI="true")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(
        [
            "*skipped, which fails the run here*",
            "test_1.py::test_skipped: no promtool here",
            "test_2.py::test_gives_up: no such user",
            "test_3.py: not on this system",
            "test_4.py: could not import 'no_such_library'*",
        ]
    )


def test_a_run_with_nothing_but_a_skipped_module_is_no_success(run: Run) -> None:
    assert run(SKIPS_ALL, NO_SKIPS="1").ret == pytest.ExitCode.TESTS_FAILED


def test_a_run_without_skips_stays_green(run: Run) -> None:
    done = run(PASSES, XFAILS, CI="true")
    assert done.ret == pytest.ExitCode.OK
    assert "fails the run" not in done.stdout.str()


def test_a_run_that_failed_anyway_keeps_its_status(run: Run) -> None:
    done = run("import nothing_of_that_name\n", SKIPPED, CI="true")
    assert done.ret == pytest.ExitCode.INTERRUPTED


def test_at_home_a_skip_is_only_a_skip(run: Run) -> None:
    assert run(PASSES, SKIPPED).ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("environ", "refused"),
    [
        ({}, False),
        ({"CI": "true"}, True),
        ({"CI": "1"}, True),
        ({"CI": "false"}, False),
        ({"CI": ""}, False),
        ({"NO_SKIPS": "1"}, True),
        ({"CI": "true", "NO_SKIPS": "0"}, False),
        ({"CI": "true", "NO_SKIPS": ""}, True),
    ],
)
def test_the_environment_says_whether_skips_are_refused(environ: dict[str, str], refused: bool) -> None:
    assert are_refused(environ) is refused


def test_the_tests_of_this_project_refuse_them(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("NO_SKIPS", raising=False)
    config = pytester.parseconfig()
    conftest.pytest_configure(config)
    assert config.pluginmanager.has_plugin(NAME)


@pytest.mark.parametrize(("uid", "outcome"), [(0, {"passed": 2}), (1000, {"passed": 1, "deselected": 1})])
def test_what_needs_root_is_collected_for_root(run: Run, uid: int, outcome: dict[str, int]) -> None:
    done = run(PASSES, NEEDS_ROOT, CI="true", TEST_AS=str(uid))
    assert done.ret == pytest.ExitCode.OK
    done.assert_outcomes(**outcome)
