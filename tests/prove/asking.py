"""`python -m tests.prove.asking`: one role asks what the schema allows, and what it does not; JSON in, JSON out.

A process of its own: Schemathesis keeps what is registered with it for the whole process.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import httpx
import msgspec
import schemathesis
from msgspec import Struct, field
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, StopReason, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import StatefulPhaseData

ENDS: Final = frozenset({"logout", "logout_all", "erase_me", "change_password", "end_session"})
"""Operations that take the asker's login away: each is asked with a login of its own."""
ENDLESS: Final = frozenset({"internal_stream_events"})
"""Answers that go on until their reader leaves."""
REMOVING: Final = frozenset({"delete"})
"""Methods that are asked last: what is removed cannot be read afterwards."""
DECODERS_WORDS: Final = re.compile(r'"message":"(Expected |Object |Invalid )')
KNOWN: Final = 0.7
"""How often a name in a path is one of something that exists."""
TOLD: Final = 2000
REFUSALS: Final = frozenset({401, 403})
LEAST: Final = 1.0
"""Seconds that a round is given however late it is."""


class Order(Struct, frozen=True, kw_only=True):
    """What to ask, as whom."""

    url: str
    openapi: dict[str, Any]
    own: list[str]
    """Operations that the role is for."""
    credential: str
    password: str
    names: dict[str, list[str]]
    """By parameter of a path or query, what exists."""
    bodies: dict[str, Any]
    """By operation, a body that it takes."""
    seconds: float
    examples: int
    seed: int


class Breach(Struct, frozen=True, kw_only=True):
    """Something that the schema, or good manners, do not allow."""

    operation: str
    check: str
    message: str
    request: str
    answer: str


class Asked(Struct, kw_only=True):
    """What came of it."""

    requests: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)
    """That were asked."""
    opened: set[str] = field(default_factory=set)
    """That did what they are for at least once (2xx)."""
    breaches: list[Breach] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What kept Schemathesis from asking."""
    refused: int = 0
    """Of the requests, those that went out once more without the credential, or with a wrong one."""
    cut_off: list[str] = field(default_factory=list)
    """Rounds that were at it when their time was over."""


class Login:
    """The role's credential; for what ends a login, one that nobody needs afterwards."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._numbers = count()
        self._http = httpx.Client(base_url=order.url, trust_env=False, timeout=30)

    def get(self, case: Any, _context: Any) -> str:
        operation = case.operation.definition.raw.get("operationId", "")
        return self._passing() if operation in ENDS else self._order.credential

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"

    def _passing(self) -> str:
        body = {"username": f"passing{next(self._numbers)}", "password": self._order.password}
        answer = self._http.post("/api/auth/register", json=body)
        answer.raise_for_status()
        return str(answer.json()["access_token"])


@schemathesis.check
def the_schema_is_all_it_takes(_context: Any, answer: Any, case: Any) -> None:
    """What the schema allows may be refused for what it means, never in the decoder's own words for how it is written.

    Not after a link, which hands on one answer's names where others are asked for.
    """
    made_up = case.meta is not None and not isinstance(case.meta.phase.data, StatefulPhaseData)
    if not made_up or not case.meta.generation.mode.is_positive:
        return
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and DECODERS_WORDS.search(answer.text):
        raise AssertionError("The schema allows this, and its decoder does not")


def ask(order: Order) -> Asked:
    """Every operation of the role's own once, however long that takes; what is left of the seconds goes into depth."""
    asked = Asked()
    began = time.monotonic()
    statuses: Counter[int] = Counter()
    if order.credential:
        schemathesis.auth(refresh_interval=None)(_provider(Login(order)))
    _show_examples(order)
    methods = {raw["operationId"]: name for item in order.openapi["paths"].values() for name, raw in item.items()}
    others = [name for name in methods if name not in {*order.own, *ENDLESS}]
    keeping = [name for name in order.own if name not in ENDLESS and methods[name] not in REMOVING]
    removing = [name for name in order.own if methods[name] in REMOVING]
    for name, operations, share, phases in (
        ("once", keeping, None, ["examples"]),
        ("others", others, 0.15, ["coverage"]),
        ("depth", keeping, 0.7, ["coverage", "fuzzing", "stateful"]),
        ("removing once", removing, None, ["examples"]),
        ("removing", removing, 0.15, ["coverage", "fuzzing"]),
    ):
        left = max(LEAST, order.seconds - (time.monotonic() - began))
        if operations:
            for event in _executed(
                order, operations, None if share is None else min(order.seconds * share, left), phases
            ):
                _note(event, name, asked, statuses)
    asked.statuses = dict(sorted(statuses.items()))
    return asked


def _show_examples(order: Order) -> None:
    """Bodies that are taken stand in the schema as its examples: what is made up starts from them."""
    for item in order.openapi["paths"].values():
        for raw in item.values():
            if raw["operationId"] in order.bodies and "requestBody" in raw:
                raw["requestBody"]["content"]["application/json"]["example"] = order.bodies[raw["operationId"]]


def _provider(login: Login) -> type[Any]:
    class Provider:
        def get(self, case: Any, context: Any) -> str:
            return login.get(case, context)

        def set(self, case: Any, data: str, context: Any) -> None:
            login.set(case, data, context)

    return Provider


def _executed(order: Order, operations: list[str], seconds: float | None, phases: list[str]) -> Iterator[Any]:
    """Without seconds, each phase once over."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": order.seed,
            **({} if seconds is None else {"max-time": max(1, round(seconds))}),
            "continue-on-failure": True,
            "base-url": order.url,
            "request-timeout": 30,
            "suppress-health-check": ["all"],
            "warnings": False,
            "checks": {"positive_data_acceptance": {"enabled": False}},  # in its place is our own, below the classes
            "generation": {"max-examples": order.examples, "database": "none", "no-shrink": True},
            "phases": {
                "examples": {"enabled": "examples" in phases, "fill-missing": True},
                **{name: {"enabled": name in phases} for name in ("coverage", "fuzzing", "stateful")},
            },
            "dictionaries": {name: {"values": values} for name, values in _known_values(order).items()},
            "parameters": {
                f"{place}.{name}": {"dictionary": name, "probability": KNOWN}
                for name in order.names
                for place in ("path", "query")
            },
        }
    )
    schema = schemathesis.openapi.from_dict(order.openapi, config=config)
    return iter(from_schema(schema.include(operation_id=operations)).execute())


def _known_values(order: Order) -> dict[str, list[Any]]:
    """What exists, as the schema types it: a number that is given as text counts as a mistake made on purpose."""
    numbers = {
        parameter["name"]
        for path in order.openapi["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
        for parameter in operation.get("parameters", ())
        if parameter.get("schema", {}).get("type") == "integer"
    }
    return {
        name: [int(value) for value in values] if name in numbers else list(values)
        for name, values in order.names.items()
    }


def _note(event: Any, name: str, asked: Asked, statuses: Counter[int]) -> None:
    if isinstance(event, events.ScenarioFinished):
        _note_scenario(event.recorder, asked, statuses)
    elif isinstance(event, events.NonFatalError):
        asked.errors.append(f"{event.label}: {event.value!r}"[:TOLD])
    elif isinstance(event, events.FatalError):
        raise event.exception
    elif isinstance(event, events.EngineFinished) and event.stop_reason is not StopReason.COMPLETED:
        asked.cut_off.append(name)


def _note_scenario(recorder: ScenarioRecorder, asked: Asked, statuses: Counter[int]) -> None:
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is None:
            continue
        status = interaction.response.status_code
        node = recorder.cases[case_id]
        asked.requests += 1
        if node.parent_id is not None and node.transition is None and status in REFUSALS:
            asked.refused += 1  # by a check's own request: whether the credential is looked at
            continue
        operation = node.value.operation.definition.raw["operationId"]
        statuses[status] += 1
        asked.operations.add(operation)
        if 200 <= status < 300:
            asked.opened.add(operation)
    for case_id, checks in recorder.checks.items():
        answer = recorder.find_response(case_id=case_id)
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info.failure
                asked.breaches.append(
                    Breach(
                        operation=failure.operation or recorder.label,
                        check=check.name,
                        message=f"{failure.title}: {failure.message}"[:TOLD],
                        request=check.failure_info.code_sample[:TOLD],
                        answer="" if answer is None else f"{answer.status_code} {answer.text[:TOLD]}",
                    )
                )


if __name__ == "__main__":
    ordered = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    told = sys.stdout.buffer
    sys.stdout = sys.stderr
    told.write(msgspec.json.encode(ask(ordered)))
