"""Steps that the features of people share: who registers and logs in, what is answered, who is in and who is out."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pytest_bdd import given, parsers, then, when
from tests.features.service import Service
from tests.features.users.people import NAMES, WHO, People, names

WAYS = re.compile(r'the username "(?P<username>[^"]+)"|the address "(?P<email>[^"]+)"|(?P<code>the bot\'s code)')
"""To register with."""


@pytest.fixture
def people(service: Service, admin_token: Callable[[], str]) -> Iterator[People]:
    made = People(service, admin_token)
    yield made
    made.end()


# ---- registering ----


@when(parsers.re(r"(?P<person>[A-Z]\w+) registers(?: again)? with (?P<how>the .+)"))
def registers(people: People, person: str, how: str) -> None:
    given: dict[str, Any] = {}
    for way in WAYS.finditer(how):
        given |= {name: people.own(way[name]) for name in ("username", "email") if way[name]}
        given |= {"claim_code": people.code_for(person)} if way["code"] else {}
    assert given, how
    people.answers = [people.register(person, **given)]


@given(parsers.re(r"(?P<person>[A-Z]\w+) has registered with (?P<how>the .+)"))
def has_registered_with(people: People, person: str, how: str) -> None:
    registers(people, person, how)
    assert people.answer.status_code == httpx.codes.CREATED, people.answer.text
    for way in WAYS.finditer(how):
        if way["email"]:
            people.confirm(people.own(way["email"]))


@when(parsers.re(r'(?:[A-Z]\w+) uses the link that was mailed to "(?P<address>[^"]+)"'))
def uses_link(people: People, address: str) -> None:
    people.confirm(people.own(address))


@then(parsers.parse('the mail to "{address}" says "{words}"'))
def mail_says(people: People, address: str, words: str) -> None:
    assert words in people.mail_to(people.own(address))


@given(parsers.re(rf"{NAMES} (?:has|have) registered"))
def have_registered(people: People, named: str) -> None:
    for person in names(named):
        people.answers = [people.register(person)]
        assert people.answer.status_code == httpx.codes.CREATED, people.answer.text


# ---- logging in ----


@given(parsers.re(r"(?P<person>[A-Z]\w+) has logged in"))
def has_logged_in(people: People, person: str) -> None:
    assert people.log_in(person).status_code == httpx.codes.OK


@then(parsers.re(r"(?P<person>[A-Z]\w+) can log in"))
def can_log_in(people: People, person: str) -> None:
    has_logged_in(people, person)
    people.is_logged_in(person)


@then(parsers.re(r'(?P<person>[A-Z]\w+) can log in as "(?P<name>[^"]+)"'))
def can_log_in_as(people: People, person: str, name: str) -> None:
    assert people.log_in(person, name=people.own(name)).status_code == httpx.codes.OK
    people.is_logged_in(person)


@then(parsers.re(r'nobody can log in as "(?P<name>[^"]+)"'))
def logs_nobody_in(people: People, name: str) -> None:
    for password in people.passwords.values():
        answer = people.try_login(people.own(name), password)
        assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")


@then(parsers.re(rf"{WHO} is logged in"))
def is_logged_in(people: People, who: str) -> None:
    people.is_logged_in(who)


@then(parsers.re(rf"{WHO} is logged out"))
def is_logged_out(people: People, who: str) -> None:
    people.is_logged_out(who)


# ---- what people change ----


@when(parsers.re(r'(?P<person>[A-Z]\w+) changes her password to "(?P<password>[^"]+)"'))
def changes_password(people: People, person: str, password: str) -> None:
    body = {"current_password": people.passwords[person], "new_password": password}
    people.answers = [people.ask(person, "POST", "/api/auth/change-password", body)]
    if people.answer.status_code == httpx.codes.OK:
        people.passwords[f"{person} before"] = people.passwords[person]
        people.passwords[person] = password


@when(parsers.re(rf"{WHO} asks for all accounts"))
def asks_for_accounts(people: People, who: str) -> None:
    people.answers = [people.ask(who, "GET", "/api/admin/users")]


# ---- what is answered ----


@then(parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)"'), converters={"status": int})
def is_refused(people: People, status: int, code: str) -> None:
    people.refused(status, code)


@then(parsers.parse('the answer says "{why}"'))
def says(people: People, why: str) -> None:
    assert why in people.answer.json()["detail"], people.answer.text


@then(parsers.re(r"(?P<count>\d+) of the answers is (?P<status>\d+)"), converters={"count": int, "status": int})
def so_many_are(people: People, count: int, status: int) -> None:
    statuses = [answer.status_code for answer in people.answers]
    assert statuses.count(status) == count, statuses


@then(
    parsers.re(r'the other (?P<count>\d+) are (?P<status>\d+) "(?P<code>\w+)"'),
    converters={"count": int, "status": int},
)
def the_others_are(people: People, count: int, status: int, code: str) -> None:
    refused = [answer for answer in people.answers if answer.status_code >= httpx.codes.BAD_REQUEST]
    assert len(refused) == count
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(status, code)}
