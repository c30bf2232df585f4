"""Digests from end to end: what they tell, once, and what arrives in a real mailbox."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from dependency_injector import providers
from tests.conftest import container_of
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import ALEX, BLAKE, CLUB, EPEE, FOIL, OTHER_CLUB, SABER, Salle
from tests.integration.users.notifications.conftest import Mailbox as PlainMailbox

from users.notifications.digest import DigestSection, DigestWindow


@dataclass
class Mailbox(PlainMailbox):
    """One that also keeps what it gets to the letter, and can be out of order."""

    raw: list[bytes] = field(default_factory=list)
    down: bool = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the library's name
        if self.down:
            return "451 come back later"
        self.raw.append(envelope.content)
        return await super().handle_DATA(server, session, envelope)

    def digests(self) -> list[EmailMessage]:
        return [mail for mail in self.mails if "digest" in str(mail["Subject"])]


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    made = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(made, hostname="mail.example", loop=loop), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
def environ(environ: dict[str, str], mailbox: Mailbox) -> dict[str, str]:
    return environ | {
        "TRACKERS_SMTP_HOST": "127.0.0.1",
        "TRACKERS_SMTP_PORT": str(mailbox.port),
        "TRACKERS_SMTP_STARTTLS": "false",
        "TRACKERS_SMTP_FROM": "trackers@example.org",
        "TRACKERS_NOTIFY_PUBLIC_URL": "https://trackers.example.org/",
    }


@dataclass
class Post:
    """Who gets digests, and what arrives."""

    salle: Salle
    mailbox: Mailbox

    async def subscribe(self, who: Person, period: str = "daily", **more: Any) -> dict[str, Any]:
        """A verified mailbox, and digests to it; `who` wants to hear of registrations nowhere else."""
        await self.mailbox_of(who)
        answer = await who.ask("PUT", "/api/users/me/digest", {"period": period, **more})
        assert answer.status_code == 200, answer.text
        await who.ask("PUT", "/api/users/me/notifications", {"defaults": {"*": "digest"}})
        settled: dict[str, Any] = answer.json()
        return settled

    async def mailbox_of(self, who: Person) -> dict[str, Any]:
        at = "/api/users/me/channels"
        made = await who.ask("POST", at, {"kind": "email", "address": f"{who.login}@example.org"})
        assert made.status_code == 201, made.text
        channel: dict[str, Any] = made.json()["channel"]
        await self.salle.container.notifications.challenger().challenge(channel["id"])
        body = self.mailbox.mails.pop().get_body(("plain",))
        assert body is not None
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", body.get_content())
        assert code is not None
        verified = await who.ask("POST", f"{at}/{channel['id']}/verify", {"code": code[0]})
        assert verified.json()["state"] == "active", verified.text
        return channel

    async def a_day_passes(self) -> None:
        """And what is due is sent."""
        self.salle.clock.forward(days=1)
        await self.salle.job("notifications.digests")
        await self.send()

    async def send(self) -> None:
        await self.salle.container.notifications.sender().send_due()

    def texts(self) -> list[str]:
        return [_part(mail, "plain") for mail in self.mailbox.digests()]


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.fixture
async def post(salle: Salle, mailbox: Mailbox) -> Post:
    salle.stage()
    return Post(salle, mailbox)


async def test_a_registration_under_a_club_and_a_tracked_fencer_is_told_once_with_a_note(
    post: Post, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await salle.track(ada, "fencer", ALEX)
    await post.subscribe(ada)
    await salle.look()
    await post.a_day_passes()
    (text,) = post.texts()
    assert text.count("Junior Women\u2019s Epee (JNRWE)") == 1
    assert "LAKESIDE FENCING" in text
    assert "- New: Alex Abendroth, Junior Women\u2019s Epee (JNRWE), Sat 12 Dec 2026 (also a tracked fencer)" in text
    assert "TRACKED FENCERS" not in text
    (mail,) = post.mailbox.digests()
    html = _part(mail, "html")
    assert html.count("Junior Women\u2019s Epee (JNRWE)") == 1
    assert "also a tracked fencer" in html


async def test_what_no_tracked_club_covers_stands_under_tracked_fencers(post: Post, salle: Salle, ada: Person) -> None:
    salle.site.add_club(OTHER_CLUB, "Other Hall")
    await salle.track(ada, "club", OTHER_CLUB)
    await salle.track(ada, "fencer", ALEX)
    await post.subscribe(ada)
    await salle.look()
    await post.a_day_passes()
    (text,) = post.texts()
    assert "TRACKED FENCERS\n\n  October NAC\n  - New: Alex Abendroth" in text


@pytest.mark.parametrize(
    ("club", "fencer", "told"),
    [("foil", "", "fencer"), ("foil", "foil", ""), ("epee", "foil", "club"), ("", "foil", "club"), ("", "", "both")],
)
async def test_a_registration_is_kept_when_any_tracking_lets_its_weapon_through(
    post: Post, salle: Salle, ada: Person, club: str, fencer: str, told: str
) -> None:
    salle.site.withdraw(BLAKE, FOIL)
    await salle.track(ada, "club", CLUB, weapons=club)
    await salle.track(ada, "fencer", ALEX, weapons=fencer)
    await post.subscribe(ada)
    await salle.look()
    preview = await salle.read(ada, "/api/users/me/digest/preview")
    sections = {one["title"] for one in preview["sections"]}
    notes = {entry["note"] for s in preview["sections"] for g in s["groups"] for entry in g["entries"]}
    expected = {"fencer": {"Tracked fencers"}, "": set(), "club": {"Lakeside Fencing"}, "both": {"Lakeside Fencing"}}
    assert sections == expected[told]
    assert notes == ({"also a tracked fencer"} if told == "both" else {""} if told else set())


async def test_nothing_new_is_no_mail_and_what_follows_is_told_next_time(post: Post, salle: Salle, ada: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    await post.a_day_passes()
    assert len(post.mailbox.digests()) == 1
    await post.a_day_passes()
    assert len(post.mailbox.digests()) == 1
    salle.site.withdraw(ALEX, EPEE)
    salle.site.move(FOIL, "2026-12-20")
    await salle.look(again=True)
    await post.a_day_passes()
    text = post.texts()[-1]
    assert "- Withdrawn: Alex Abendroth, Junior Women\u2019s Epee (JNRWE), Sat 12 Dec 2026" in text
    assert "- Moved: Blake Brandauer, Division I Men\u2019s Foil (DV1MF), Sat 12 Dec 2026 -> Sun 20 Dec 2026" in text
    states = [one["state"] for one in (await salle.read(ada, "/api/users/me/digest/sent"))["items"]]
    assert states == ["sent", "empty", "sent"]


async def test_a_day_without_a_worker_is_told_the_day_after(post: Post, salle: Salle, ada: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    salle.clock.forward(days=2)
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    await post.a_day_passes()
    (text,) = post.texts()
    assert text.count("New: ") == 3


async def test_what_the_club_tells_later_than_the_fencers_page_is_told_to_who_follows_the_club_alone(
    post: Post, salle: Salle, ada: Person, ben: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await salle.track(ben, "club", CLUB)
    await salle.track(ben, "fencer", ALEX)
    for who in (ada, ben):
        await post.subscribe(who)
    await salle.look()
    await post.a_day_passes()
    salle.site.register(ALEX, SABER, on="fencer")
    await salle.look(again=True)
    await post.a_day_passes()
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    await post.a_day_passes()
    await post.a_day_passes()
    told = [(str(mail["To"]), "Harbour Cup" in _part(mail, "plain")) for mail in post.mailbox.digests()]
    assert sorted(told[:2]) == [("ada@example.org", False), ("ben@example.org", False)]
    assert told[2:] == [("ben@example.org", True), ("ada@example.org", True)]


async def test_who_has_digests_again_is_told_the_last_period_and_not_all_that_was_news_meanwhile(
    post: Post, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    await post.a_day_passes()
    await salle.ask(ada, "PUT", "/api/users/me/digest", {"period": "off"})
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    salle.clock.forward(days=10)
    await salle.ask(ada, "PUT", "/api/users/me/digest", {"period": "daily"})
    salle.site.withdraw(BLAKE, FOIL)
    await salle.look(again=True)
    await post.a_day_passes()
    texts = post.texts()
    assert (len(texts), "Harbour Cup" in texts[-1], "Withdrawn: Blake" in texts[-1]) == (2, False, True)


async def test_two_schedulers_at_once_send_one(post: Post, salle: Salle, ada: Person, ben: Person) -> None:
    for who in (ada, ben):
        await salle.track(who, "club", CLUB)
        await post.subscribe(who)
    await salle.look()
    salle.clock.forward(days=1)
    others = [container_of(salle.bench.environ) for _ in range(3)]
    for other in others:
        other.clock.override(providers.Object(salle.clock))
    runs = [salle.container.notifications.digest_run(), *(other.notifications.digest_run() for other in others)]
    done = await asyncio.gather(*(run.run() for run in runs))
    assert sum(one.sent_off for one in done) == 2
    await asyncio.gather(*(other.notifications.sender().send_due() for other in others))
    await post.send()
    assert sorted(str(mail["To"]) for mail in post.mailbox.digests()) == ["ada@example.org", "ben@example.org"]
    for other in others:
        await other.database().close()
        await other.redis().aclose()


async def test_a_crash_between_send_and_mark_repeats_it_under_its_message_id(
    post: Post, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    salle.clock.forward(days=1)
    await salle.job("notifications.digests")
    sender = salle.container.notifications.sender()
    settle, sender._settle = sender._settle, _dies
    with pytest.raises(ConnectionResetError):
        await sender.send_due()
    sender._settle = settle
    await post.send()
    assert len(post.mailbox.digests()) == 1, "the lease still holds"
    salle.clock.forward(minutes=5)
    await post.send()
    await post.send()
    first, again = post.mailbox.digests()
    assert first["Message-ID"] == again["Message-ID"]
    (entry,) = (await salle.read(ada, "/api/users/me/digest/sent"))["items"]
    assert entry["state"] == "sent"


async def _dies(outcomes: object) -> None:
    raise ConnectionResetError


async def test_one_that_could_not_be_sent_is_given_up_for_the_next_which_tells_its_news_too(
    post: Post, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    post.mailbox.down = True
    await post.a_day_passes()
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    post.mailbox.down = False
    salle.clock.forward(days=1)
    await salle.job("notifications.digests")
    await post.send()
    salle.clock.forward(hours=12)
    await post.send()
    (text,) = post.texts()
    assert text.count("New: ") == 3
    states = [one["state"] for one in (await salle.read(ada, "/api/users/me/digest/sent"))["items"]]
    assert states == ["sent", "superseded"]


class SendsMeanwhile:
    """A module whose section takes so long that the sender comes by."""

    name = "slow"

    def __init__(self, send: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._send = send

    async def sections(self, windows: list[DigestWindow]) -> dict[Any, list[DigestSection]]:
        await asyncio.create_task(self._send(), context=Context())
        return {}


async def test_one_that_the_next_gives_up_is_not_sent_while_that_is_made(post: Post, salle: Salle, ada: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    post.mailbox.down = True
    await post.a_day_passes()
    post.mailbox.down = False
    salle.clock.forward(days=1)
    notifications = salle.container.notifications
    slow = providers.Callable(lambda: [salle.container.fencers.digest(), SendsMeanwhile(post.send)])
    with notifications.digest_writers.override(slow):
        await notifications.digest_run().run()
    await post.send()
    (text,) = post.texts()
    assert text.count("New: ") == 2


async def test_one_click_unsubscribes_and_a_look_at_the_link_does_not(post: Post, salle: Salle, ada: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    await post.a_day_passes()
    (mail,) = post.mailbox.digests()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(mail["List-Unsubscribe"]).strip("<>")
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in post.mailbox.raw[-1], "unencoded, on one line"
    assert link.startswith("https://trackers.example.org/api/digest/unsubscribe?token=")
    path = link.removeprefix("https://trackers.example.org")
    http = salle.bench.http
    for _ in range(2):
        looked = await http.get(path, headers={"Authorization": ""})
        assert (looked.status_code, looked.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert '<form method="post">' in looked.text
    assert (await salle.read(ada, "/api/users/me/digest"))["period"] == "daily"
    for _ in range(2):
        gone = await http.post(path, data={"List-Unsubscribe": "One-Click"}, headers={"Authorization": ""})
        assert gone.status_code == 200, gone.text
    assert (await salle.read(ada, "/api/users/me/digest"))["period"] == "off"
    await post.a_day_passes()
    assert len(post.mailbox.digests()) == 1
    for token in ("", "x", "A" * 43, path.partition("=")[2][:-1], "ü" * 20, "A" * 65):
        refused = await http.post("/api/digest/unsubscribe", params={"token": token}, headers={"Authorization": ""})
        assert refused.status_code in {404, 422}, refused.text


async def test_who_gives_digests_up_does_not_get_the_one_that_waited(post: Post, salle: Salle, ada: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    post.mailbox.down = True
    await post.a_day_passes()
    post.mailbox.down = False
    assert (await salle.ask(ada, "PUT", "/api/users/me/digest", {"period": "off"})).status_code == 200
    salle.clock.forward(hours=12)
    await post.send()
    assert post.mailbox.digests() == []
    states = [one["state"] for one in (await salle.read(ada, "/api/users/me/digest/sent"))["items"]]
    assert states == ["superseded"]


async def test_without_a_mailbox_there_is_no_digest(post: Post, salle: Salle, ada: Person) -> None:
    answer = await salle.ask(ada, "PUT", "/api/users/me/digest", {"period": "daily"})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_mailbox")


@pytest.mark.parametrize(
    "body", [{}, {"period": "hourly"}, {"period": "daily", "hour": 24}, {"period": "weekly", "weekday": 0}]
)
async def test_what_is_no_time_is_refused(post: Post, salle: Salle, ada: Person, body: dict[str, object]) -> None:
    answer = await salle.ask(ada, "PUT", "/api/users/me/digest", body)
    assert answer.status_code in {400, 422}


async def test_who_moves_gets_the_next_one_by_the_clock_there(post: Post, salle: Salle, ada: Person) -> None:
    before = await post.subscribe(ada, hour=8)
    await salle.ask(ada, "PATCH", "/api/users/me", {"time_zone": "Asia/Tokyo"})
    await salle.job("notifications.digests")
    after = await salle.read(ada, "/api/users/me/digest")
    assert datetime.fromisoformat(before["next_at"]).hour == 8
    assert datetime.fromisoformat(after["next_at"]).astimezone(UTC).hour == 23
    assert (await salle.read(ada, "/api/users/me/digest/sent"))["items"] == []


async def test_admins_run_one_persons_due_or_not_and_once(post: Post, salle: Salle, ada: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    salle.clock.forward(minutes=10)
    root = await salle.people.admin()
    ran = await salle.ask(root, "POST", "/api/admin/digests/run", {"user_id": str(ada.id)})
    assert (ran.status_code, ran.json()["sent_off"]) == (200, 1)
    ran = await salle.ask(root, "POST", "/api/admin/digests/run", {"user_id": str(ada.id)})
    assert (ran.json()["sent_off"], ran.json()["had"]) == (0, 1)
    everybody = await salle.ask(root, "POST", "/api/admin/digests/run", {})
    assert everybody.status_code == 200
    await post.send()
    assert len(post.mailbox.digests()) == 1
    assert (await salle.ask(ada, "POST", "/api/admin/digests/run", {})).status_code == 403


async def test_off_for_one_thing_is_off_in_the_digest_and_digest_is_not_at_once(
    post: Post, salle: Salle, ada: Person
) -> None:
    made = (await salle.track(ada, "club", CLUB))["tracked"]
    await post.subscribe(ada)
    await salle.look()
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    await salle.job("outbox.relay")
    await post.send()
    assert post.mailbox.mails == [], "digest means in the digest only"
    await salle.ask(ada, "PUT", f"/api/users/me/notifications/subjects/{made['id']}", {"events": {"*": "off"}})
    assert (await salle.read(ada, "/api/users/me/digest/preview"))["entries"] == 0
    await salle.ask(ada, "PUT", f"/api/users/me/notifications/subjects/{made['id']}", {"events": {"*": "instant"}})
    salle.site.withdraw(ALEX, SABER)
    await salle.look(again=True)
    await salle.job("outbox.relay")
    await post.send()
    (mail,) = post.mailbox.mails
    assert "Withdrawn: Youth 12" in _part(mail, "plain")


class Poisoned:
    """A module whose section of one person cannot be written."""

    name = "poisoned"

    def __init__(self, victim: object) -> None:
        self._victim = victim

    async def sections(self, windows: list[DigestWindow]) -> dict[Any, list[DigestSection]]:
        if any(window.user_id == self._victim for window in windows):
            raise RuntimeError("sesame")
        return {}


async def test_one_persons_poison_is_not_everybodys(post: Post, salle: Salle, ada: Person, ben: Person) -> None:
    for who in (ada, ben):
        await salle.track(who, "club", CLUB)
        await post.subscribe(who)
    await salle.look()
    salle.clock.forward(days=1)
    notifications = salle.container.notifications
    poisoned = providers.Callable(lambda: [salle.container.fencers.digest(), Poisoned(ada.id)])
    with notifications.digest_writers.override(poisoned):
        ran = await notifications.digest_run().run()
    assert (ran.sent_off, ran.put_off) == (1, 1)
    await post.send()
    assert [str(mail["To"]) for mail in post.mailbox.digests()] == ["ben@example.org"]
    salle.clock.forward(minutes=20)
    await notifications.digest_run().run()
    await post.send()
    assert len(post.mailbox.digests()) == 2


async def test_game_trackers_have_a_section(post: Post, salle: Salle, ada: Person) -> None:
    sites = salle.site._sites
    sites.games.add_player("epic", "Quiet Comet", ratings={11: 1204})
    link = "https://rocketleague.tracker.network/rocket-league/profile/epic/Quiet%20Comet/overview"
    assert (await salle.ask(ada, "POST", "/api/trackers/register", {"urls": [link]})).status_code == 201
    await post.subscribe(ada)
    await salle.look()
    for rating in (30, 17):
        sites.games.play("epic", "Quiet Comet", 11, rating=rating)
        await salle.look(again=True)
    await post.a_day_passes()
    (text,) = post.texts()
    assert "GAME TRACKERS" in text
    assert "Quiet Comet (Rocket League), 2v2 1,204 -> 1,251 (+47)" in text


async def test_what_is_kept_of_digests_is_a_persons_data(post: Post, salle: Salle, ada: Person, ben: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    await post.a_day_passes()
    exported = (await salle.read(ada, "/api/users/me/export"))["data"]["notifications"]["digests"]
    assert (exported["settings"]["period"], len(exported["digests"])) == ("daily", 1)
    holder = salle.container.notifications.personal_data
    async with salle.container.database().unit_of_work():
        await holder().hand_over(ada.id, to=ben.id)
    assert (await salle.read(ben, "/api/users/me/digest"))["period"] == "daily"
    async with salle.container.database().unit_of_work():
        await holder().erase(ben.id)
    assert await salle.people.rows("SELECT 1 FROM digests") == []
    assert await salle.people.rows("SELECT 1 FROM digest_preferences") == []
