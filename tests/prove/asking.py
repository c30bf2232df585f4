"""`python -m tests.prove.asking`: one role asks what the schema allows, and what it does not; JSON in, JSON out.

A process of its own: Schemathesis keeps what is registered with it for the whole process.
"""

import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import httpx
import msgspec
import schemathesis
from msgspec import Struct, field
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import Status, StopReason, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import StatefulPhaseData, TestPhase
from tests.prove.supplies import Maker, SupplyError

ENDS: Final = frozenset({"logout", "logout_all", "erase_me", "change_password", "change_my_account", "end_session"})
"""Operations that end a login or change what it is made with: each request has an account of its own."""
ENDLESS: Final = frozenset({"internal_stream_events"})
"""Answers that go on until their reader leaves."""
FIRST: Final = frozenset(
    {
        "test_my_channel",
        "test_guild_channel",
        "internal_test_guild_channel",
        "redrive_delivery",
        "redrive_dead_event",
        "claim_identity",
        "merge_accounts",
    }
)
"""Changes that need the world as it was made: another operation takes away what they need."""
DECODERS_WORDS: Final = re.compile(r'"message":"(Expected |Object |Invalid )')
PROBLEM_CODE: Final = re.compile(r'"code":"([^"]+)"')
KNOWN: Final = 0.7
"""How often a made-up request names what exists."""
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
    login: str
    """Name that the role signs in with, empty where it does not."""
    credential: str
    bot_credential: str
    password: str
    paths: dict[str, dict[str, Any]]
    """By operation, path parameters of what exists."""
    queries: dict[str, dict[str, Any]]
    """By operation, query parameters that it needs."""
    bodies: dict[str, Any]
    """By operation, a body that it takes."""
    seconds: float
    examples: int
    seed: int


class Round(Struct, frozen=True):
    """Some operations, asked in some of Schemathesis's phases."""

    name: str
    operations: list[str]
    phases: list[str]
    weight: int = 0
    """Its part of the time, beside those of the rounds after it; 0: however long it takes."""


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
    successes: dict[str, int] = field(default_factory=dict)
    """By operation, how often it did what it is for (2xx)."""
    otherwise: dict[str, dict[str, int]] = field(default_factory=dict)
    """By operation, what else it answered: how often which status with which code."""
    breaches: list[Breach] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What kept Schemathesis from asking."""
    refused: int = 0
    """Of the requests, those that went out once more without the credential, or with a wrong one."""
    sign_ins: int = 0
    """How often the role had to sign in again, because its login had ended."""
    accounts_lost: int = 0
    """How often it needed a new account for that, because its own was gone."""
    not_made: dict[str, int] = field(default_factory=dict)
    """By operation, how often what it consumes could not be made beforehand."""
    cut_off: list[str] = field(default_factory=list)
    """Rounds that were at it when their time was over."""


class Asker:
    """The role: its login, renewed when it has ended, and what its requests name."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._rng = random.Random(order.seed)  # noqa: S311 -- chance, repeatable
        self._maker = Maker(order.url, bot=order.bot_credential, password=order.password)
        self._maker.own = order.credential
        self._ended = False
        self._sent: set[str] = set()
        self.sign_ins = 0
        self.accounts_lost = 0

    @property
    def not_made(self) -> dict[str, int]:
        return dict(self._maker.failures)

    def get(self, case: Any, _context: Any) -> str:
        ends = _operation_of(case) in ENDS
        credential = str(self._maker.account()["access_token"]) if ends else self._credential()
        self._sent.add(_bearer(credential))
        return credential

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers["Authorization"] = _bearer(data)

    def before_call(self, _context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
        """Name what exists, always in an example and mostly in made-up requests; never after a link, which names it."""
        meta = case.meta
        if meta is None or meta.phase.name is TestPhase.STATEFUL:
            return
        example = meta.phase.name is TestPhase.EXAMPLES
        if not example and self._rng.random() >= KNOWN:
            return
        operation = _operation_of(case)
        path = self._order.paths.get(operation, {})
        supplied = operation in self._order.own and meta.generation.mode.is_positive
        supply = self._maker.supply(operation) if supplied else None
        if supply is not None:
            path = path | supply.path
            if supply.body is not None and example:
                case.body = supply.body
            if supply.credential and case.headers.get("Authorization") in self._sent:
                self.set(case, supply.credential, None)
        if _is_positive(meta, ParameterLocation.PATH):
            case.path_parameters.update({name: value for name, value in path.items() if name in case.path_parameters})
        if example or _is_positive(meta, ParameterLocation.QUERY):
            case.query.update(self._order.queries.get(operation, {}))

    def after_call(self, _context: Any, case: Any, response: Any) -> None:
        """Note that the login has ended: an operation that it opens is refused."""
        opened = _operation_of(case) in self._order.own and case.operation.definition.raw.get("security")
        if opened and response.status_code == httpx.codes.UNAUTHORIZED:
            self._ended = self._ended or case.headers.get("Authorization") == _bearer(self._maker.own)

    def _credential(self) -> str:
        if self._ended and self._order.login:
            self.sign_ins += 1
            self._ended = False
            try:
                self._maker.own = str(self._maker.sign_in(self._order.login)["access_token"])
            except SupplyError:  # a test has erased the account
                self.accounts_lost += 1
                self._maker.own = str(self._maker.account()["access_token"])
        return self._maker.own


def _operation_of(case: Any) -> str:
    return str(case.operation.definition.raw.get("operationId", ""))


def _bearer(credential: str) -> str:
    return f"Bearer {credential}"


def _is_positive(meta: Any, location: ParameterLocation) -> bool:
    """Whether a part of a request is as the schema allows; a part without a record holds what an answer gave."""
    component = meta.components.get(location)
    return component is None or bool(component.mode.is_positive)


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
    """Ask every operation once, however long that takes; what is left of the seconds goes into the role's own."""
    asked = Asked()
    began = time.monotonic()
    statuses: Counter[int] = Counter()
    asker = Asker(order)
    if order.credential:
        schemathesis.auth(refresh_interval=None)(_provider(asker))
    schemathesis.hook("before_call")(_before_call(asker))
    schemathesis.hook("after_call")(_after_call(asker))
    _show_examples(order)
    methods = {raw["operationId"]: name for item in order.openapi["paths"].values() for name, raw in item.items()}
    own = [name for name in order.own if name not in ENDLESS]
    foreign = [name for name in methods if name not in {*own, *ENDLESS}]
    reading = [name for name in own if methods[name] == "get"]
    removing = [name for name in own if methods[name] == "delete"]
    first = [name for name in own if name in FIRST]
    changing = [name for name in own if name not in {*reading, *removing, *first}]
    depth = ["coverage", "fuzzing"]
    rounds = [
        Round("reading once", reading, ["examples"]),
        Round("first changes once", first, ["examples"]),
        Round("changing once", changing, ["examples"]),
        Round("foreign once", foreign, ["examples"]),
        Round("reading", reading, depth, weight=7),
        Round("changing", [*reading, *first, *changing], [*depth, "stateful"], weight=7),
        Round("removing once", removing, ["examples"]),
        Round("removing", removing, depth, weight=6),
    ]
    rounds = [each for each in rounds if each.operations]
    for number, each in enumerate(rounds):
        left = max(LEAST, order.seconds - (time.monotonic() - began))
        share = each.weight / max(1, sum(later.weight for later in rounds[number:]))
        for event in _executed(order, each, max(LEAST, left * share) if each.weight else None):
            _note(event, each.name, asked, statuses)
    asked.statuses = dict(sorted(statuses.items()))
    asked.sign_ins, asked.accounts_lost, asked.not_made = asker.sign_ins, asker.accounts_lost, asker.not_made
    return asked


def _show_examples(order: Order) -> None:
    """Bodies that are taken stand in the schema as its examples: what is made up starts from them."""
    for item in order.openapi["paths"].values():
        for raw in item.values():
            if raw["operationId"] in order.bodies and "requestBody" in raw:
                raw["requestBody"]["content"]["application/json"]["example"] = order.bodies[raw["operationId"]]


def _provider(asker: Asker) -> type[Any]:
    """Schemathesis makes the provider itself, of a class."""

    class Provider:
        def get(self, case: Any, context: Any) -> str:
            return asker.get(case, context)

        def set(self, case: Any, data: str, context: Any) -> None:
            asker.set(case, data, context)

    return Provider


def _before_call(asker: Asker) -> Any:
    """Schemathesis wants functions with these very parameters."""

    def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        asker.before_call(context, case, kwargs)

    return before_call


def _after_call(asker: Asker) -> Any:
    def after_call(context: Any, case: Any, response: Any) -> None:
        asker.after_call(context, case, response)

    return after_call


def _executed(order: Order, each: Round, seconds: float | None) -> Iterator[Any]:
    """Without seconds, each phase once over."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": order.seed,
            **({} if seconds is None else {"max-time": max(1, round(seconds))}),
            "continue-on-failure": True,
            "base-url": order.url,
            "request-timeout": 120,
            "suppress-health-check": ["all"],
            "warnings": False,
            "checks": {"positive_data_acceptance": {"enabled": False}},  # in its place is our own, below the classes
            "generation": {
                "max-examples": order.examples,
                "database": "none",
                "no-shrink": True,
                "with-security-parameters": False,  # a check asks without a credential; made-up ones took two thirds
            },
            "phases": {
                "examples": {"enabled": "examples" in each.phases, "fill-missing": True},
                **{name: {"enabled": name in each.phases} for name in ("coverage", "fuzzing", "stateful")},
            },
        }
    )
    schema = schemathesis.openapi.from_dict(order.openapi, config=config)
    return iter(from_schema(schema.include(operation_id=each.operations)).execute())


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
        if node.value.method.upper() != node.value.operation.method.upper():
            continue  # a method that the schema does not know, to be answered with 405; OPTIONS with 204
        if 200 <= status < 300:
            asked.successes[operation] = asked.successes.get(operation, 0) + 1
        else:
            others = asked.otherwise.setdefault(operation, {})
            instead = f"{status} {_code_of(interaction.response)}"
            others[instead] = others.get(instead, 0) + 1
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


def _code_of(response: Any) -> str:
    """What a problem says it is."""
    found = PROBLEM_CODE.search(response.text or "")
    return "" if found is None else found[1]


if __name__ == "__main__":
    ordered = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    told = sys.stdout.buffer
    sys.stdout = sys.stderr
    told.write(msgspec.json.encode(ask(ordered)))
