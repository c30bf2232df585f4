"""Accounts: made, changed, linked, run by admins, taken away."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.clock import START
from tests.conftest import Bench
from tests.integration.people import PASSWORD, People, Person, becomes
from tests.integration.stored_texts import places_of

from app.container import AppContainer
from shared.web.identity import PersonIdentity, Role
from users.accounts.errors import AccountNotFound
from users.auth.settings import Registration

LINK = "https://rocketleague.tracker.network/rocket-league/profile/epic/{}/overview"
DISCORD_ID = "281474976710656001"


async def claim_code(people: People, external_id: str = DISCORD_ID, key: str | None = None) -> str:
    key = key or await people.bot("users")
    answer = await people.http.post(
        "/internal/users/claim-codes", json={"user_id": external_id}, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def follow(api: Bench, *players: str, external_id: str = DISCORD_ID) -> dict[str, Any]:
    body = {"user_id": external_id, "urls": [LINK.format(player) for player in players]}
    answer = await api.http.post("/internal/trackers/register-multiple", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def trackers(person: Person) -> dict[str, bool]:
    items = (await person.ask("GET", "/api/trackers/me")).json()["items"]
    return {tracker["display"]: tracker["active"] for tracker in items}


# ---- registering ----


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"username": None}, "invalid"),
        ({"username": "x"}, "invalid"),
        ({"username": "a@b"}, "invalid"),
        ({"username": "ada\n"}, "invalid"),
        ({"username": "a" * 33}, "invalid"),
        ({"email": "nobody"}, "invalid"),
        ({"email": "a@b@c.org"}, "invalid"),
        ({"email": "ada@localhost"}, "invalid"),
        ({"password": "too short"}, "invalid"),
        ({"password": "x" * 257}, "invalid"),
        ({"time_zone": "Mars/Olympus"}, "invalid"),
        ({"time_zone": "../../etc/passwd"}, "invalid"),
        ({"locale": "deutsch"}, "invalid"),
        ({"display_name": " "}, "invalid"),
        ({"display_name": "\u202eadmin"}, "invalid"),
        ({"role": "admin"}, "invalid"),
        ({"claim_code": "AAAA-AAAA"}, "bad_claim_code"),
    ],
)
async def test_what_cannot_be_an_account_is_refused(people: People, change: dict[str, Any], code: str) -> None:
    body = {"username": "ada", "password": PASSWORD} | change
    answer = await people.post("/api/auth/register", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert await people.rows("SELECT id FROM users") == []


async def test_a_name_belongs_to_one_account(people: People) -> None:
    await people.register("ada")
    again = await people.post("/api/auth/register", {"username": "ADA", "password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (409, "username_taken")


async def test_of_ten_who_register_a_name_at_once_one_gets_it(people: People) -> None:
    body = {"username": "ada", "password": PASSWORD}
    answers = await asyncio.gather(*(people.post("/api/auth/register", body) for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}


@pytest.mark.parametrize("mode", ["closed", "code"])
async def test_registration_can_be_closed(people: People, mode: str) -> None:
    people.container.users.registration()._registration = Registration(mode)
    answer = await people.post("/api/auth/register", {"username": "ada", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
    code = await claim_code(people)
    answer = await people.post("/api/auth/register", {"username": "ada", "password": PASSWORD, "claim_code": code})
    assert answer.status_code == (201 if mode == "code" else 403)


# ---- one's own account ----


async def test_an_account_is_read_and_changed(people: People) -> None:
    ada = await people.register("ada", display_name="Ada L.")
    mine = (await ada.ask("GET", "/api/users/me")).json()
    assert (mine["username"], mine["time_zone"], mine["locale"], mine["has_password"]) == ("ada", "UTC", "en", True)
    change = {"time_zone": "Europe/Vienna", "locale": "de-AT", "display_name": None}
    changed = (await ada.ask("PATCH", "/api/users/me", change)).json()
    assert (changed["time_zone"], changed["locale"], changed["display_name"]) == ("Europe/Vienna", "de-AT", None)
    assert (await ada.ask("GET", "/api/users/me")).json() == changed
    assert (await ada.ask("PATCH", "/api/users/me", {})).json() == changed


async def test_a_change_that_cannot_be_changes_nothing(people: People) -> None:
    await people.register("eve")
    ada = await people.register("ada")
    known = {"current_password": PASSWORD}
    refused = {
        (409, "username_taken"): {"username": "eve", "time_zone": "Europe/Vienna", **known},
        (422, "email_not_set_up"): {"email": "ada@example.org", **known},
        (422, "invalid"): {"username": None, **known},
        (422, "password_needed"): {"username": "lovelace"},
        (401, "login_failed"): {"username": "lovelace", "current_password": "a wrong password"},
    }
    for expected, change in refused.items():
        answer = await ada.ask("PATCH", "/api/users/me", change)
        assert (answer.status_code, answer.json()["code"]) == expected
    for change in ({"time_zone": "Nowhere"}, {"locale": "xx_YY"}, {"time_zone": None}, {"role": "admin"}, {"id": "x"}):
        assert (await ada.ask("PATCH", "/api/users/me", change)).status_code == 422, change
    mine = (await ada.ask("GET", "/api/users/me")).json()
    assert (mine["username"], mine["time_zone"]) == ("ada", "UTC")


# ---- linking ----


async def test_a_code_links_who_the_bot_knows_to_an_account(api: Bench, people: People) -> None:
    await follow(api, "Lintwurm", "Glimmer")
    ada = await people.register()
    code = await claim_code(people)
    answer = await ada.ask("POST", "/api/users/me/claim", {"code": code.lower().replace("-", " ")})
    assert answer.status_code == 200, answer.text
    assert [identity["external_id"] for identity in answer.json()["identities"]] == [DISCORD_ID]
    told = (await ada.ask("GET", "/api/users/me/export")).json()["data"]["account"]["activity"]
    assert [entry["event"] for entry in told].count("tracker.registered") == 2  # of the time before
    assert await trackers(ada) == {"Lintwurm": True, "Glimmer": True}
    assert len(await people.rows("SELECT id FROM users")) == 1
    added = await api.http.post("/internal/trackers/add", json={"user_id": DISCORD_ID, "url": LINK.format("Mondkalb")})
    assert UUID(added.json()["user_id"]) == ada.id  # from now on the bot means this account


async def test_a_code_makes_the_bots_person_somebody_who_can_log_in(api: Bench, people: People) -> None:
    made = await follow(api, "Lintwurm")
    ada = await people.register("ada", claim_code=await claim_code(people))
    assert str(ada.id) == made["user_id"]
    assert await trackers(ada) == {"Lintwurm": True}


async def test_a_code_works_once(people: People) -> None:
    code = await claim_code(people)
    ada, eve = await people.register(), await people.register("eve")
    assert (await ada.ask("POST", "/api/users/me/claim", {"code": code})).status_code == 200
    answer = await eve.ask("POST", "/api/users/me/claim", {"code": code})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_claim_code")


async def test_of_ten_who_type_a_code_at_once_one_is_linked(people: People) -> None:
    everybody = [await people.register(f"person{number}") for number in range(6)]
    code = await claim_code(people)
    answers = await asyncio.gather(*(person.ask("POST", "/api/users/me/claim", {"code": code}) for person in everybody))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 422: 5}


async def test_the_last_code_given_is_the_only_one(people: People) -> None:
    ada = await people.register()
    first, second = await claim_code(people), await claim_code(people)
    assert (await ada.ask("POST", "/api/users/me/claim", {"code": first})).status_code == 422
    assert (await ada.ask("POST", "/api/users/me/claim", {"code": second})).status_code == 200


async def test_a_code_is_kept_as_a_digest_and_lives_a_quarter_of_an_hour(people: People) -> None:
    code = await claim_code(people)
    (row,) = await people.rows("SELECT digest, expires_at FROM claim_codes")
    assert row["expires_at"] - people.container.clock().now() < timedelta(minutes=15)
    assert code.replace("-", "").encode() not in row["digest"]
    await people.rows("UPDATE claim_codes SET expires_at = '2000-01-01'")
    ada = await people.register()
    assert (await ada.ask("POST", "/api/users/me/claim", {"code": code})).status_code == 422


async def test_guesses_at_codes_are_counted(people: People) -> None:
    ada = await people.register()
    answers = [await ada.ask("POST", "/api/users/me/claim", {"code": f"AAAA-{number:04}"}) for number in range(51)]
    assert Counter(answer.status_code for answer in answers) == {422: 50, 429: 1}
    assert (await people.login("ada")).status_code == 200  # sign-ins are counted apart


async def test_an_identity_with_a_login_of_its_own_is_not_taken_over(people: People) -> None:
    bob = await people.register("bob", claim_code=await claim_code(people))
    code = await claim_code(people)
    eve = await people.register("eve")
    answer = await eve.ask("POST", "/api/users/me/claim", {"code": code})
    assert (answer.status_code, answer.json()["code"]) == (409, "claim_refused")
    again = await people.post("/api/auth/register", {"username": "mal", "password": PASSWORD, "claim_code": code})
    assert (again.status_code, again.json()["code"]) == (409, "claim_refused")
    assert (await bob.ask("POST", "/api/users/me/claim", {"code": code})).status_code == 200  # it is his


async def test_what_both_follow_is_kept_once_and_what_is_too_much_stays_deactivated(api: Bench, people: People) -> None:
    ada = await people.register("ada", claim_code=await claim_code(people, "281474976710656009"))
    await follow(api, "Lintwurm", "Glimmer", "Mondkalb", external_id="281474976710656009")
    await follow(api, "Lintwurm", "Nachtigall", "Wasserfloh")
    answer = await ada.ask("POST", "/api/users/me/claim", {"code": await claim_code(people)})
    assert answer.status_code == 200, answer.text
    assert await trackers(ada) == {
        "Lintwurm": True, "Glimmer": True, "Mondkalb": True, "Nachtigall": True, "Wasserfloh": False,
    }  # fmt: skip


async def test_an_admin_without_a_login_is_not_taken_over(people: People) -> None:
    user_id = await people.known_to_the_bot(DISCORD_ID)
    async with people.container.database().unit_of_work():
        await people.container.users.accounts().make_admin(user_id)
    code = await claim_code(people)
    body = {"username": "mal", "password": PASSWORD, "claim_code": code}
    answer = await people.post("/api/auth/register", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "claim_refused")


async def test_who_was_deleted_meanwhile_claims_nothing(people: People) -> None:
    code = await claim_code(people)
    gone = PersonIdentity(user_id=uuid4(), role=Role.USER, session_id=uuid4(), token_id="t", expires_at=START)
    with pytest.raises(AccountNotFound):
        async with people.container.database().unit_of_work():
            await people.container.users.claims().claim(gone, code, address="127.0.0.1")


async def test_a_code_is_not_kept_to_be_sent_twice(people: People) -> None:
    headers = {"Authorization": f"Bearer {await people.bot('users')}", "Idempotency-Key": "once"}
    body = {"user_id": DISCORD_ID}
    made = await people.http.post("/internal/users/claim-codes", json=body, headers=headers)
    again = await people.http.post("/internal/users/claim-codes", json=body, headers=headers)
    assert (made.status_code, again.status_code, again.json()["code"]) == (201, 409, "idempotency_not_kept")
    (kept,) = await people.rows("SELECT body FROM idempotency_keys")
    assert kept["body"] is None


async def test_an_identity_is_unlinked(people: People) -> None:
    ada = await people.register("ada", claim_code=await claim_code(people))
    path = f"/api/users/me/identities/discord/{DISCORD_ID}"
    assert (await ada.ask("DELETE", path)).status_code == 204
    assert (await ada.ask("DELETE", path)).status_code == 404
    assert (await ada.ask("GET", "/api/users/me")).json()["identities"] == []
    assert await people.known_to_the_bot(DISCORD_ID) != ada.id


# ---- bots ----


async def test_a_bot_looks_a_person_up_without_their_address(people: People) -> None:
    key = await people.bot("users:read")
    await people.with_address("ada", claim_code=await claim_code(people))
    headers = {"Authorization": f"Bearer {key}"}
    person = (await people.http.get(f"/internal/users/{DISCORD_ID}", headers=headers)).json()
    assert person["has_login"] is True
    assert "ada@example.org" not in str(person)
    assert (await people.http.get("/internal/users/281474976710656777", headers=headers)).status_code == 404
    assert (await people.http.get("/internal/users/ada", headers=headers)).status_code == 422
    refused = await people.http.post("/internal/users/claim-codes", json={"user_id": DISCORD_ID}, headers=headers)
    assert refused.status_code == 403


async def test_a_key_for_some_guilds_gives_codes_to_their_members_only(people: People) -> None:
    guild = "81384788765712384"
    headers = {"Authorization": f"Bearer {await people.bot('guilds')}"}
    await people.http.put(f"/internal/guilds/{guild}", json={"name": "Comets"}, headers=headers)
    members = {"members": [{"user_id": DISCORD_ID}]}
    await people.http.put(f"/internal/guilds/{guild}/members", json=members, headers=headers)
    key = await people.bot("users", guild_ids=[guild])
    assert await claim_code(people, key=key)
    stranger = {"user_id": "281474976710656777"}
    headers = {"Authorization": f"Bearer {key}"}
    refused = await people.http.post("/internal/users/claim-codes", json=stranger, headers=headers)
    assert refused.status_code == 403
    assert await people.rows("SELECT 1 AS one FROM user_identities WHERE external_id = '281474976710656777'") == []
    assert (await people.http.get(f"/internal/users/{DISCORD_ID}", headers=headers)).status_code == 200


async def test_a_deactivated_person_cannot_follow_through_the_bot(api: Bench, people: People) -> None:
    made = await follow(api, "Lintwurm")
    root = await people.admin()
    await root.ask("PATCH", f"/api/admin/users/{made['user_id']}", {"active": False})
    answer = await api.http.post("/internal/trackers/add", json={"user_id": DISCORD_ID, "url": LINK.format("Glimmer")})
    assert (answer.status_code, answer.json()["code"]) == (403, "account_deactivated")


# ---- admins ----


async def test_admins_find_people(people: People) -> None:
    root = await people.admin()
    ada = await people.with_address("ada", display_name="Ada Lovelace")
    await people.known_to_the_bot(DISCORD_ID, username="bobby", global_name="Bob")

    async def found(query: str) -> tuple[int, list[str | None]]:
        page = (await root.ask("GET", f"/api/admin/users?{query}")).json()
        return page["total"], [item["username"] for item in page["items"]]

    assert await found("") == (3, [None, "ada", "root"])
    assert await found("search=LOVELACE") == (1, ["ada"])
    assert await found("search=ada@") == (1, ["ada"])
    assert await found("search=bob") == (1, [None])
    assert await found(f"search={DISCORD_ID}") == (1, [None])
    assert await found("search=%25") == (0, [])
    assert await found("role=admin") == (1, ["root"])
    assert await found("per_page=1&page=2") == (3, ["ada"])
    assert await found("active=false") == (0, [])
    assert (await root.ask("GET", f"/api/admin/users/{ada.id}")).json()["email"] == "ada@example.org"
    assert (await root.ask("GET", f"/api/admin/users/{UUID(int=0)}")).status_code == 404
    assert (await ada.ask("GET", "/api/admin/users")).status_code == 403


async def test_deactivating_ends_sessions_and_logins(people: People) -> None:
    root, ada = await people.admin(), await people.register()
    answer = await root.ask("PATCH", f"/api/admin/users/{ada.id}", {"active": False})
    assert answer.json()["active"] is False
    assert (await ada.ask("GET", "/api/auth/me")).status_code == 401
    assert (await people.refresh(ada.tokens["refresh_token"])).status_code == 401
    refused = await people.login()
    assert (refused.status_code, refused.json()["code"]) == (403, "account_deactivated")
    await root.ask("PATCH", f"/api/admin/users/{ada.id}", {"active": True})
    assert (await people.login()).status_code == 200
    assert (await ada.ask("GET", "/api/auth/me")).status_code == 401  # what was taken before stays ended
    assert (await people.refresh(ada.tokens["refresh_token"])).status_code == 401


async def test_another_role_holds_for_tokens_already_out(people: People) -> None:
    root, ada = await people.admin(), await people.register()
    assert (await root.ask("PATCH", f"/api/admin/users/{ada.id}", {"role": "admin"})).json()["role"] == "admin"
    await becomes(200, lambda: ada.ask("GET", "/api/admin/users"))
    await ada.ask("PATCH", f"/api/admin/users/{root.id}", {"role": "user"})
    await becomes(403, lambda: root.ask("GET", "/api/admin/users"))


@pytest.mark.parametrize("change", [{"role": "user"}, {"active": False}])
async def test_the_last_admin_stays(people: People, change: dict[str, Any]) -> None:
    root = await people.admin()
    answer = await root.ask("PATCH", f"/api/admin/users/{root.id}", change)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert (await root.erase()).status_code == 409
    second = await people.admin("second")
    assert (await second.ask("PATCH", f"/api/admin/users/{root.id}", change)).status_code == 200
    assert (await second.erase()).status_code == 409


async def test_two_admins_who_drop_each_other_leave_one(people: People) -> None:
    first, second = await people.admin("first"), await people.admin("second")
    for _ in range(3):
        answers = await asyncio.gather(
            first.ask("PATCH", f"/api/admin/users/{second.id}", {"role": "user"}),
            second.ask("PATCH", f"/api/admin/users/{first.id}", {"role": "user"}),
        )
        admins = await people.rows("SELECT id FROM users WHERE role = 'admin'")
        assert len(admins) >= 1
        assert all(answer.status_code in {200, 409, 503} for answer in answers), [a.text for a in answers]
        async with people.container.database().unit_of_work():
            await people.container.users.accounts().make_admin(first.id)
            await people.container.users.accounts().make_admin(second.id)


async def test_keys_are_made_listed_and_revoked(people: People) -> None:
    root = await people.admin()
    made = await root.ask("POST", "/api/admin/keys", {"name": "our bot", "scopes": ["trackers", "users:read"]})
    assert made.status_code == 201
    key = made.json()
    assert key["text"].startswith(f"trk_{key['prefix']}_")
    headers = {"Authorization": f"Bearer {key['text']}"}
    assert (await people.http.post("/internal/trackers/parse", json={"url": "x"}, headers=headers)).status_code == 422
    listed = (await root.ask("GET", "/api/admin/keys")).json()["items"]
    (known,) = [one for one in listed if one["prefix"] == key["prefix"]]
    assert known["scopes"] == ["trackers", "users:read"]
    assert known["last_used_at"] is not None
    assert "text" not in known
    assert (await root.ask("DELETE", f"/api/admin/keys/{key['prefix']}")).status_code == 204
    assert (await root.ask("DELETE", f"/api/admin/keys/{key['prefix']}")).status_code == 404
    (logged,) = await people.rows("SELECT body FROM audit_log WHERE route = '/api/admin/keys'")
    assert key["text"] not in str(logged)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"scopes": ["everything"]}, 422),
        ({"scopes": []}, 422),
        ({"name": ""}, 422),
        ({"name": "  "}, 422),
        ({"guild_ids": ["81384788765712384"]}, 404),
        ({"guild_ids": []}, 422),
    ],
)
async def test_a_key_that_opens_nothing_is_not_made(people: People, change: dict[str, Any], status: int) -> None:
    root = await people.admin()
    answer = await root.ask("POST", "/api/admin/keys", {"name": "bot", "scopes": ["trackers"]} | change)
    assert answer.status_code == status, answer.text


# ---- taking one's data away ----


async def test_the_export_holds_everything(api: Bench, people: People) -> None:
    ada = await people.with_address("ada", claim_code=await claim_code(people))
    await follow(api, "Lintwurm")
    await api.work()
    headers = {"Authorization": f"Bearer {await people.bot('guilds')}"}
    await people.http.put("/internal/guilds/81384788765712384", json={"name": "Comets"}, headers=headers)
    members = {"members": [{"user_id": DISCORD_ID, "admin": True}]}
    await people.http.put("/internal/guilds/81384788765712384/members", json=members, headers=headers)
    export = (await ada.ask("GET", "/api/users/me/export")).json()
    data = export["data"]
    assert data.keys() == {
        "account",
        "contract_watches",
        "events",
        "fencers",
        "flights",
        "guilds",
        "leaderboards",
        "manual_snapshots",
        "notifications",
        "players",
        "trackers",
    }
    assert data["account"]["account"]["email"] == "ada@example.org"
    assert len(data["account"]["sessions"]) == 1
    assert {entry["event"] for entry in data["account"]["activity"]} >= {"user.registered", "tracker.registered"}
    assert data["guilds"][0]["guild_id"] == "81384788765712384"
    assert data["trackers"][0]["display"] == "Lintwurm"
    assert len(data["trackers"][0]["history"]) > 0
    assert "argon2" not in str(export)


async def test_the_export_holds_the_newest_entries_of_each_log(api: Bench, people: People) -> None:
    """A bound of each log, however many questions its entries are found by."""
    ada = await people.register("ada", claim_code=await claim_code(people))
    root = await people.admin()
    for turn in range(4):
        await ada.ask("PATCH", "/api/users/me", {"display_name": f"Ada {turn}"})
        await root.ask("PATCH", f"/api/admin/users/{ada.id}", {"role": ("admin", "user")[turn % 2]})
    await claim_code(people)

    async def exported() -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = (await ada.ask("GET", "/api/users/me/export")).json()["data"][
            "account"
        ]
        return found

    everything = await exported()
    holder: Any = people.container.users.account_personal_data
    holder.add_kwargs(most=5)
    bounded = await exported()

    def ids(account: dict[str, list[dict[str, Any]]], *lists: str) -> list[str]:
        return sorted({entry["id"] for name in lists for entry in account[name]}, reverse=True)

    for log in (("requests", "concerning"), ("activity",)):
        assert len(ids(everything, *log)) > 5, log
        assert ids(bounded, *log) == ids(everything, *log)[:5], log
    assert bounded["requests"]
    assert bounded["concerning"]


async def test_erasure_leaves_nothing_of_a_person(api: Bench, people: People) -> None:
    ada = await people.with_address("ada", claim_code=await claim_code(people))
    await people.register("eve")
    await follow(api, "Lintwurm", "Glimmer")
    await follow(api, "Glimmer", external_id="281474976710656002")
    await api.work()
    await ada.ask("PATCH", "/api/users/me", {"display_name": "Lovelace"})
    async with people.container.database().unit_of_work():
        await people.container.users.address_service().ask(ada.id, "countess@example.org", current="ada@example.org")
    await people.login("ADA@example.org ")  # an address of the past, spelt otherwise
    await claim_code(people)  # one that nobody typed in
    assert (await ada.erase()).status_code == 204
    assert (await ada.ask("GET", "/api/auth/me")).status_code == 401
    assert (await people.login("ada")).status_code == 401

    tables = await people.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for table in (row["tablename"] for row in tables):
        found = await people.rows(f"SELECT row_to_json(t) AS row FROM {table} t")  # noqa: S608 -- names from the catalogue
        for row in found:
            for trace in ("ada@example.org", "ADA@", "countess", "Lovelace", "lintwurm", "Lintwurm", DISCORD_ID):
                assert trace not in str(row), (table, row)
    targets = await people.rows("SELECT key FROM scrape_targets")
    assert [row["key"] for row in targets] == ["rocket-league:epic:glimmer"]  # somebody else follows it
    assert await people.rows("SELECT 1 AS one FROM audit_log WHERE actor_id = :id", id=ada.id) == []
    kept = await people.rows("SELECT status, address, body FROM audit_log WHERE actor_kind = 'user'")
    assert len(kept) >= 2
    assert all(row["address"] is None and row["body"] is None for row in kept)


async def test_an_erasure_finds_what_was_known_of_the_person_before_a_claim(
    api: Bench, people: People, container: AppContainer
) -> None:
    """The account that only the bot knew is gone since the claim; its id still stood in the logs."""
    earlier = (await follow(api, "Lintwurm"))["user_id"]
    root = await people.admin()
    assert (await root.ask("PATCH", f"/api/admin/users/{earlier}", {"active": True})).status_code == 200
    ada = await people.register("ada")
    code = await claim_code(people)
    assert (await ada.ask("POST", "/api/users/me/claim", {"code": code})).status_code == 200
    asked = (await ada.ask("GET", "/api/users/me/export")).json()["data"]["account"]["concerning"]
    assert {entry["route"] for entry in asked} >= {"/internal/trackers/register-multiple", "/api/admin/users/{user_id}"}
    assert earlier in (await places_of(container, [earlier]))
    assert (await ada.erase()).status_code == 204
    assert await places_of(container, [earlier, str(ada.id), DISCORD_ID]) == {}


async def test_an_admin_erases_a_person(api: Bench, people: People) -> None:
    made = await follow(api, "Lintwurm")
    root = await people.admin()
    path = f"/api/admin/users/{made['user_id']}"
    assert (await root.ask("DELETE", path)).status_code == 204
    assert (await root.ask("GET", path)).status_code == 404
    assert (await root.ask("DELETE", path)).status_code == 404
    assert await people.rows("SELECT 1 AS one FROM game_accounts") == []


async def test_somebody_may_begin_to_follow_while_who_followed_is_erased(api: Bench, people: People) -> None:
    """Whoever comes first: nobody is answered with an error of ours, and who follows has what they follow."""
    for turn in range(5):
        leaving, coming = f"28147497671065{turn}001", f"28147497671065{turn}002"
        made = await follow(api, "Lintwurm", external_id=leaving)
        root = await people.admin(f"root{turn}")
        body = {"user_id": coming, "urls": [LINK.format("Lintwurm")]}
        erased, followed = await asyncio.gather(
            root.ask("DELETE", f"/api/admin/users/{made['user_id']}"),
            api.http.post("/internal/trackers/register-multiple", json=body),
        )
        assert (erased.status_code, followed.status_code) == (204, 201), (erased.text, followed.text)
        tracker = followed.json()["trackers"][0]["id"]
        assert (await api.http.get(f"/internal/trackers/{tracker}")).status_code == 200
        await root.ask("DELETE", f"/api/admin/users/{followed.json()['user_id']}")
