"""A guild's key can put anybody into its guild. Until confirmed, that opens nothing of an account that was there."""

from typing import Any

import httpx
import pytest
from tests.integration.people import People, Person

from shared.scraping.target import Priority
from trackers.games.rating_repository import RatingRepository

GUILD, OTHER_GUILD = "81384788765712384", "613425648685547541"
ADA, EVE, NEW = "281474976710656001", "281474976710656002", "281474976710656003"
SECOND = "281474976710656009"
LINK = "https://rocketleague.tracker.network/rocket-league/profile/epic/{}/overview"
SCOPES = ("guilds", "trackers", "users", "events", "fencers", "players")


class Bot:
    """A bot with a key."""

    def __init__(self, http: httpx.AsyncClient, key: str) -> None:
        self._http = http
        self._key = key

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._key}"}
        return await self._http.request(method, f"/internal{path}", json=body, headers=headers)

    async def status(self, method: str, path: str, body: Any = None) -> int:
        return (await self.ask(method, path, body)).status_code

    async def put(self, *user_ids: str, admin: bool = False) -> None:
        members = [{"user_id": user_id, "admin": admin} for user_id in user_ids]
        answer = await self.ask("PUT", f"/guilds/{GUILD}/members", {"members": members})
        assert answer.status_code == 200, answer.text

    async def events(self) -> list[str]:
        answer = await self.ask("GET", "/events?event=tracker.&limit=500")
        return [event["event"] for event in answer.json()["items"]]

    async def trackers(self) -> list[str]:
        return [tracker["id"] for tracker in (await self.ask("GET", "/trackers")).json()["items"]]


@pytest.fixture
async def operators(people: People) -> Bot:
    """A bot with a key for all guilds, which has made the guilds known."""
    bot = Bot(people.http, await people.bot(*SCOPES))
    for guild_id in (GUILD, OTHER_GUILD):
        assert await bot.status("PUT", f"/guilds/{guild_id}", {"name": "Comets"}) == 200
    return bot


@pytest.fixture
async def guilds_own(people: People, operators: Bot) -> Bot:
    """A bot with a key for one guild."""
    assert operators
    return Bot(people.http, await people.bot(*SCOPES, guild_ids=[GUILD]))


async def known(people: People, name: str, external_id: str) -> Person:
    """Somebody with a login who is also known by a Discord id."""
    person = await people.register(name)
    await people.rows(
        "INSERT INTO user_identities (provider, external_id, user_id, updated_at)"
        " VALUES ('discord', :external_id, :user_id, now()) RETURNING 1",
        external_id=external_id,
        user_id=person.id,
    )
    return person


@pytest.fixture
async def ada(people: People) -> Person:
    return await known(people, "ada", ADA)


@pytest.fixture
async def tracker(ada: Person) -> str:
    answer = await ada.ask("POST", "/api/trackers/register", {"urls": [LINK.format("Nachtigall")]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["trackers"][0]["id"])


async def mine(person: Person) -> list[tuple[str, bool]]:
    answer = await person.ask("GET", "/api/guilds")
    return [(guild["id"], guild["confirmed"]) for guild in answer.json()["items"]]


async def relay(people: People) -> None:
    await people.container.events.relay().run()


async def test_a_guilds_key_gets_nothing_of_a_person_whom_it_adds(
    people: People, guilds_own: Bot, ada: Person, tracker: str
) -> None:
    eve = await known(people, "eve", EVE)
    await guilds_own.put(ADA)
    await guilds_own.put(EVE, admin=True)
    assert (await ada.ask("PUT", f"/api/trackers/{tracker}", {"active": False})).status_code == 200
    await relay(people)

    assert await guilds_own.trackers() == []
    assert await guilds_own.events() == []
    given = {"user_id": ADA, "urls": [LINK.format("Lintwurm")]}
    assert {
        "reads": await guilds_own.status("GET", f"/trackers/{tracker}"),
        "changes": await guilds_own.status("PUT", f"/trackers/{tracker}", {"active": True}),
        "removes": await guilds_own.status("DELETE", f"/trackers/{tracker}"),
        "registers": await guilds_own.status("POST", "/trackers/register-multiple", given),
        "as staff": await guilds_own.status(
            "POST", "/trackers/register-by-staff", given | {"guild_id": GUILD, "staff_id": EVE}
        ),
        "follows": await guilds_own.status("POST", "/fencers", {"user_id": ADA, "fencer": "100000011"}),
        "gets a code": await guilds_own.status("POST", "/users/claim-codes", {"user_id": ADA}),
        "knows": await guilds_own.status("GET", f"/users/{ADA}"),
    } == {
        "reads": 403,
        "changes": 403,
        "removes": 403,
        "registers": 403,
        "as staff": 403,
        "follows": 403,
        "gets a code": 403,
        "knows": 404,
    }
    assert (await eve.ask("GET", f"/api/trackers/{tracker}")).status_code == 403
    assert (await eve.ask("GET", f"/api/trackers?guild_id={GUILD}")).json()["items"] == []


async def test_a_guilds_key_cannot_keep_a_person_from_being_fetched_or_rated(
    people: People, guilds_own: Bot, ada: Person, tracker: str
) -> None:
    async def priority_and_boards() -> tuple[int, list[str]]:
        rows = await people.rows("SELECT usual_priority FROM scrape_schedule")
        async with people.container.database().unit_of_work() as session:
            places = await RatingRepository(session).places([ada.id])
        return rows[0]["usual_priority"], [place.guild_id for place in places.get(ada.id, [])]

    off = {"name": "Comets", "settings": {"tracker_processing": False}}
    assert await guilds_own.status("PUT", f"/guilds/{GUILD}", off) == 200
    await guilds_own.put(ADA)
    assert await priority_and_boards() == (Priority.BACKGROUND, []), tracker
    await ada.ask("POST", f"/api/guilds/{GUILD}/confirm")
    assert await priority_and_boards() == (Priority.ON_REQUEST, [GUILD])


async def test_the_person_confirms_a_membership(people: People, guilds_own: Bot, ada: Person, tracker: str) -> None:
    await relay(people)
    assert (await ada.ask("POST", f"/api/guilds/{GUILD}/confirm")).status_code == 404
    await guilds_own.put(ADA)
    assert await mine(ada) == [(GUILD, False)]
    for _ in range(2):
        answer = await ada.ask("POST", f"/api/guilds/{GUILD}/confirm")
        assert (answer.status_code, answer.json()["confirmed"]) == (200, True)
    assert await mine(ada) == [(GUILD, True)]
    noted = await people.rows("SELECT subject_id FROM activity_log WHERE event = 'guild.membership_confirmed'")
    assert noted == [{"subject_id": GUILD}]
    assert await guilds_own.trackers() == [tracker]
    assert await guilds_own.status("PUT", f"/trackers/{tracker}", {"active": False}) == 200
    await relay(people)
    assert await guilds_own.events() == ["tracker.updated"]  # the registration was before


async def test_a_key_for_all_guilds_confirms_a_membership(
    operators: Bot, guilds_own: Bot, ada: Person, tracker: str
) -> None:
    await guilds_own.put(ADA)
    assert await guilds_own.trackers() == []
    await operators.put(ADA)
    assert await mine(ada) == [(GUILD, True)]
    assert await guilds_own.trackers() == [tracker]
    await guilds_own.put(ADA, admin=True)  # stays confirmed
    assert await mine(ada) == [(GUILD, True)]


async def test_who_leaves_and_is_added_again_by_the_guilds_key_confirms_again(
    operators: Bot, guilds_own: Bot, ada: Person
) -> None:
    await operators.put(ADA)
    assert await guilds_own.status("POST", f"/guilds/{GUILD}/members/remove", {"user_ids": [ADA]}) == 200
    await guilds_own.put(ADA)
    assert await mine(ada) == [(GUILD, False)]


async def test_a_guilds_key_speaks_for_people_whom_it_made_known(guilds_own: Bot) -> None:
    await guilds_own.put(NEW)
    given = {"user_id": NEW, "urls": [LINK.format("Lintwurm")]}
    assert await guilds_own.status("POST", "/trackers/register-multiple", given) == 201
    assert len(await guilds_own.trackers()) == 1
    assert await guilds_own.status("POST", "/users/claim-codes", {"user_id": NEW}) == 201


async def test_a_claim_opens_an_older_account_to_no_guilds_key(
    people: People, guilds_own: Bot, ada: Person, tracker: str
) -> None:
    await guilds_own.put(NEW)
    code = (await guilds_own.ask("POST", "/users/claim-codes", {"user_id": NEW})).json()["code"]
    assert (await ada.ask("POST", "/api/users/me/claim", {"code": code})).status_code == 200
    await relay(people)
    assert await mine(ada) == [(GUILD, False)]
    assert await guilds_own.trackers() == []
    assert await guilds_own.events() == []
    assert await guilds_own.status("GET", f"/trackers/{tracker}") == 403


async def test_who_registers_onto_an_account_that_a_guilds_key_made_confirms_the_guild(
    people: People, guilds_own: Bot
) -> None:
    await guilds_own.put(NEW)
    code = (await guilds_own.ask("POST", "/users/claim-codes", {"user_id": NEW})).json()["code"]
    new = await people.register("new", claim_code=code)
    answer = await new.ask("POST", "/api/trackers/register", {"urls": [LINK.format("Lintwurm")]})
    tracker = answer.json()["trackers"][0]["id"]
    assert await mine(new) == [(GUILD, False)]
    assert await guilds_own.trackers() == []
    assert await guilds_own.status("GET", f"/trackers/{tracker}") == 403
    assert await guilds_own.status("PUT", f"/trackers/{tracker}", {"active": False}) == 403
    assert (await new.ask("POST", f"/api/guilds/{GUILD}/confirm")).status_code == 200
    assert await guilds_own.trackers() == [tracker]


async def test_what_an_operator_confirmed_outlives_the_registration(
    people: People, operators: Bot, guilds_own: Bot
) -> None:
    await guilds_own.put(NEW)
    await operators.put(NEW)
    code = (await guilds_own.ask("POST", "/users/claim-codes", {"user_id": NEW})).json()["code"]
    new = await people.register("new", claim_code=code)
    assert await mine(new) == [(GUILD, True)]


async def test_the_making_of_an_account_confirms_nothing_once_another_bot_puts_or_acts_for_it(
    people: People, operators: Bot, guilds_own: Bot
) -> None:
    others = Bot(people.http, await people.bot(*SCOPES, guild_ids=[OTHER_GUILD]))
    both = Bot(people.http, await people.bot(*SCOPES, guild_ids=[GUILD, OTHER_GUILD]))
    members = {"members": [{"user_id": NEW}]}
    urls = {"urls": [LINK.format("Lintwurm")]}

    async def confirmed(bot: Bot, method: str, path: str, body: Any) -> tuple[int, bool]:
        """What another bot gets, and whether the guild that made the account still speaks for it."""
        answer = await bot.status(method, path, body)
        (row,) = await people.rows(
            "SELECT m.confirmed_by IS NOT NULL AS confirmed FROM guild_members m JOIN user_identities i USING (user_id)"
            " WHERE i.external_id = :id AND m.guild_id = :guild",
            id=NEW,
            guild=GUILD,
        )
        await people.rows(
            "DELETE FROM users WHERE id = (SELECT user_id FROM user_identities WHERE external_id = :id) RETURNING 1",
            id=NEW,
        )
        await guilds_own.put(NEW)
        return answer, row["confirmed"]

    await guilds_own.put(NEW)
    there = f"/guilds/{OTHER_GUILD}/members"
    assert await confirmed(guilds_own, "POST", "/trackers/register-multiple", {"user_id": NEW, **urls}) == (201, True)
    assert await confirmed(both, "PUT", there, members) == (200, True)
    assert await confirmed(others, "PUT", there, members) == (200, False)
    assert await confirmed(operators, "PUT", there, members) == (200, False)
    assert await confirmed(operators, "PUT", f"/guilds/{GUILD}/members", members) == (200, True)
    assert await confirmed(operators, "POST", "/trackers/register-multiple", {"user_id": NEW, **urls}) == (201, False)
    assert await confirmed(operators, "POST", "/fencers", {"user_id": NEW, "fencer": "100000011"}) == (201, False)
    assert await confirmed(operators, "POST", "/users/claim-codes", {"user_id": NEW}) == (201, False)
    await operators.put(EVE, admin=True)
    by_staff = {"guild_id": GUILD, "staff_id": EVE, "user_id": NEW, **urls}
    assert await confirmed(operators, "POST", "/trackers/register-by-staff", by_staff) == (201, True)


async def test_two_ids_of_one_person_look_like_two_people_to_the_guild_that_puts_them(
    people: People, guilds_own: Bot, ada: Person
) -> None:
    second = await known_too(people, ada)

    async def put(*members: dict[str, Any]) -> Any:
        return (await guilds_own.ask("PUT", f"/guilds/{GUILD}/members", {"members": members})).json()

    async def listed() -> list[Any]:
        items = (await guilds_own.ask("GET", f"/guilds/{GUILD}/members")).json()["items"]
        return [(one["external_id"], one["admin"], one["user_id"]) for one in items]

    first_put = await put({"user_id": ADA, "admin": True})
    assert first_put == {"added": 1, "updated": 0, "unchanged": 0}
    before = (await guilds_own.ask("GET", f"/guilds/{GUILD}/members")).json()["items"]
    assert await put({"user_id": second}, {"user_id": ADA, "admin": True}) == {"added": 1, "updated": 0, "unchanged": 1}
    after = (await guilds_own.ask("GET", f"/guilds/{GUILD}/members")).json()["items"]
    assert [one for one in after if one["external_id"] == ADA] == before
    assert len({one["joined_at"] for one in after}) == 2
    assert await listed() == [(ADA, True, None), (second, False, None)]
    assert [guild["admin"] for guild in (await ada.ask("GET", "/api/guilds")).json()["items"]] == [True]
    assert await put({"user_id": second, "admin": True}) == {"added": 0, "updated": 1, "unchanged": 0}
    assert await put({"user_id": ADA}) == {"added": 0, "updated": 1, "unchanged": 0}
    removed = await guilds_own.ask("POST", f"/guilds/{GUILD}/members/remove", {"user_ids": [second]})
    assert removed.json() == {"removed": 1}
    assert await listed() == [(ADA, False, None)]
    assert [guild["admin"] for guild in (await ada.ask("GET", "/api/guilds")).json()["items"]] == [False]
    for count in (1, 0):
        removed = await guilds_own.ask("POST", f"/guilds/{GUILD}/members/remove", {"user_ids": [ADA]})
        assert removed.json() == {"removed": count}
    assert await mine(ada) == []


async def test_an_id_that_was_not_put_tells_nothing(people: People, guilds_own: Bot, ada: Person) -> None:
    second = await known_too(people, ada)
    await guilds_own.put(ADA)
    removed = await guilds_own.ask("POST", f"/guilds/{GUILD}/members/remove", {"user_ids": [second]})
    assert removed.json() == {"removed": 0}
    await ada.ask("POST", f"/api/guilds/{GUILD}/confirm")
    (member,) = (await guilds_own.ask("GET", f"/guilds/{GUILD}/members")).json()["items"]
    assert (member["external_id"], member["username"]) == (ADA, None)  # the other id was named last
    assert member["user_id"] == str(ada.id)


async def test_an_id_that_the_person_unlinked_is_the_membership_of_its_next_account(
    people: People, guilds_own: Bot, ada: Person
) -> None:
    await guilds_own.put(ADA)
    await ada.ask("POST", f"/api/guilds/{GUILD}/confirm")
    assert (await ada.ask("DELETE", f"/api/users/me/identities/discord/{ADA}")).status_code == 204
    answer = await guilds_own.ask("PUT", f"/guilds/{GUILD}/members", {"members": [{"user_id": ADA}]})
    assert answer.json() == {"added": 0, "updated": 0, "unchanged": 1}
    (member,) = (await guilds_own.ask("GET", f"/guilds/{GUILD}/members")).json()["items"]
    assert member["external_id"] == ADA
    assert member["user_id"] != str(ada.id)
    assert await mine(ada) == []


async def test_a_guilds_key_names_only_accounts_that_it_makes_and_confirmed_members(
    people: People, guilds_own: Bot, ada: Person
) -> None:
    named = {"username": "slur", "global_name": "Slur", "avatar": "slur.png"}

    async def name(*user_ids: str) -> dict[str, Any]:
        members = [{"user_id": user_id, "user_data": named} for user_id in user_ids]
        answer = await guilds_own.ask("PUT", f"/guilds/{GUILD}/members", {"members": members})
        assert answer.status_code == 200, answer.text
        rows = await people.rows("SELECT external_id, username, global_name, avatar FROM user_identities")
        return {row.pop("external_id"): row for row in rows}

    nothing = dict.fromkeys(named)
    assert await name(ADA, NEW) == {ADA: nothing, NEW: named}
    for path in ("/trackers/register-multiple", "/users/claim-codes"):
        given = {"user_id": ADA, "user_data": named, "urls": [LINK.format("Lintwurm")]}
        if path == "/users/claim-codes":
            del given["urls"]
        assert await guilds_own.status("POST", path, given) == 403
    assert await name() == {ADA: nothing, NEW: named}
    assert (await ada.ask("POST", f"/api/guilds/{GUILD}/confirm")).status_code == 200
    assert await name(ADA) == {ADA: named, NEW: named}


async def known_too(people: People, person: Person) -> str:
    """Another Discord id of a person, with a name."""
    await people.rows(
        "INSERT INTO user_identities (provider, external_id, user_id, username, updated_at)"
        " VALUES ('discord', :external_id, :user_id, 'second', now()) RETURNING 1",
        external_id=SECOND,
        user_id=person.id,
    )
    return SECOND
