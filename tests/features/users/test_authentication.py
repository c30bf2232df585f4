"""features/users/authentication.feature"""

import base64
import json
import secrets
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.users.people import WHO, Login, People, quoted

scenarios(str(Path(__file__).parents[3] / "features/users/authentication.feature"))

MADE_UP = "trr_" + "A" * 108
MOST_GUESSES = 200


def bearer(token: str) -> str:
    return f"Bearer {token}"


def part(value: object) -> str:
    """One of a token's three."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def needing_no_signature(token: str) -> str:
    return f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{token.split('.')[1]}."


def with_somebody_elses_name(token: str) -> str:
    head, claims, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"sub": str(uuid4())}
    return f"{head}.{part(changed)}.{signature}"


SHOWN: dict[str, Callable[[People], str]] = {
    "nothing": lambda _: "",
    "a made-up token": lambda _: bearer(f"{part({'alg': 'HS256'})}.{part({'sub': 'ada'})}.{'A' * 43}"),
    "the bot's key": lambda people: people.bots,
    "Ada's refresh token": lambda people: bearer(people.logins["Ada"].refresh),
    "Ada's access token, cut short": lambda people: bearer(people.logins["Ada"].access[:-4]),
    "Ada's access token without its signature": lambda people: bearer(people.logins["Ada"].access.rpartition(".")[0]),
    "Ada's access token with the algorithm none": lambda people: bearer(
        needing_no_signature(people.logins["Ada"].access)
    ),
    "Ada's access token with somebody else's name": lambda people: bearer(
        with_somebody_elses_name(people.logins["Ada"].access)
    ),
    "Ada's access token in the scheme Basic": lambda people: f"Basic {people.logins['Ada'].access}",
    "Ada's access token in the scheme Token": lambda people: f"Token {people.logins['Ada'].access}",
}
REFRESHED: dict[str, Callable[[People], str]] = {
    "a made-up token": lambda _: MADE_UP,
    "Ada's refresh token, cut short": lambda people: people.logins["Ada"].refresh[:-1],
    "Ada's refresh token with extra letter": lambda people: people.logins["Ada"].refresh + "A",
}


# ---- 1. registering ----


@when(parsers.parse('{count:d} people register with the username "{name}" at the same moment'))
def register_at_once(people: People, count: int, name: str) -> None:
    people.together(
        *[partial(people.register, f"Extra {number}", username=people.own(name)) for number in range(count)]
    )


@when(parsers.re(r'somebody registers "(?P<name>\w+)" with (?P<what>\{.*\})'))
def somebody_registers(people: People, name: str, what: str) -> None:
    people.answers = [
        people.register("Somebody", **{"username": people.own(name), **people.own_given(json.loads(what))})
    ]


@then(parsers.re(r'(?P<person>[A-Z]\w+) can still register with the username "(?P<name>\w+)"'))
def can_still_register(people: People, person: str, name: str) -> None:
    assert people.register(person, username=people.own(name)).status_code == HTTPStatus.CREATED


# ---- 2. logging in ----


@when(parsers.re(r'(?P<person>[A-Z]\w+) logs in as "(?P<name>[^"]+)"'))
def logs_in_as(people: People, person: str, name: str) -> None:
    people.answers = [people.log_in(person, name=people.own(name))]


@when(parsers.re(r"(?P<person>[A-Z]\w+) logs in with the form of OAuth 2"))
def logs_in_by_form(people: People, person: str) -> None:
    form = {
        "grant_type": "password",
        "username": people.usernames[person],
        "password": people.password_of(person),
        "scope": "",
    }
    people.answers = [people.send("POST", "/api/auth/login", data=form)]
    assert people.answer.json()["token_type"] == "Bearer", people.answer.text
    people.logins[person] = Login.given(people.answer)


@then("the answer must not be cached")
def not_kept(people: People) -> None:
    assert people.answer.headers["cache-control"] == "no-store"


@given(parsers.re(r'the bot knows (?P<person>[A-Z]\w+) as "(?P<name>\w+)"'))
def bot_knows(people: People, person: str, name: str) -> None:
    people.code_for(person, username=people.own(name))


@when(parsers.re(r"somebody tries to log in as (?P<tried>\".+\")"))
def tries_to_log_in(people: People, tried: str) -> None:
    people.answers = [people.try_login(people.own(name), secrets.token_urlsafe(16)) for name in quoted(tried)]


@then(parsers.re(r'all of them are refused with (?P<status>\d+) "(?P<code>\w+)"'), converters={"status": int})
def all_refused(people: People, status: int, code: str) -> None:
    assert {(answer.status_code, answer.json()["code"]) for answer in people.answers} == {(status, code)}


@then("all the answers are the same")
def alike(people: People) -> None:
    said = [{**answer.json(), "request_id": ""} for answer in people.answers]
    assert said == said[:1] * len(said)
    assert len({frozenset(answer.headers) for answer in people.answers}) == 1


@when(parsers.re(r"somebody logs in with (?P<what>[\[{].*[\]}])"))
def logs_in_with(people: People, what: str) -> None:
    people.answers = [people.send("POST", "/api/auth/login", json.loads(what))]


@given(
    parsers.re(r"somebody has guessed (?P<person>[A-Z]\w+)'s password (?P<times>\d+) times"),
    converters={"times": int},
)
def has_guessed(people: People, person: str, times: int) -> None:
    guesses = [people.try_login(people.usernames[person], secrets.token_urlsafe(16)) for _ in range(times)]
    assert {guess.status_code for guess in guesses} == {401}


@when(parsers.re(r"somebody guesses (?P<person>[A-Z]\w+)'s password until they are blocked"))
def guesses(people: People, person: str) -> None:
    answers = [people.try_login(people.usernames[person], secrets.token_urlsafe(16))]
    while answers[-1].status_code == HTTPStatus.UNAUTHORIZED:
        assert len(answers) < MOST_GUESSES, "nobody was stopped"
        answers.append(people.try_login(people.usernames[person], secrets.token_urlsafe(16)))
    people.answers = answers[-1:]
    assert people.answer.headers["ratelimit-limit"] == str(len(answers) - 1)


@then("the answer says how many attempts are allowed, and when to try again")
def says_when(people: People) -> None:
    headers = people.answer.headers
    assert int(headers["ratelimit-limit"]) > 0
    assert int(headers["ratelimit-remaining"]) == 0
    assert int(headers["retry-after"]) == int(headers["ratelimit-reset"]) > 0


@then(parsers.re(r"(?P<person>[A-Z]\w+) cannot log in, although she knows the password"))
def cannot_log_in(people: People, person: str) -> None:
    people.answers = [people.log_in(person)]
    people.refused(429, "too_many_attempts")


# ---- 3. refreshing ----


@when(parsers.re(r"(?P<person>[A-Z]\w+) refreshes"))
@given(parsers.re(r"(?P<person>[A-Z]\w+) has refreshed"))
@then(parsers.re(r"(?P<person>[A-Z]\w+) can refresh"))
def refreshes(people: People, person: str) -> None:
    people.logins[f"{person} before"] = people.logins[person]
    people.answers = [people.refresh(person)]
    assert people.answer.status_code == HTTPStatus.OK, people.answer.text


@then(parsers.re(r"both of (?P<person>[A-Z]\w+)'s tokens are new"))
def both_are_new(people: People, person: str) -> None:
    before, now = people.logins[f"{person} before"], people.logins[person]
    assert before.access != now.access
    assert before.refresh != now.refresh


@when(parsers.re(r"somebody refreshes with (?P<person>[A-Z]\w+)'s previous token"))
def replays(people: People, person: str) -> None:
    people.answers = [people.try_refresh(people.logins[f"{person} before"].refresh)]


@when(parsers.re(r"(?P<person>[A-Z]\w+) refreshes (?P<times>\d+) times at the same moment"), converters={"times": int})
def refreshes_at_once(people: People, person: str, times: int) -> None:
    people.together(*[partial(people.try_refresh, people.logins[person].refresh)] * times)
    for answer in people.answers:
        if answer.status_code == HTTPStatus.OK:
            people.logins[person] = Login.given(answer)


@when(parsers.re(r"somebody refreshes with (?P<what>(?:a made-up token|[A-Z]\w+'s refresh token.+))"))
def refreshes_with(people: People, what: str) -> None:
    people.answers = [people.try_refresh(REFRESHED[what](people))]


# ---- 4. logging out ----


@given(parsers.re(r"(?P<person>[A-Z]\w+) has logged in on her phone"))
def logged_in_on_phone(people: People, person: str) -> None:
    assert people.log_in(person, on=f"{person}'s phone").status_code == HTTPStatus.OK


@when(parsers.re(rf"{WHO} logs out"))
def logs_out(people: People, who: str) -> None:
    assert people.ask(who, "POST", "/api/auth/logout").status_code == HTTPStatus.NO_CONTENT


@when(parsers.re(rf"{WHO} logs out everywhere"))
def logs_out_everywhere(people: People, who: str) -> None:
    people.answers = [people.ask(who, "POST", "/api/auth/logout-all")]


@then(parsers.re(r"(?P<count>\d+) sessions? (?:has|have) ended"), converters={"count": int})
def have_ended(people: People, count: int) -> None:
    assert people.answer.json() == {"ended": count}


@then(
    parsers.re(rf"{WHO} sees (?P<count>\d+) sessions?, and which of them is the current one"), converters={"count": int}
)
def sees_sessions(people: People, who: str, count: int) -> None:
    sessions = people.read(who, "/api/auth/sessions")["items"]
    assert len(sessions) == count
    assert [session["id"] for session in sessions if session["current"]] == [session_of(people, who)]
    assert all(session["address"] and session["user_agent"] for session in sessions)


@when(parsers.re(r"(?P<person>[A-Z]\w+) ends the session of her phone"))
def ends_phone(people: People, person: str) -> None:
    session_id = session_of(people, f"{person}'s phone")
    assert people.ask(person, "DELETE", f"/api/auth/sessions/{session_id}").status_code == HTTPStatus.NO_CONTENT


@when(parsers.re(r"(?P<person>[A-Z]\w+) ends the session of (?P<whose>[A-Z]\w+'s phone)"))
def ends_somebody_elses(people: People, person: str, whose: str) -> None:
    people.answers = [people.ask(person, "DELETE", f"/api/auth/sessions/{session_of(people, whose)}")]


@when(parsers.re(rf"{WHO} changes her password without knowing it"))
def guesses_own_password(people: People, who: str) -> None:
    body = {"current_password": secrets.token_urlsafe(16), "new_password": secrets.token_urlsafe(16)}
    people.answers = [people.ask(who, "POST", "/api/auth/change-password", body)]


@then(parsers.re(r"nobody can log in with (?P<person>[A-Z]\w+)'s previous password"))
def former_password(people: People, person: str) -> None:
    people.answers = [people.try_login(people.usernames[person], people.passwords[f"{person} before"])]
    people.refused(401, "login_failed")


def session_of(people: People, who: str) -> str:
    return str(people.read(who, "/api/auth/me")["session_id"])


# ---- 5. what opens what ----


@when(parsers.re(r"somebody asks for Ada's account with (?P<what>.+)"))
def asks_with(people: People, what: str) -> None:
    people.answers = [people.send("GET", "/api/users/me", authorization=SHOWN[what](people))]


@then("the answer says that a bearer token is needed")
def bearer_needed(people: People) -> None:
    assert people.answer.headers["www-authenticate"] == "Bearer"


@when(parsers.re(r"(?P<person>[A-Z]\w+) calls an endpoint for bots"))
def asks_bots_endpoints(people: People, person: str) -> None:
    people.answers = [people.ask(person, "POST", "/internal/trackers/parse", {"url": "https://tracker.gg/"})]
