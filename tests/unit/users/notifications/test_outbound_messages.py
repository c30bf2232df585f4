"""What leaves: signatures, embeds, mail, targets, rests."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from tests.clock import FixedClock

from shared.events import Event
from shared.installation_secret import InstallationSecret
from shared.settings import Secret, SettingsError, load
from users.notifications.digest_mail import DigestMail
from users.notifications.errors import BadAddress
from users.notifications.field_encryption import FieldEncryption, Unsealable
from users.notifications.messages import Message
from users.notifications.outbound_messages import MessageUpdate, OutboundMessage
from users.notifications.schemas import NewApprise, NewDiscord, NewWebhook
from users.notifications.sender import MAX_COOLDOWN_S, rest
from users.notifications.settings import NotifySettings, SmtpSettings
from users.notifications.targets import checked
from users.notifications.transports.discord import ALL, EMBEDS, _embeds, _wait
from users.notifications.transports.email import EmailTransport, mail_templates
from users.notifications.transports.http import TransportResponse
from users.notifications.transports.webhook import _body, _echoes, signature
from users.notifications.unsubscribing import Unsubscribing
from users.notifications.verification_codes import VerificationCodes

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)
SCHEMES = NotifySettings().apprise_schemes


def news(number: int, *, lines: tuple[str, ...] = ("a -> b",)) -> MessageUpdate:
    event = Event(id=UUID(int=number), event="a.b", aggregate="a:1", payload={}, user_id=None, occurred_at=NOW)
    return MessageUpdate(event=event, message=Message(title=f"News {number}", lines=lines, url="https://t.example/"))


def test_the_signature_is_hmac_sha256_over_time_and_body() -> None:
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whs_test
    expected = "5229bfb26a3ed151747290d0e5ce518928ac9391cb7c54359568c48550b3d93c"
    assert signature("whs_test", 1_700_000_000, b'{"a":1}') == expected


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (b"abc", True),
        (b" abc\n", True),
        (b'"abc"', True),
        (b'{"challenge": "abc"}', True),
        (b'{"challenge": "abcd"}', False),
        (b"<p>abc</p>", False),
        (b"", False),
        (b"[" * 9000, False),
    ],
)
def test_an_endpoint_gives_the_challenge_back(answer: bytes, *, right: bool) -> None:
    assert _echoes(answer, "abc") is right


def test_several_events_are_one_body_that_holds_each() -> None:
    body = _body(OutboundMessage(id=ONE, news=(news(1), news(2))))
    assert (body.event, body.title, body.id) == ("digest", "2 updates", ONE)
    items = msgspec.json.decode(msgspec.json.encode(body))["payload"]["items"]
    assert [one["title"] for one in items] == ["News 1", "News 2"]


def test_embeds_stay_within_what_discord_takes() -> None:
    for count in (1, 10, 11, 50):
        embeds = _embeds([news(n, lines=("*x_" * 3000,)).message for n in range(count)])
        assert 0 < len(embeds) <= EMBEDS
        assert sum(len(one["title"]) + len(one.get("description", "")) for one in embeds) <= ALL + 50
    assert _embeds([news(n).message for n in range(11)])[-1]["title"] == "and 2 more"


def test_a_header_cannot_be_slipped_into_a_mail() -> None:
    transport = EmailTransport(
        settings=SmtpSettings(sender="t@example.org"),
        timeout=1,
        clock=FixedClock(NOW),
        templates=mail_templates(),
        digests=DigestMail(
            mail_templates(), unsubscribing=Unsubscribing(InstallationSecret(Secret("s" * 32)), public_url="")
        ),
    )
    title = "Hello\r\nBcc: eve@example.org"
    mail = transport.mail("ada@example.org", ONE, title, [Message(title=title, lines=("x",))])
    head = mail.as_bytes().partition(b"\r\n\r\n")[0]
    assert mail["Bcc"] is None
    assert b"\r\nBcc" not in head
    with pytest.raises(ValueError, match="CR or LF"):
        transport.mail("ada@example.org\r\nBcc: eve@example.org", ONE, "x", [])


@pytest.mark.parametrize(
    "url",
    ["tgram://token/chat?template=/etc/passwd", "ntfy://topic", "TGRAM:/x", "tgram://", "slack://a/b/c?redirect=yes"],
)
def test_apprise_addresses_of_other_services_or_with_other_parameters_are_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        checked(NewApprise(url=url), schemes=SCHEMES, mail=True, allow_private=False)


def test_hosts_are_told_apart_by_what_they_cost() -> None:
    def host(url: str) -> str:
        return checked(NewWebhook(url=url), schemes=SCHEMES, mail=True, allow_private=False).host

    assert host("https://Bot.example.org/a") == host("https://bot.example.org:443/b") == "bot.example.org"
    assert host("https://bot.example.org:8443/") == "bot.example.org:8443"


def test_a_discord_address_with_anything_more_is_refused() -> None:
    url = f"https://discord.com/api/webhooks/281474976710656001/{'t' * 68}"
    assert checked(NewDiscord(url=url), schemes=SCHEMES, mail=True, allow_private=False).shown.endswith("/…tttt")
    for more in ("?thread_id=1", "/slack", "/../../users"):
        with pytest.raises(BadAddress):
            checked(NewDiscord(url=url + more), schemes=SCHEMES, mail=True, allow_private=False)


def test_what_is_sealed_opens_for_its_channel_and_secret_only() -> None:
    encryption = FieldEncryption(InstallationSecret(Secret("a" * 32)))
    sealed = encryption.seal(ONE, b"token")
    assert b"token" not in sealed
    assert encryption.seal(ONE, b"token") != sealed
    assert encryption.open(ONE, sealed) == b"token"
    for other, channel in ((encryption, TWO), (FieldEncryption(InstallationSecret(Secret("b" * 32))), ONE)):
        with pytest.raises(Unsealable):
            other.open(channel, sealed)
    with pytest.raises(Unsealable):
        encryption.open(ONE, sealed[:-1])


def test_a_code_is_known_again_however_it_is_typed_and_for_its_channel_only() -> None:
    codes = VerificationCodes(InstallationSecret(Secret("a" * 32)))
    code, digest = codes.make(ONE)
    assert codes.fits(ONE, code, digest)
    assert codes.fits(ONE, code.lower().replace("-", " "), digest)
    assert not codes.fits(TWO, code, digest)
    assert not codes.fits(ONE, "AAAAAAAA", digest)


def test_rests_double_and_what_the_other_side_asks_for_beats_them() -> None:
    assert [rest(n, None) for n in range(4)] == [60, 60, 120, 240]
    assert rest(30, None) == rest(1, 1e9) == MAX_COOLDOWN_S
    assert rest(9, 2.5) == 2.5


@pytest.mark.parametrize("scheme", ["https", "mailto", "discord", "json", "no scheme", "1a"])
def test_schemes_that_ask_anybody_anything_cannot_be_allowed(scheme: str) -> None:
    with pytest.raises(SettingsError):
        load([NotifySettings], {"TRACKERS_NOTIFY_APPRISE_SCHEMES": f"tgram,{scheme}"})


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ("1.5", 1.5),
        ("0", 0.0),
        ("1e300", 30 * 86_400.0),
        ("9" * 400, 7.0),
        ("1e400", 7.0),
        ("-1", 7.0),
        ('"nan"', 7.0),
        ('"5"', 7.0),
        ("null", 7.0),
        ("[]", 7.0),
    ],
)
def test_a_wait_beyond_sense_in_discords_answer_is_bounded_or_the_headers(told: str, wait: float) -> None:
    answer = TransportResponse(status=429, retry_after="7", body=f'{{"retry_after": {told}}}'.encode())
    assert _wait(answer, now=NOW) == wait
