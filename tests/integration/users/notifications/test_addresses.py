"""E-mail addresses of accounts: confirmed by a mailed link, and never a way to learn who has an account."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import timedelta
from typing import Any

import httpx
import pytest
from dependency_injector import providers
from tests.application import application, transport
from tests.clock import FixedClock
from tests.conftest import Bench
from tests.integration.people import PASSWORD, People, Person
from tests.integration.users.notifications.conftest import Mailbox, problem

from app.container import AppContainer
from shared.web.identity import PersonIdentity

ME = "/api/users/me"
PAGE = "/api/email-confirmation"
CONFIRM = "/api/users/confirm-email"
ADDRESS = "ada@example.org"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return environ | {"TRACKERS_NOTIFY_PUBLIC_URL": "https://trackers.example.org"}


@pytest.fixture
def clock(container: AppContainer) -> FixedClock:
    made = FixedClock()
    container.clock.override(providers.Object(made))
    return made


@pytest.fixture
def send(container: AppContainer, clock: FixedClock) -> Callable[[], Any]:
    """Have a worker send the mails that are due."""
    return lambda: container.notifications.account_mailer().send_due()


async def register(people: People, username: str, email: str | None) -> httpx.Response:
    body = {"username": username, "password": PASSWORD, "email": email}
    return await people.post("/api/auth/register", body)


async def change(person: Person, **given: Any) -> httpx.Response:
    return await person.ask("PATCH", ME, {"current_password": PASSWORD, **given})


async def emails(person: Person) -> tuple[str | None, str | None]:
    mine = (await person.ask("GET", ME)).json()
    return mine["email"], mine["unconfirmed_email"]


def text_of(mailbox: Mailbox, to: str = ADDRESS) -> str:
    """The only mail to an address, taken out of the mailbox."""
    (mail,) = (one for one in mailbox.mails if one["To"] == to)
    mailbox.mails.remove(mail)
    body = mail.get_body(("plain",))
    assert body is not None
    return f"{mail['Subject']}\n{body.get_content()}"


def token_of(text: str) -> str:
    found = re.search(r"https://trackers\.example\.org/api/email-confirmation\?token=([\w=-]+)", text)
    assert found, text
    return found[1]


# ---- nobody learns who has an account ----


def shape(answer: httpx.Response) -> tuple[int, list[str], Any]:
    """All of an answer but what is random, or the asker's own name and limits."""
    body = {name: "" if name in SECRETS else value for name, value in answer.json().items()}
    return answer.status_code, sorted(answer.headers), body


SECRETS = {"access_token", "refresh_token", "user_id", "id", "username"}


@pytest.mark.parametrize("spelling", [ADDRESS, "ADA@EXAMPLE.ORG"])
async def test_registering_does_not_tell_whether_an_address_has_an_account(
    people: People, mailbox: Mailbox, send: Callable[[], Any], spelling: str
) -> None:
    await people.with_address("ada", ADDRESS)
    hashed: list[str] = []
    passwords = people.container.users.passwords()
    hasher = passwords._hasher

    class Counting:
        def hash(self, password: str) -> str:
            hashed.append(password)
            return str(hasher.hash(password))

    passwords._hasher = Counting()
    taken, free = await register(people, "ben", spelling), await register(people, "cleo", "cleo@example.org")
    passwords._hasher = hasher
    assert taken.status_code == 201
    assert shape(taken) == shape(free)
    assert len(hashed) == 2
    ben, cleo = (Person(people.http, one.json()["user_id"], "", one.json()) for one in (taken, free))
    assert await emails(ben) == (None, ADDRESS)
    assert await emails(cleo) == (None, "cleo@example.org")
    for _ in range(2):
        await send()
    notice = text_of(mailbox)
    assert "You have an account already" in notice
    assert "your username, ada," in notice
    assert "token" not in notice
    assert token_of(text_of(mailbox, "cleo@example.org"))
    assert mailbox.mails == []
    assert await emails(ben) == (None, ADDRESS)
    assert (await people.logged_in(ADDRESS)).login == ADDRESS


async def test_changing_an_address_does_not_tell_whether_it_has_an_account(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    await people.with_address("ada", ADDRESS)
    ben, cleo = await people.register("ben"), await people.register("cleo")
    taken, free = await change(ben, email=ADDRESS), await change(cleo, email="cleo@example.org")
    told = [shape(answer) for answer in (taken, free)]
    assert [one[2].pop("unconfirmed_email") for one in told] == [ADDRESS, "cleo@example.org"]
    assert [one[2].pop("created_at") for one in told]
    assert told[0] == told[1]
    assert taken.status_code == 200
    await send()
    assert "You have an account already" in text_of(mailbox)


async def test_a_username_may_be_known_to_be_taken(people: People) -> None:
    await people.register("ada")
    assert problem(await register(people, "ADA", "eve@example.org")) == (409, "username_taken")
    assert await people.rows("SELECT id FROM account_mails") == []


# ---- confirming ----


async def test_an_address_logs_in_once_its_link_was_used(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    ada = await people.register("ada", email="Ada@Example.org")
    assert await emails(ada) == (None, ADDRESS)
    assert (await people.login(ADDRESS)).status_code == 401
    await send()
    token = token_of(text_of(mailbox))
    (row,) = await people.rows("SELECT digest FROM account_mails")
    assert token.encode() not in row["digest"]
    page = await people.http.get(PAGE, params={"token": token}, headers={"Authorization": ""})
    assert page.status_code == 200
    assert ADDRESS in page.text
    assert '<form method="post">' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert await emails(ada) == (None, ADDRESS), "a mail scanner followed the link"
    done = await people.http.post(PAGE, params={"token": token}, headers={"Authorization": ""})
    assert done.status_code == 200
    assert "Address confirmed" in done.text
    assert await emails(ada) == (ADDRESS, None)
    assert (await people.logged_in("ADA@example.org")).id == ada.id
    for again in (
        await people.http.get(PAGE, params={"token": token}, headers={"Authorization": ""}),
        await people.http.post(PAGE, params={"token": token}, headers={"Authorization": ""}),
        await people.post(CONFIRM, {"token": token}),
    ):
        assert problem(again) == (404, "bad_confirmation_link")


async def test_a_program_confirms_too(people: People, mailbox: Mailbox, send: Callable[[], Any]) -> None:
    ada = await people.register("ada", email=ADDRESS)
    await send()
    assert (await people.post(CONFIRM, {"token": token_of(text_of(mailbox))})).status_code == 204
    assert await emails(ada) == (ADDRESS, None)


@pytest.mark.parametrize("made_up", ["x", "A" * 64, "=" * 64, "ä", "A" * 63 + "="])
async def test_a_made_up_link_confirms_nothing(people: People, made_up: str) -> None:
    await people.register("ada", email=ADDRESS)
    assert problem(await people.post(CONFIRM, {"token": made_up})) == (404, "bad_confirmation_link")


async def test_a_link_with_another_secret_part_confirms_nothing(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    ada = await people.register("ada", email=ADDRESS)
    await send()
    token = token_of(text_of(mailbox))
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    assert problem(await people.post(CONFIRM, {"token": forged})) == (404, "bad_confirmation_link")
    assert await emails(ada) == (None, ADDRESS)


async def test_a_link_works_for_a_day(
    people: People, mailbox: Mailbox, send: Callable[[], Any], clock: FixedClock
) -> None:
    ada = await people.register("ada", email=ADDRESS)
    await send()
    clock.advance(timedelta(hours=24))
    late = await people.post(CONFIRM, {"token": token_of(text_of(mailbox))})
    assert problem(late) == (404, "bad_confirmation_link")
    clock.advance(timedelta(seconds=1))
    await people.container.users.auth().remove_over()
    assert (await people.rows("SELECT id FROM account_mails")) == []
    assert (await people.logged_in("ada")).id == ada.id


async def test_only_the_last_link_works(people: People, mailbox: Mailbox, send: Callable[[], Any]) -> None:
    ada = await people.register("ada", email=ADDRESS)
    await send()
    first = token_of(text_of(mailbox))
    assert (await change(ada, email="other@example.org")).status_code == 200
    assert problem(await people.post(CONFIRM, {"token": first})) == (404, "bad_confirmation_link")
    await send()
    assert (await people.post(CONFIRM, {"token": token_of(text_of(mailbox, "other@example.org"))})).status_code == 204
    assert await emails(ada) == ("other@example.org", None)


async def test_of_two_accounts_that_wait_for_an_address_one_gets_it(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    await people.register("eve", email=ADDRESS)
    await send()
    eves = token_of(text_of(mailbox))
    ada = await people.register("ada", email=ADDRESS)
    await send()
    assert (await people.post(CONFIRM, {"token": token_of(text_of(mailbox))})).status_code == 204
    assert problem(await people.post(CONFIRM, {"token": eves})) == (409, "email_taken")
    assert (await people.logged_in(ADDRESS)).id == ada.id


async def test_a_deactivated_account_confirms_nothing(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    root = await people.admin()
    ada = await people.register("ada", email=ADDRESS)
    await send()
    await root.ask("PATCH", f"/api/admin/users/{ada.id}", {"active": False})
    answer = await people.post(CONFIRM, {"token": token_of(text_of(mailbox))})
    assert problem(answer) == (403, "account_deactivated")


async def test_a_mail_server_that_was_away_gets_the_mail_later(
    people: People, mailbox: Mailbox, send: Callable[[], Any], clock: FixedClock
) -> None:
    ada = await people.register("ada", email=ADDRESS)
    mailer = people.container.notifications.account_mailer()
    settings = mailer._transport._settings
    mailer._transport._settings = type(settings)(host="127.0.0.1", port=1, starttls=False)
    assert await send() == 0
    mailer._transport._settings = settings
    assert await send() == 0
    clock.advance(timedelta(minutes=5))
    assert await send() == 1
    assert (await people.post(CONFIRM, {"token": token_of(text_of(mailbox))})).status_code == 204
    assert await emails(ada) == (ADDRESS, None)


async def test_a_mailbox_that_does_not_exist_is_tried_once(
    people: People, mailbox: Mailbox, send: Callable[[], Any], clock: FixedClock
) -> None:
    mailbox.refused.add(ADDRESS)
    await people.register("ada", email=ADDRESS)
    assert await send() == 0
    mailbox.refused.clear()
    clock.advance(timedelta(minutes=5))
    assert await send() == 0


async def test_a_domain_in_any_script_gets_its_mail(people: People, mailbox: Mailbox, send: Callable[[], Any]) -> None:
    ada = await people.register("ada", email="Ada@EXÄMPLE.org")
    await send()
    token = token_of(text_of(mailbox, "ada@xn--exmple-cua.org"))
    assert (await people.post(CONFIRM, {"token": token})).status_code == 204
    assert await emails(ada) == ("ada@exämple.org", None)


async def test_a_mailbox_that_mail_servers_do_not_take_is_refused(people: People, mailbox: Mailbox) -> None:
    assert problem(await register(people, "ada", "jürgen@example.org")) == (422, "invalid")
    ada = await people.register("ada")
    channel = {"kind": "email", "address": "jürgen@example.org"}
    assert problem(await ada.ask("POST", "/api/users/me/channels", channel)) == (422, "bad_channel_address")


# ---- changing ----


async def test_a_change_is_announced_at_the_old_address_and_confirmed_at_the_new_one(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    ada = await people.with_address("ada", ADDRESS)
    changed = await change(ada, email="countess@example.org")
    assert (changed.json()["email"], changed.json()["unconfirmed_email"]) == (ADDRESS, "countess@example.org")
    await send()
    announced = text_of(mailbox)
    assert "about to change" in announced
    assert "countess" not in announced
    assert (await people.login(ADDRESS)).status_code == 200
    token = token_of(text_of(mailbox, "countess@example.org"))
    assert (await people.post(CONFIRM, {"token": token})).status_code == 204
    assert (await people.login(ADDRESS)).status_code == 401
    assert (await people.logged_in("countess@example.org")).id == ada.id


async def test_another_password_cancels_a_change_of_address(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    ada = await people.with_address("ada", ADDRESS)
    await change(ada, email="eve@example.org")
    await send()
    password = {"current_password": PASSWORD, "new_password": "a rather different password"}
    assert (await ada.ask("POST", "/api/auth/change-password", password)).status_code == 200
    late = await people.post(CONFIRM, {"token": token_of(text_of(mailbox, "eve@example.org"))})
    assert problem(late) == (404, "bad_confirmation_link")
    assert await emails(ada) == (ADDRESS, None)


async def test_a_removed_address_is_announced_and_logs_nobody_in(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    ada = await people.with_address("ada", ADDRESS)
    assert (await change(ada, email=None)).json()["email"] is None
    await send()
    assert "was removed" in text_of(mailbox)
    assert (await people.login(ADDRESS)).status_code == 401
    assert (await people.rows("SELECT id FROM account_mails")) == []


async def test_nobody_is_left_without_a_login(people: People, mailbox: Mailbox, send: Callable[[], Any]) -> None:
    ada = await people.register("ada", email=ADDRESS)
    assert problem(await change(ada, username=None)) == (422, "invalid")  # the address is not confirmed
    assert problem(await change(ada, username=None, email="other@example.org")) == (422, "invalid")
    await send()
    await people.post(CONFIRM, {"token": token_of(text_of(mailbox))})
    assert (await change(ada, username=None)).status_code == 200
    assert problem(await change(ada, email=None)) == (422, "invalid")
    assert (await change(ada, email="other@example.org")).status_code == 200
    assert (await people.logged_in(ADDRESS)).id == ada.id  # until the other one is confirmed


@pytest.mark.parametrize("given", [{"email": "eve@example.org"}, {"email": None}, {"username": "lovelace"}])
async def test_a_login_does_not_change_without_the_password(
    people: People, mailbox: Mailbox, given: dict[str, Any]
) -> None:
    ada = await people.with_address("ada", ADDRESS)
    assert problem(await ada.ask("PATCH", ME, given)) == (422, "password_needed")
    wrong = await ada.ask("PATCH", ME, {**given, "current_password": "a wrong password"})
    assert problem(wrong) == (401, "login_failed")
    assert await emails(ada) == (ADDRESS, None)
    assert await people.rows("SELECT id FROM account_mails") == []


async def test_an_account_is_not_erased_without_the_password(people: People) -> None:
    ada = await people.register("ada")
    assert problem(await ada.ask("DELETE", ME)) == (422, "invalid")
    assert problem(await ada.ask("DELETE", ME, {"current_password": "a wrong one"})) == (401, "login_failed")
    for _ in range(9):
        await ada.ask("DELETE", ME, {"current_password": "a wrong one"})
    assert problem(await ada.erase()) == (429, "too_many_attempts")
    assert (await ada.ask("GET", ME)).status_code == 200


async def elsewhere(asked: Coroutine[Any, Any, None]) -> None:
    """Outside the request at hand and its transaction."""
    await asyncio.create_task(asked, context=Context())


Meanwhile = Callable[[People, Person], Coroutine[Any, Any, None]]


async def another_password(people: People, ada: Person) -> None:
    """Set from another session, which ends the first."""
    other = await people.logged_in("ada")
    given = {"current_password": PASSWORD, "new_password": "another password"}
    assert (await other.ask("POST", "/api/auth/change-password", given)).status_code == 200


async def logged_out_everywhere(people: People, ada: Person) -> None:
    other = await people.logged_in("ada")
    assert (await other.ask("POST", "/api/auth/logout-all")).status_code == 200


async def only_the_hash_is_another(people: People, ada: Person) -> None:
    await people.rows("UPDATE users SET password_hash = 'another' WHERE id = :id RETURNING id", id=ada.id)


@pytest.mark.parametrize("meanwhile", [another_password, logged_out_everywhere, only_the_hash_is_another])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_what_changes_after_the_password_was_checked_counts(
    people: People, mailbox: Mailbox, meanwhile: Meanwhile, method: str
) -> None:
    """The owner is faster than a thief of the password or the session, by a moment."""
    ada = await people.register("ada")
    auth = people.container.users.auth()
    checked = type(auth).check_password

    class Slow:
        """Checks passwords, and then waits until something happened."""

        async def check_password(self, who: PersonIdentity, given: str) -> str | None:
            kept: str | None = await checked(auth, who, given)
            await elsewhere(meanwhile(people, ada))
            return kept

    given = {"current_password": PASSWORD} | ({"username": "eve"} if method == "PATCH" else {})
    own_account: Any = people.container.users.own_account
    own_account.add_kwargs(auth=providers.Object(Slow()))
    assert problem(await ada.ask(method, ME, given)) == (401, "login_failed")
    (row,) = await people.rows("SELECT username FROM users WHERE id = :id", id=ada.id)
    assert row["username"] == "ada"
    assert not await people.rows("SELECT id FROM activity_log WHERE event IN ('user.erased', 'user.profile_changed')")


async def test_another_password_does_not_follow_the_end_of_its_session(people: People) -> None:
    ada = await people.register("ada")
    passwords = people.container.users.passwords()

    class Slow:
        verified = passwords.verified
        outdated = passwords.outdated

        async def hashed(self, password: str) -> str:
            await elsewhere(logged_out_everywhere(people, ada))
            fresh: str = await passwords.hashed(password)
            return fresh

    auth = people.container.users.auth()
    auth._passwords = Slow()
    given = {"current_password": PASSWORD, "new_password": "a password of a thief"}
    assert problem(await ada.ask("POST", "/api/auth/change-password", given)) == (401, "login_failed")
    auth._passwords = passwords
    assert (await people.login("ada")).status_code == 200


async def test_without_a_public_address_the_mail_brings_a_code(
    people: People, mailbox: Mailbox, send: Callable[[], Any]
) -> None:
    people.container.notifications.account_mailer()._public_url = ""
    ada = await people.register("ada", email=ADDRESS)
    await send()
    found = re.search(r"within 24 hours: ([\w=-]+)", text_of(mailbox))
    assert found
    assert (await people.post(CONFIRM, {"token": found[1]})).status_code == 204
    assert await emails(ada) == (ADDRESS, None)


# ---- limits ----


async def test_one_mailbox_gets_few_mails_however_many_accounts_ask(
    people: People, mailbox: Mailbox, container: AppContainer
) -> None:
    app = application(container)
    answers = []
    for number in range(12):
        asked = transport(app, client=f"192.0.2.{number}")
        async with httpx.AsyncClient(transport=asked, base_url="http://test") as http:
            body = {"username": f"eve{number}", "password": PASSWORD, "email": f"Victim+{number}@example.org"}
            answers.append(await http.post("/api/auth/register", json=body))
    assert [answer.status_code for answer in answers] == [201] * 10 + [429] * 2
    assert problem(answers[-1]) == (429, "too_many_messages")
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
    assert (await register(people, "ben", "ben@example.org")).status_code == 201
    (counted,) = {str(row["count"]) for row in await people.rows("SELECT count(*) FROM account_mails")}
    assert counted == "11"
    keys = [key async for key in container.redis().scan_iter()]
    assert not [key for key in keys if b"victim" in key.lower()]


async def test_one_network_has_few_mails_sent(people: People, mailbox: Mailbox, api: Bench) -> None:
    answers = [await register(people, f"eve{number}", f"victim{number}@example.org") for number in range(31)]
    assert [answer.status_code for answer in answers] == [201] * 30 + [429]
    ada = await people.register("ada")
    assert problem(await change(ada, email=ADDRESS)) == (429, "too_many_messages")


class TestWithoutAMailServer:
    """A username is the only login, and nobody can set an address."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return environ | {"TRACKERS_SMTP_HOST": ""}

    async def test_an_address_is_refused_with_what_to_do_instead(self, people: People) -> None:
        refused = await register(people, "ada", ADDRESS)
        assert problem(refused) == (422, "email_not_set_up")
        assert "sign in with the username" in refused.json()["detail"]
        ada = await people.register("ada")
        assert problem(await change(ada, email=ADDRESS)) == (422, "email_not_set_up")
        assert (await people.logged_in("ada")).id == ada.id

    async def test_a_username_is_needed(self, people: People) -> None:
        answer = await people.post("/api/auth/register", {"password": PASSWORD})
        assert problem(answer) == (422, "invalid")
