"""features/users/accounts.feature"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.service import eventually
from tests.features.users.people import ADMIN, WHO, People, quoted, snowflake

scenarios(str(Path(__file__).parents[3] / "features/users/accounts.feature"))

LINK = "https://tracker.gg/rocket-league/profile/epic/Lintwurm"
PLAYERS = r'(?P<players>"[^"]+"(?: and "[^"]+")*)'
TYPED: dict[str, Callable[[str], str]] = {
    "in lower case": str.lower,
    "with spaces": lambda code: code.replace("-", " "),
    "without its dash": lambda code: code.replace("-", ""),
}
MADE_UP = "ZZZZ-ZZZZ"
TRIES: dict[str, Callable[[People, str], httpx.Response]] = {
    "asks for all accounts": lambda people, who: people.ask(who, "GET", "/api/admin/users"),
    "asks for Ben's account": lambda people, who: people.ask(who, "GET", account_of(people, "Ben")),
    "makes Ben an admin": lambda people, who: people.ask(who, "PATCH", account_of(people, "Ben"), {"role": "admin"}),
    "deactivates Ben": lambda people, who: people.ask(who, "PATCH", account_of(people, "Ben"), {"active": False}),
    "erases Ben": lambda people, who: people.ask(who, "DELETE", account_of(people, "Ben")),
    "asks for the bot keys": lambda people, who: people.ask(who, "GET", "/api/admin/keys"),
    "creates a bot key": lambda people, who: people.ask(
        who, "POST", "/api/admin/keys", {"name": "hers", "scopes": ["trackers"]}
    ),
    "asks for the audit log": lambda people, who: people.ask(who, "GET", "/api/admin/audit"),
    "asks for the activity log": lambda people, who: people.ask(who, "GET", "/api/admin/activity"),
}
LEAVES: dict[str, Callable[[People], httpx.Response]] = {
    "gives the role up": lambda people: people.ask(ADMIN, "PATCH", account_of(people, ADMIN), {"role": "user"}),
    "deactivates the account": lambda people: people.ask(ADMIN, "PATCH", account_of(people, ADMIN), {"active": False}),
    "erases the account": lambda people: people.ask(ADMIN, "DELETE", account_of(people, ADMIN)),
}


def account_of(people: People, who: str) -> str:
    """Where admins find an account."""
    user_id = people.read(ADMIN, "/api/auth/me")["user_id"] if who == ADMIN else people.logins[who].user_id
    return f"/api/admin/users/{user_id}"


@dataclass
class Seen:
    """What was looked up in one scenario."""

    accounts: dict[str, Any] = field(default_factory=dict)
    """As they were before a change."""
    exports: dict[str, Any] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    key: dict[str, str] = field(default_factory=dict)
    """A bot's key: its text and prefix."""
    guild_id: str = field(default_factory=snowflake)
    entry: dict[str, Any] = field(default_factory=dict)
    """Of the audit log."""


@pytest.fixture
def seen() -> Seen:
    return Seen()


# ---- 1. one's own account ----


@when(parsers.re(r"(?P<person>[A-Z]\w+) changes (?P<what>\{.*\})"))
def changes(people: People, seen: Seen, person: str, what: str) -> None:
    given = people.own_given(json.loads(what))
    if {"username", "email"} & given.keys():
        given["current_password"] = people.passwords[person]
    seen.accounts[person] = people.read(person, "/api/users/me")
    people.answers = [people.ask(person, "PATCH", "/api/users/me", given)]


@when(parsers.re(r"somebody with (?P<person>[A-Z]\w+)'s session changes (?P<what>\{.*\})"))
def changes_without_password(people: People, person: str, what: str) -> None:
    people.answers = [people.ask(person, "PATCH", "/api/users/me", people.own_given(json.loads(what)))]


@then(parsers.re(r'(?P<person>[A-Z]\w+)\'s username is still "(?P<name>\w+)"'))
def is_still_the_username(people: People, name: str, person: str) -> None:
    shown = people.read(person, "/api/users/me")
    assert (shown["username"], shown["email"], shown["unconfirmed_email"]) == (people.own(name), None, None)


@when(parsers.re(r"somebody with (?P<person>[A-Z]\w+)'s session erases her account"))
def erases_without_password(people: People, person: str) -> None:
    people.answers = [people.ask(person, "DELETE", "/api/users/me", {"current_password": "made up"})]


@given(parsers.re(r"(?P<person>[A-Z]\w+) has changed (?P<what>\{.*\})"))
def has_changed(people: People, seen: Seen, person: str, what: str) -> None:
    changes(people, seen, person, what)
    assert people.answer.status_code == HTTPStatus.OK, people.answer.text


@then(parsers.re(r"(?P<person>[A-Z]\w+)'s account has (?P<what>\{.*\})"))
def account_has(people: People, person: str, what: str) -> None:
    shown = people.read(person, "/api/users/me")
    expected = people.own_given(json.loads(what))
    assert {name: shown[name] for name in expected} == expected


@then(parsers.re(r"(?P<person>[A-Z]\w+)'s account is unchanged"))
def account_is_as_it_was(people: People, seen: Seen, person: str) -> None:
    assert people.read(person, "/api/users/me") == seen.accounts[person]


# ---- 2. claim codes ----


@given(parsers.re(rf"(?P<person>[A-Z]\w+(?:'s second Discord user)?) has followed {PLAYERS} through the bot"))
@when(parsers.re(rf"(?P<person>[A-Z]\w+) follows {PLAYERS} through the bot"))
def follows_through_bot(people: People, person: str, players: str) -> None:
    for player in quoted(players):
        answer = people.follow(person, player)
        assert answer.status_code == HTTPStatus.CREATED, answer.text


@when(parsers.re(r"(?P<person>[A-Z]\w+) claims the bot's code"))
@given(parsers.re(r"(?P<person>[A-Z]\w+) has claimed the bot's code"))
def claims(people: People, person: str) -> None:
    people.answers = [people.claim(person, people.code_for(person))]
    assert people.answer.status_code == HTTPStatus.OK, people.answer.text


@when(parsers.re(r"(?P<person>[A-Z]\w+) claims the bot's code (?P<entered>in .+|with.+)"))
def claims_as_typed(people: People, person: str, entered: str) -> None:
    people.answers = [people.claim(person, TYPED[entered](people.code_for(person)))]
    assert people.answer.status_code == HTTPStatus.OK, people.answer.text


@given(parsers.re(r"the bot has given (?P<person>[A-Z]\w+) (?:a|another) code"))
def has_given_code(people: People, person: str) -> None:
    people.code_for(person)


@when(parsers.re(r"(?P<person>[A-Z]\w+) claims (?P<which>the same|that|the first) code"))
def claims_code(people: People, person: str, which: str) -> None:
    people.answers = [people.claim(person, people.codes[0 if which == "the first" else -1])]


@when(parsers.re(r"(?P<person>[A-Z]\w+) registers with that code"))
def registers_with_code(people: People, person: str) -> None:
    people.answers = [people.register(person, claim_code=people.codes[-1])]


@when("somebody claims a made-up code")
def claims_made_up(people: People) -> None:
    people.answers = [people.claim("Ada", MADE_UP)]


@when("somebody registers with a made-up code")
def registers_with_made_up(people: People) -> None:
    people.answers = [people.register("Somebody", claim_code=MADE_UP)]


@when(parsers.re(r"(?P<person>[A-Z]\w+) claims the code of her second Discord user"))
def claims_second_self(people: People, person: str) -> None:
    people.answers = [people.claim(person, people.code_for(f"{person}'s second Discord user"))]
    assert people.answer.status_code == HTTPStatus.OK, people.answer.text


@when(
    parsers.re(r"(?P<count>\d+) people claim (?P<person>[A-Z]\w+)'s code at the same moment"), converters={"count": int}
)
def claim_at_once(people: People, person: str, count: int) -> None:
    crowd = [f"Extra {number}" for number in range(count)]
    for name in crowd:
        assert people.register(name, username=people.own(name.replace(" ", ""))).status_code == HTTPStatus.CREATED
    code = people.code_for(person)
    people.together(*[partial(people.claim, name, code) for name in crowd])


@then(parsers.re(rf"(?P<person>[A-Z]\w+) follows {PLAYERS}"))
def follows(people: People, person: str, players: str) -> None:
    assert people.players_of(person) == sorted(quoted(players))


@then(parsers.re(r"(?P<person>[A-Z]\w+) follows nothing"))
def follows_nothing(people: People, person: str) -> None:
    assert people.answer.status_code == HTTPStatus.CREATED, people.answer.text
    assert people.players_of(person) == []


@then(parsers.re(r"(?P<person>[A-Z]\w+)'s account is linked to her Discord user"))
def is_known(people: People, person: str) -> None:
    known = people.service.read(f"/internal/users/{people.id_of(person)}")
    assert known["id"] == people.logins[person].user_id
    mine = people.read(person, "/api/users/me")["identities"]
    assert people.id_of(person) in [identity["external_id"] for identity in mine]


@then(parsers.re(r"the bot sees that (?P<person>[A-Z]\w+) has a login"))
def is_told_of_login(people: People, person: str) -> None:
    assert people.service.read(f"/internal/users/{people.id_of(person)}")["has_login"] is True


@then(parsers.re(r'the bot does not see "(?P<address>[^"]+)"'))
def is_not_told(people: People, address: str) -> None:
    assert people.read("Ada", "/api/users/me")["email"] == people.own(address)
    assert people.own(address) not in people.bot("GET", f"/internal/users/{people.id_of('Ada')}").text


@when(parsers.re(r"(?P<person>[A-Z]\w+) unlinks her Discord user"))
def unlinks(people: People, person: str) -> None:
    path = f"/api/users/me/identities/discord/{people.id_of(person)}"
    assert people.ask(person, "DELETE", path).status_code == HTTPStatus.NO_CONTENT


@then(parsers.re(r"the bot no longer knows (?P<person>[A-Z]\w+)"))
def is_not_known(people: People, person: str) -> None:
    assert people.bot("GET", f"/internal/users/{people.id_of(person)}").status_code == HTTPStatus.NOT_FOUND


# ---- 3. taking one's data away ----


@given(parsers.re(r'(?P<person>[A-Z]\w+) is in the guild "(?P<name>[^"]+)"'))
def is_in_guild(people: People, seen: Seen, person: str, name: str) -> None:
    people.put_into_guild(seen.guild_id, name, [person])


def export_of(people: People, seen: Seen, person: str) -> dict[str, Any]:
    if person not in seen.exports:
        seen.exports[person] = people.read(person, "/api/users/me/export")
    exported: dict[str, Any] = seen.exports[person]["data"]
    return exported


@then(parsers.re(r'(?P<person>[A-Z]\w+)\'s export contains her account, with the address "(?P<address>[^"]+)"'))
def export_holds_account(people: People, seen: Seen, person: str, address: str) -> None:
    account = export_of(people, seen, person)["account"]
    assert account["account"]["email"] == people.own(address)
    assert len(account["sessions"]) == 1


@then(parsers.re(r'(?P<person>[A-Z]\w+)\'s export contains the guild "(?P<name>[^"]+)"'))
def export_holds_guild(people: People, seen: Seen, person: str, name: str) -> None:
    (guild,) = export_of(people, seen, person)["guilds"]
    assert (guild["guild_id"], guild["name"]) == (seen.guild_id, name)


@then(parsers.re(r'(?P<person>[A-Z]\w+)\'s export contains the tracker "(?P<player>[^"]+)"'))
def export_holds_tracker(people: People, seen: Seen, person: str, player: str) -> None:
    (tracker,) = export_of(people, seen, person)["trackers"]
    assert (tracker["id"], tracker["display"]) == (people.followed[person, player], f"{player}-{people.mark}")


@then(parsers.re(r"(?P<person>[A-Z]\w+)'s export lists the events (?P<events>.+)"))
def export_tells(people: People, seen: Seen, person: str, events: str) -> None:
    told = {entry["event"] for entry in export_of(people, seen, person)["account"]["activity"]}
    assert set(events.split(", ")) <= told


@then(parsers.re(r"(?P<person>[A-Z]\w+)'s export contains neither password nor token"))
def no_secret_in_export(people: People, seen: Seen, person: str) -> None:
    text = json.dumps(export_of(people, seen, person))
    login = people.logins[person]
    for secret in (people.passwords[person], login.access, login.refresh, "$argon2", *people.codes):
        assert secret not in text


@when(parsers.re(r"(?P<person>[A-Z]\w+) erases her account"))
@given(parsers.re(r"(?P<person>[A-Z]\w+) has erased her account"))
def erases_own(people: People, person: str) -> None:
    body = {"current_password": people.passwords[person]}
    assert people.ask(person, "DELETE", "/api/users/me", body).status_code == HTTPStatus.NO_CONTENT


@then(parsers.re(r"(?P<person>[A-Z]\w+)'s trackers are gone"))
def no_tracker(people: People, person: str) -> None:
    mine = [tracker for (whose, _), tracker in people.followed.items() if whose == person]
    assert mine
    assert {people.bot("GET", f"/internal/trackers/{tracker}").status_code for tracker in mine} == {404}


@then(parsers.re(r'(?P<person>[A-Z]\w+)\'s tracker of "(?P<player>[^"]+)" is still there'))
def tracker_is_there(people: People, person: str, player: str) -> None:
    shown = people.service.read(f"/internal/trackers/{people.followed[person, player]}")
    assert (shown["display"], shown["active"]) == (f"{player}-{people.mark}", True)


@when("the worker runs")
def worker_runs(people: People) -> None:
    people.service.own_worker.burst()


@then(parsers.re(r'the worker (?P<did>fetched|did not fetch) "(?P<player>[^"]+)"'))
def worker_fetched(people: People, did: str, player: str) -> None:
    name = quote(f"{player}-{people.mark}")
    requests = [request for request in people.service.simulated.games.requests("/api/") if name in request.path]
    assert bool(requests) is (did == "fetched")


# ---- 4. admins and accounts ----


@when(parsers.re(r'the admin searches for "(?P<words>[^"]+)"'))
def looks_for(people: People, seen: Seen, words: str) -> None:
    seen.found = found(people, people.own(words))


@then(parsers.re(r"the admin finds only (?P<person>[A-Z]\w+)"))
def finds_alone(people: People, seen: Seen, person: str) -> None:
    assert seen.found == [people.logins[person].user_id]


@then(parsers.re(r"the admin no longer finds (?P<person>[A-Z]\w+)"))
def no_longer_finds(people: People, person: str) -> None:
    assert found(people, people.usernames[person]) == []
    people.answers = [people.ask(ADMIN, "GET", account_of(people, person))]
    people.refused(404, "account_not_found")


@then(parsers.parse("in pages of {size:d} the admin sees everybody once"))
def sees_everybody_once(people: People, size: int) -> None:
    everybody = {login.user_id for login in people.logins.values()}
    pages = [
        people.read(ADMIN, f"/api/admin/users?search={people.mark}&per_page={size}&page={number + 1}")
        for number in range(-(-len(everybody) // size))
    ]
    shown = [account["id"] for page in pages for account in page["items"]]
    assert {page["total"] for page in pages} == {len(everybody)}
    assert len(shown) == len(everybody)
    assert set(shown) == everybody


def found(people: People, words: str) -> list[str]:
    query = str(httpx.QueryParams(search=words))
    return [account["id"] for account in people.read(ADMIN, f"/api/admin/users?{query}")["items"]]


@when(parsers.re(r"the admin (?P<does>deactivates|activates) (?P<person>[A-Z]\w+)"))
def admin_switches(people: People, does: str, person: str) -> None:
    active = does == "activates"
    people.answers = [people.ask(ADMIN, "PATCH", account_of(people, person), {"active": active})]
    assert people.answer.json()["active"] is active, people.answer.text


@given(parsers.re(r"the admin has deactivated (?P<person>[A-Z]\w+)"))
def admin_has_deactivated(people: People, person: str) -> None:
    admin_switches(people, "deactivates", person)


@then(
    parsers.re(r'(?P<person>[A-Z]\w+) is refused at login with (?P<status>\d+) "(?P<code>\w+)"'),
    converters={"status": int},
)
def refused_at_login(people: People, person: str, status: int, code: str) -> None:
    people.answers = [people.log_in(person)]
    people.refused(status, code)


@then(
    parsers.re(
        r"the bot's request to follow something for (?P<person>[A-Z]\w+) is refused"
        r' with (?P<status>\d+) "(?P<code>\w+)"'
    ),
    converters={"status": int},
)
def bot_is_refused(people: People, person: str, status: int, code: str) -> None:
    people.answers = [people.follow(person, "Lintwurm")]
    people.refused(status, code)


@when(parsers.re(r"the admin makes (?P<person>[A-Z]\w+) an? (?P<role>admin|user)"))
def admin_gives_role(people: People, person: str, role: str) -> None:
    people.answers = [people.ask(ADMIN, "PATCH", account_of(people, person), {"role": role})]
    assert people.answer.json()["role"] == role, people.answer.text
    people.promoted = {*people.promoted, person} if role == "admin" else people.promoted - {person}


@then(parsers.re(r"(?P<person>[A-Z]\w+) (?P<can>can|cannot) list all accounts"))
def lists_accounts(people: People, person: str, can: str) -> None:
    status = HTTPStatus.OK if can == "can" else HTTPStatus.FORBIDDEN
    eventually(
        lambda: people.ask(person, "GET", "/api/admin/users?per_page=1").status_code == status,
        what=f"{person} {can} list all accounts",
    )


@when(parsers.re(r"the admin erases (?P<person>[A-Z]\w+)"))
def admin_erases(people: People, person: str) -> None:
    assert people.ask(ADMIN, "DELETE", account_of(people, person)).status_code == HTTPStatus.NO_CONTENT


@when(parsers.re(rf"(?P<person>[A-Z]\w+) (?P<tries>{'|'.join(TRIES)})"))
def tries(people: People, person: str, tries: str) -> None:
    people.answers = [TRIES[tries](people, person)]


@given("there is one admin")
@then("there is one admin")
def one_admin(people: People) -> None:
    assert people.read(ADMIN, "/api/admin/users?role=admin&active=true")["total"] == 1


@when(parsers.re(rf"the admin (?P<leaves>{'|'.join(LEAVES)})"))
def leaves(people: People, leaves: str) -> None:
    people.answers = [LEAVES[leaves](people)]


# ---- 5. bots' keys ----


def make_key(people: People, seen: Seen, **given: Any) -> None:
    people.answers = [
        people.ask(ADMIN, "POST", "/api/admin/keys", {"name": people.own("key"), "scopes": ["trackers"], **given})
    ]
    if people.answer.status_code == HTTPStatus.CREATED:
        seen.key = people.answer.json()
        people.keys.append(seen.key["prefix"])


@when(parsers.re(r"the admin creates a key for (?P<scopes>.+)"))
@given(parsers.re(r"the admin has created a key for (?P<scopes>[\w:]+)"))
def makes_key(people: People, seen: Seen, scopes: str) -> None:
    make_key(people, seen, scopes=scopes.split(" and "))
    assert people.answer.status_code == HTTPStatus.CREATED, people.answer.text


@given(parsers.re(r"the admin has created a key for (?P<scope>\w+) in the guild"))
def makes_key_for_guild(people: People, seen: Seen, scope: str) -> None:
    make_key(people, seen, scopes=[scope], guild_ids=[seen.guild_id])
    assert people.answer.status_code == HTTPStatus.CREATED, people.answer.text


@when(parsers.re(r"the admin creates a key with (?P<what>\{.*\})"))
def makes_key_with(people: People, seen: Seen, what: str) -> None:
    make_key(people, seen, **json.loads(what))


def parse_with(people: People, seen: Seen) -> httpx.Response:
    return people.bot("POST", "/internal/trackers/parse", {"url": LINK}, key=seen.key["text"])


def ask_for_code_with(people: People, seen: Seen, person: str) -> httpx.Response:
    return people.bot("POST", "/internal/users/claim-codes", {"user_id": people.id_of(person)}, key=seen.key["text"])


@given("the key was used")
@then("the key may parse a link")
def key_may_parse(people: People, seen: Seen) -> None:
    assert parse_with(people, seen).status_code == HTTPStatus.OK


@then("the key may issue a claim code")
def key_may_ask(people: People, seen: Seen) -> None:
    key_may_ask_for(people, seen, "Ada")


@then(parsers.re(r"the key may issue a claim code for (?P<person>[A-Z]\w+)"))
def key_may_ask_for(people: People, seen: Seen, person: str) -> None:
    assert ask_for_code_with(people, seen, person).status_code == HTTPStatus.CREATED


@then(parsers.re(r"the key may not issue a claim code for (?P<person>[A-Z]\w+)"))
def key_may_not_ask_for(people: People, seen: Seen, person: str) -> None:
    people.answers = [ask_for_code_with(people, seen, person)]
    people.refused(403, "forbidden")


@then(parsers.re(r"the key may not follow anything for (?P<person>[A-Z]\w+)"))
def key_may_not_follow(people: People, seen: Seen, person: str) -> None:
    body = {"user_id": people.id_of(person), "url": LINK}
    people.answers = [people.bot("POST", "/internal/trackers/add", body, key=seen.key["text"])]
    people.refused(403, "forbidden")


def known_key(people: People, seen: Seen) -> dict[str, Any]:
    """The key as admins see it."""
    listed = people.read(ADMIN, "/api/admin/keys")["items"]
    (known,) = [key for key in listed if key["prefix"] == seen.key["prefix"]]
    return dict(known)


@then("the admin sees the scopes and the last use of the key")
def sees_key(people: People, seen: Seen) -> None:
    known = known_key(people, seen)
    assert known["scopes"] == ["trackers:read"]
    assert known["last_used_at"] is not None
    assert known["revoked_at"] is None


@then("the admin does not see the text of the key")
def key_is_not_shown(people: People, seen: Seen) -> None:
    secret = seen.key["text"].rpartition(seen.key["prefix"])[2]
    assert secret
    for path in ("/api/admin/keys", "/api/admin/audit?method=POST", "/api/admin/activity?event=bot_key."):
        assert secret not in people.ask(ADMIN, "GET", path).text


@when("the admin revokes the key")
def revokes(people: People, seen: Seen) -> None:
    people.answers = [people.ask(ADMIN, "DELETE", f"/api/admin/keys/{seen.key['prefix']}")]


@given("the admin has revoked the key")
def has_revoked(people: People, seen: Seen) -> None:
    revokes(people, seen)
    assert people.answer.status_code == HTTPStatus.NO_CONTENT


@then("the key no longer works")
def opens_nothing(people: People, seen: Seen) -> None:
    eventually(
        lambda: parse_with(people, seen).status_code == HTTPStatus.UNAUTHORIZED,
        what="the key opens nothing",
    )


@then("the admin sees that the key is revoked")
def sees_revoked(people: People, seen: Seen) -> None:
    assert known_key(people, seen)["revoked_at"] is not None


# ---- 6. the logs ----


@then(
    parsers.re(rf"the audit log has {WHO}'s (?P<method>[A-Z]+) of (?P<route>\S+), answered with (?P<status>\d+)"),
    converters={"status": int},
)
def audit_has(people: People, seen: Seen, who: str, method: str, route: str, status: int) -> None:
    actor_id = account_of(people, who).rpartition("/")[2]
    query = httpx.QueryParams(actor_id=actor_id, method=method, route=route)
    seen.entry = people.read(ADMIN, f"/api/admin/audit?{query}")["items"][0]
    assert (seen.entry["actor_kind"], seen.entry["status"]) == ("user", status)


@then(parsers.re(r"the audit log has a (?P<method>[A-Z]+) of (?P<route>\S+) by somebody who is not Ada"))
def audit_has_of_somebody(people: People, method: str, route: str) -> None:
    query = httpx.QueryParams(method=method, route=route, failed="false")
    entry = people.read(ADMIN, f"/api/admin/audit?{query}")["items"][0]
    assert entry["actor_id"] != people.logins["Ada"].user_id
    assert (entry["actor_kind"], entry["address"], entry["user_agent"], entry["request_id"]) == (
        "user",
        None,
        None,
        None,
    )


@then("neither log contains Ada's id")
def logs_do_not_name(people: People) -> None:
    for log in ("audit", "activity"):
        assert people.logins["Ada"].user_id not in people.ask(ADMIN, "GET", f"/api/admin/{log}?limit=200").text


@then(parsers.parse("the entry shows that she sent a {field}, but not its value"))
def entry_tells_fields(seen: Seen, field: str) -> None:
    assert seen.entry["body"] == {field: "[removed]"}


@then("the entry shows her address and the id of the request")
def entry_tells_request(people: People, seen: Seen) -> None:
    assert seen.entry["address"]
    assert seen.entry["user_agent"]
    assert seen.entry["request_id"] == people.answer.headers["x-request-id"]


@then("the entry contains neither her old nor her new password")
def entry_tells_no_password(people: People, seen: Seen) -> None:
    assert seen.entry["body"].keys() == {"current_password", "new_password"}
    for password in people.passwords.values():
        assert password not in json.dumps(seen.entry)


@then(parsers.re(r"the entry names the account of (?P<person>[A-Z]\w+)"))
def entry_tells_whom(people: People, seen: Seen, person: str) -> None:
    assert seen.entry["resource"] == {"user_id": people.logins[person].user_id}


def happened_to(people: People, person: str, event: str = "") -> list[str]:
    query = httpx.QueryParams(user_id=people.logins[person].user_id, **({"event": event} if event else {}))
    return [entry["event"] for entry in people.read(ADMIN, f"/api/admin/activity?{query}")["items"]]


@then(parsers.re(r"the activity log shows these events of (?P<person>[A-Z]\w+), newest first"))
def this_happened(people: People, person: str, datatable: list[list[str]]) -> None:
    assert happened_to(people, person) == [row[0] for row in datatable]


@then(parsers.re(r'the only events of (?P<person>[A-Z]\w+) under "(?P<beginning>[^"]+)" are (?P<event>\S+)'))
def only_happened(people: People, beginning: str, event: str, person: str) -> None:
    assert set(happened_to(people, person, beginning)) == {event}
