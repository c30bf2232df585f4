"""What digests tell, once, and what arrives in a real mailbox."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.people import Person
from tests.integration.trackers.fencers.conftest import ALEX, BLAKE, CLUB, EPEE, FOIL, OTHER_CLUB, SABER, Salle
from tests.integration.trackers.fencers.digests.conftest import GuardedHttpClient, part_of


async def test_a_registration_under_a_club_and_a_tracked_fencer_is_told_once_with_a_note(
    post: GuardedHttpClient, salle: Salle, ada: Person
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
    html = part_of(mail, "html")
    assert html.count("Junior Women\u2019s Epee (JNRWE)") == 1
    assert f'href="https://fencingtracker.com/club/{CLUB}/LakesideFencing/registrations"' in html
    assert "also a tracked fencer" in html


async def test_what_no_tracked_club_covers_stands_under_tracked_fencers(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
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
    post: GuardedHttpClient, salle: Salle, ada: Person, club: str, fencer: str, told: str
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


async def test_nothing_new_is_no_mail_and_what_follows_is_told_next_time(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
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


async def test_a_day_without_a_worker_is_told_the_day_after(post: GuardedHttpClient, salle: Salle, ada: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    salle.clock.ahead += timedelta(days=2)
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    await post.a_day_passes()
    (text,) = post.texts()
    assert text.count("New: ") == 3


async def test_what_the_club_tells_later_than_the_fencers_page_is_told_to_who_follows_the_club_alone(
    post: GuardedHttpClient, salle: Salle, ada: Person, ben: Person
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
    told = [(str(mail["To"]), "Harbour Cup" in part_of(mail, "plain")) for mail in post.mailbox.digests()]
    assert sorted(told[:2]) == [("ada@example.org", False), ("ben@example.org", False)]
    assert told[2:] == [("ben@example.org", True), ("ada@example.org", True)]


async def test_who_has_digests_again_is_told_the_last_period_and_not_all_that_was_news_meanwhile(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    await post.a_day_passes()
    await salle.ask(ada, "PUT", "/api/users/me/digest", {"period": "off"})
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    salle.clock.ahead += timedelta(days=10)
    await salle.ask(ada, "PUT", "/api/users/me/digest", {"period": "daily"})
    salle.site.withdraw(BLAKE, FOIL)
    await salle.look(again=True)
    await post.a_day_passes()
    texts = post.texts()
    assert (len(texts), "Harbour Cup" in texts[-1], "Withdrawn: Blake" in texts[-1]) == (2, False, True)


async def test_one_click_unsubscribes_and_a_look_at_the_link_does_not(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
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


async def test_who_gives_digests_up_does_not_get_the_one_that_waited(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    post.mailbox.down = True
    await post.a_day_passes()
    post.mailbox.down = False
    assert (await salle.ask(ada, "PUT", "/api/users/me/digest", {"period": "off"})).status_code == 200
    salle.clock.ahead += timedelta(hours=12)
    await post.send()
    assert post.mailbox.digests() == []
    states = [one["state"] for one in (await salle.read(ada, "/api/users/me/digest/sent"))["items"]]
    assert states == ["superseded"]


async def test_without_a_mailbox_there_is_no_digest(post: GuardedHttpClient, salle: Salle, ada: Person) -> None:
    answer = await salle.ask(ada, "PUT", "/api/users/me/digest", {"period": "daily"})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_mailbox")


@pytest.mark.parametrize(
    "body", [{}, {"period": "hourly"}, {"period": "daily", "hour": 24}, {"period": "weekly", "weekday": 0}]
)
async def test_what_is_no_time_is_refused(
    post: GuardedHttpClient, salle: Salle, ada: Person, body: dict[str, object]
) -> None:
    answer = await salle.ask(ada, "PUT", "/api/users/me/digest", body)
    assert answer.status_code in {400, 422}


async def test_who_moves_gets_the_next_one_by_the_clock_there(
    post: GuardedHttpClient, salle: Salle, ada: Person
) -> None:
    before = await post.subscribe(ada, hour=8)
    await salle.ask(ada, "PATCH", "/api/users/me", {"time_zone": "Asia/Tokyo"})
    await salle.job("notifications.digests")
    after = await salle.read(ada, "/api/users/me/digest")
    assert datetime.fromisoformat(before["next_at"]).hour == 8
    assert datetime.fromisoformat(after["next_at"]).astimezone(UTC).hour == 23
    assert (await salle.read(ada, "/api/users/me/digest/sent"))["items"] == []


async def test_admins_run_one_persons_due_or_not_and_once(post: GuardedHttpClient, salle: Salle, ada: Person) -> None:
    await salle.track(ada, "club", CLUB)
    await post.subscribe(ada)
    await salle.look()
    salle.clock.ahead += timedelta(minutes=10)
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
    post: GuardedHttpClient, salle: Salle, ada: Person
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
    assert "Withdrawn: Youth 12" in part_of(mail, "plain")


async def test_game_trackers_have_a_section(post: GuardedHttpClient, salle: Salle, ada: Person) -> None:
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


async def test_what_is_kept_of_digests_is_a_persons_data(
    post: GuardedHttpClient, salle: Salle, ada: Person, ben: Person
) -> None:
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


async def test_what_a_name_told_is_told_to_who_follows_the_fencer_once_it_turned_out_whose_it_is(
    post: GuardedHttpClient, salle: Salle, ada: Person, ben: Person
) -> None:
    salle.site.add_fencer(ALEX, "Alex Abendroth", CLUB, linked=False)
    salle.site.register(ALEX, EPEE, on="fencer")
    both = await salle.people.register("cara")
    for who, *followed in ((ada, "club"), (ben, "fencer"), (both, "club", "fencer")):
        for kind in followed:
            await salle.track(who, kind, CLUB if kind == "club" else ALEX)
        await post.subscribe(who)
    await salle.look()
    await post.a_day_passes()
    salle.site.register(ALEX, SABER, on="club")
    await salle.look(again=True)
    await post.a_day_passes()
    salle.site.register(ALEX, SABER)
    await salle.look(again=True)
    await post.a_day_passes()
    await post.a_day_passes()
    told = [(str(mail["To"]), part_of(mail, "plain").count("Harbour Cup")) for mail in post.mailbox.digests()]
    assert sorted(told[:3]) == [("ada@example.org", 0), ("ben@example.org", 0), ("cara@example.org", 0)]
    assert sorted(told[3:5]) == [("ada@example.org", 1), ("cara@example.org", 1)]
    assert told[5:] == [("ben@example.org", 1)]


async def test_what_a_clubs_page_has_no_more_is_told_of_the_club_only_as_ended(
    post: GuardedHttpClient, salle: Salle, ada: Person, ben: Person
) -> None:
    await salle.track(ada, "club", CLUB)
    await salle.track(ben, "fencer", ALEX)
    await post.subscribe(ada)
    await salle.look()
    await post.a_day_passes()
    salle.site.register(ALEX, EPEE, on="fencer")
    await salle.look(again=True)
    salle.site.move(EPEE, "2026-12-20")
    await salle.look(again=True)
    await post.a_day_passes()
    assert len(post.mailbox.digests()) == 1, "the fencer's page tells of it alone"
    newcomer = await salle.people.register("cara")
    await salle.track(newcomer, "club", CLUB)
    await post.subscribe(newcomer)
    salle.site.withdraw(ALEX, EPEE)
    await salle.look(again=True)
    await post.a_day_passes()
    told = {str(mail["To"]): part_of(mail, "plain") for mail in post.mailbox.digests()[1:]}
    assert "- Withdrawn: Alex Abendroth" in told["ada@example.org"]
    assert "- New: Alex" not in told["cara@example.org"]
    assert "- New: Blake Brandauer" in told["cara@example.org"]
