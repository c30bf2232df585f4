"""When digests are due, what they are made of, and the link that ends them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.installation_secret import InstallationSecret
from shared.settings import Secret
from users.notifications.digest import (
    MAX_ENTRIES,
    Digest,
    DigestEntry,
    DigestGroup,
    DigestSection,
    DigestWindow,
    Label,
    composed,
)
from users.notifications.digest_mail import DigestMail
from users.notifications.digest_schedule import Period, Plan, last_due, next_due, period_of
from users.notifications.schemas import EVERYTHING, Mode
from users.notifications.transports.email import mail_templates
from users.notifications.unsubscribing import Unsubscribing

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "No/Where"]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WINDOW = DigestWindow(user_id=uuid4(), since=NOW - timedelta(days=1), until=NOW)


def plan(zone: str = "Europe/Berlin", hour: int = 8, period: Period = Period.DAILY, weekday: int = 1) -> Plan:
    return Plan(period=period, hour=hour, weekday=weekday, time_zone=zone)


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-03-28T07:00Z", "2026-03-29T01:00Z"),  # the hour that is skipped: as late as the clock went
        ("2026-03-29T01:00Z", "2026-03-30T00:00Z"),
        ("2026-10-24T01:00Z", "2026-10-25T00:00Z"),  # the hour that comes twice: the first
        ("2026-10-25T00:00Z", "2026-10-26T01:00Z"),
    ],
)
def test_two_in_the_morning_when_clocks_change(after: str, due: str) -> None:
    assert next_due(plan(hour=2), datetime.fromisoformat(after)) == datetime.fromisoformat(due)


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    weekday=st.integers(1, 7),
    period=st.sampled_from([Period.DAILY, Period.WEEKLY]),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 -- made aware below
)
def test_every_period_has_one_digest_whatever_the_clocks_do(
    zone: str, hour: int, weekday: int, period: Period, start: datetime
) -> None:
    wanted = plan(zone, hour, period, weekday)
    at, seen = start.replace(tzinfo=UTC), []
    for _ in range(6):
        following = next_due(wanted, at)
        assert following > at
        assert last_due(wanted, following) == following
        assert last_due(wanted, following + timedelta(minutes=59)) == following
        seen.append(period_of(wanted, following))
        at = following
    assert len(set(seen)) == len(seen)


def test_periods_are_called_by_the_day_on_the_wall() -> None:
    tokyo = plan("Asia/Tokyo", 8)
    assert period_of(tokyo, next_due(tokyo, NOW)) == "daily:2026-11-23"
    weekly = plan(period=Period.WEEKLY, weekday=5)
    assert period_of(weekly, next_due(weekly, NOW)) == "weekly:2026-W48"


def test_the_most_particular_preference_counts() -> None:
    subject = uuid4()
    window = DigestWindow(
        user_id=uuid4(),
        since=NOW,
        until=NOW,
        modes={(EVERYTHING, ""): Mode.OFF, (EVERYTHING, "a.b"): Mode.DIGEST, (subject, ""): Mode.OFF},
    )
    assert window.wants(uuid4(), "a.b")
    assert not window.wants(uuid4(), "c.d")
    assert not window.wants(subject, "a.b")


def section(count: int, title: str = "Lakeside") -> DigestSection:
    entries = tuple(DigestEntry(title=f"Fencer {n}", label=Label.NEW) for n in range(count))
    return DigestSection(title=title, groups=(DigestGroup(title="October NAC", entries=entries),))


@pytest.mark.parametrize(("count", "title"), [(0, "no updates"), (1, "1 update"), (1200, "1,200 updates")])
def test_a_digest_counts_what_it_tells_and_what_it_leaves_out(count: int, title: str) -> None:
    made = composed(WINDOW, [section(count), section(0, "Nobody")])
    assert (made.title, made.entries) == (title, count)
    assert made.left_out == max(0, count - MAX_ENTRIES)
    assert [one.title for one in made.sections] == (["Lakeside"] if count else [])


def rendered(digest: Digest, public_url: str = "https://t.example") -> tuple[str, str, dict[str, str]]:
    mail = DigestMail(
        mail_templates(), unsubscribing=Unsubscribing(InstallationSecret(Secret("s" * 32)), public_url=public_url)
    )
    made = mail.rendered(digest, WINDOW.user_id)
    return made.text, made.html, made.headers


def test_text_and_html_say_the_same_and_html_is_escaped() -> None:
    entry = DigestEntry(
        title="<b>Ann</b>", detail="A & B", label=Label.GONE, note="also a tracked fencer", url="https://x/1"
    )
    digest = composed(WINDOW, [DigestSection(title="Club <1>", groups=(DigestGroup(entries=(entry,)),))])
    text, html, headers = rendered(digest)
    assert "  - Withdrawn: <b>Ann</b>, A & B (also a tracked fencer)" in text
    assert "&lt;b&gt;Ann&lt;/b&gt;" in html
    assert "<b>Ann" not in html
    for told in ("Withdrawn", "also a tracked fencer", "unsubscribe?token="):
        assert told in text
        assert told in html
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<https://t.example/api/digest/unsubscribe?token=")


def test_without_a_public_address_there_is_no_link_and_no_header() -> None:
    text, html, headers = rendered(composed(WINDOW, [section(1)]), public_url="")
    assert headers == {}
    assert "unsubscribe" not in text + html


@given(st.uuids())
def test_a_link_names_its_person_and_no_other(user_id: UUID) -> None:
    ours = Unsubscribing(InstallationSecret(Secret("s" * 32)), public_url="")
    theirs = Unsubscribing(InstallationSecret(Secret("t" * 32)), public_url="")
    token = ours.token(user_id)
    assert ours.read(token) == user_id
    assert theirs.read(token) is None
    turned = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    assert ours.read(turned) is None


@given(st.text(max_size=80))
def test_anything_else_is_no_link(text: str) -> None:
    assert Unsubscribing(InstallationSecret(Secret("s" * 32)), public_url="").read(text) is None
