"""What is deployed beside the product: alert rules, dashboard, configuration. They name nothing that is not there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.shared.observability.conftest import TOKEN, watched_with

ROOT: Final = Path(__file__).parents[3]
PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
DASHBOARD: Final = ROOT / "deploy" / "grafana" / "trackers.json"
RUNBOOKS: Final = ROOT / "docs" / "runbooks.md"
SELECTOR: Final = re.compile(r"\b((?:trackers|process)_[a-z_]+)(?:\{([^}]*)\})?")
LABEL: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPED: Final = re.compile(r"\b(?:by|on|ignoring) \(([^)]*)\)")
OF_PROMETHEUS: Final = {"job", "instance", "le"}
"""Labels that Prometheus adds, or a histogram has."""
SUFFIXES: Final = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


@pytest.fixture
async def told(environ: dict[str, str]) -> dict[str, set[str]]:
    """Every series that an API and a worker that have worked tell, with its labels."""
    async with watched_with({**environ, "TRACKERS_METRICS_TOKEN": TOKEN}) as watched:
        await watched.register("auto-alert")
        await watched.follow_regions()
        await watched.work()
        watched.worker.telemetry().delivered("webhook", "sent")
        pages = [(await watched.scraped()).text, (await watched.worker.own_metrics_page().read(TOKEN)).decode()]
    return series(pages)


def series(pages: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for page in pages:
        for family in text_string_to_metric_families(page):
            for suffix in SUFFIXES.get(family.type, ("",)):
                found.setdefault(family.name + suffix, set())
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


async def test_rules_and_dashboard_name_only_what_metrics_really_tell(told: dict[str, set[str]]) -> None:
    named = 0
    for expression in expressions():
        known = set(OF_PROMETHEUS)
        for name, selector in SELECTOR.findall(expression):
            assert name in told, f"{name} of {expression}"
            assert set(LABEL.findall(selector)) <= told[name] | OF_PROMETHEUS, f"{selector} of {expression}"
            known |= told[name]
            named += 1
        for group in GROUPED.findall(expression):
            assert {label.strip() for label in group.split(",")} <= known, f"({group}) of {expression}"
    assert named > 60


async def test_every_metric_of_ours_is_looked_at_by_somebody(told: dict[str, set[str]]) -> None:
    """What nobody reads is not worth counting: each is in a rule or on the dashboard."""
    named = {name for expression in expressions() for name, _ in SELECTOR.findall(expression)}
    ours = {name for name in told if name.startswith("trackers_")}
    unread = {name for name in ours if not name.endswith(("_created", "_sum", "_count", "_bucket"))} - named
    assert unread == set()


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    headings = re.findall(r"^## (.+)$", RUNBOOKS.read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    named = {rule["annotations"]["runbook"] for rule in alerts()}
    assert named == {f"docs/runbooks.md#{anchor}" for anchor in anchors}
    assert all(rule["annotations"]["summary"] for rule in alerts())
    assert {rule["labels"]["severity"] for rule in alerts()} == {"critical", "warning"}


def test_every_alert_is_tested_both_ways() -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    told: dict[str, set[bool]] = {}
    for case in tests:
        for one in case["alert_rule_test"]:
            told.setdefault(one["alertname"], set()).add(bool(one["exp_alerts"]))
    assert told == {rule["alert"]: {True, False} for rule in alerts()}


@pytest.mark.parametrize(
    "asked",
    [
        ("check", "rules", "alerts.yml"),
        pytest.param(("test", "rules", "alerts_test.yml"), marks=pytest.mark.slow),  # hours of metrics
        ("check", "config", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_what_is_deployed(asked: tuple[str, ...], tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on this machine (Debian's package prometheus brings it)")
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (folder / "metrics_token").write_text(TOKEN)
    done = subprocess.run([promtool, *asked], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 -- found on PATH, asked what is written above
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_panels_can_be_told_apart() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and (panel["type"] == "row" or panel["description"]) for panel in panels)
