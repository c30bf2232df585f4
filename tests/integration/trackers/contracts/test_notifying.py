"""When a message leaves: only of what can still be bought, to whom still waits for it, and with their own note."""

from typing import Any

import pytest
from dependency_injector import providers
from tests.conftest import Bench
from tests.integration.people import People, Person
from tests.integration.trackers.contracts.market import FORGE, SHIP, Market
from tests.integration.trackers.contracts.test_watches import WATCHES, watch

from shared.events import Event
from users.notifications.outbound_messages import OutboundMessage
from users.notifications.schemas import ChannelKind


class Postbox:
    """Any channel's other end."""

    def __init__(self) -> None:
        self.outbound_messages: list[OutboundMessage] = []

    async def send(self, _target: Any, outbound: OutboundMessage) -> None:
        self.outbound_messages.append(outbound)

    async def challenge(self, _target: Any, _code: str) -> bool:
        return True

    @property
    def told(self) -> list[int]:
        return [news.event.payload["contract_id"] for outbound in self.outbound_messages for news in outbound.news]


@pytest.fixture
def postbox(market: Market) -> Postbox:
    made = Postbox()
    market.container.notifications.transports.override(providers.Object(dict.fromkeys(ChannelKind, made)))
    return made


@pytest.fixture
async def ada(market: Market, api: Bench, people: People) -> Person:
    market.esi.configure(sizes={str(FORGE): 0})
    await market.follow()
    return await people.register()


async def look(market: Market, ada: Person) -> None:
    """Look; only afterwards she has a channel, so that the worker that looks, and relays, sends nothing itself."""
    await market.look()
    channel = {"kind": "webhook", "url": "https://ada.example/", "name": "x"}
    answer = await ada.ask("POST", "/api/users/me/channels", channel)
    assert answer.status_code == 201, answer.text
    await market.container.notifications.challenger().challenge(answer.json()["channel"]["id"])


async def relay(market: Market) -> None:
    events = [
        Event(**row)
        for row in await market.rows(
            "SELECT id, event, aggregate, payload, user_id, occurred_at FROM outbox_events"
            " WHERE event = 'contract.found' ORDER BY id"
        )
    ]
    assert events
    async with market.container.database().unit_of_work():
        await market.container.contracts.notify_watchers().handle(events)


async def send(market: Market) -> None:
    await market.container.notifications.sender().send_due()


async def test_the_persons_note_and_limit_are_in_the_message_and_in_no_event(
    market: Market, ada: Person, postbox: Postbox
) -> None:
    made = await watch(ada, type_id=SHIP, max_price=2e6, note="for Ben")
    await watch(ada, group_id=9026)
    market.esi.add_contract(items=[{"type_id": SHIP}], price=1e6)
    market.esi.add_contract(items=[{"type_id": SHIP + 1}], price=7e6)
    await look(market, ada)
    await relay(market)
    await ada.ask("PATCH", f"{WATCHES}/{made['id']}", {"note": "for Eve"})
    await send(market)
    ships, others = sorted(
        (outbound.text for outbound in postbox.outbound_messages), key=lambda text: "Ship 000" not in text
    )
    assert ships.splitlines()[-2:] == ["Your limit: 2,000,000 ISK", "Your note: for Eve"]
    assert "Your" not in others
    kept = await market.rows("SELECT payload FROM outbox_events UNION ALL SELECT payload FROM notified_events")
    found = [row["payload"] for row in kept if "contract_id" in row["payload"]]
    assert len(found) == 4
    assert not {"note", "max_price"} & {name for payload in found for name in payload}


@pytest.mark.parametrize("relayed", [False, True], ids=["before it is relayed", "before it is sent"])
@pytest.mark.parametrize("why", ["gone", "ran out", "removed", "switched off", "too dear", "dropped"])
async def test_what_is_over_or_not_waited_for_any_more_is_not_told(
    market: Market, ada: Person, postbox: Postbox, why: str, relayed: bool
) -> None:
    kept = await watch(ada, group_id=9026)
    made = await watch(ada, type_id=SHIP, max_price=5e6)
    contract = market.esi.add_contract(items=[{"type_id": SHIP}], price=3e6)
    other = market.esi.add_contract(items=[{"type_id": SHIP + 1}], price=3e6)
    await look(market, ada)
    if relayed:
        await relay(market)
    change: dict[str, tuple[str, str, dict[str, Any] | None]] = {
        "removed": ("DELETE", made["id"], None),
        "switched off": ("PATCH", made["id"], {"active": False}),
        "too dear": ("PATCH", made["id"], {"max_price": 2e6}),
    }
    statements = {
        "gone": "UPDATE contracts SET status = 'gone' WHERE contract_id = :id",
        "ran out": "UPDATE contracts SET date_expired = '2000-01-01' WHERE contract_id = :id",
        "dropped": "UPDATE contracts SET region_id = 10000043 WHERE contract_id = :id",
    }
    if why in change:
        method, watch_id, body = change[why]
        assert (await ada.ask(method, f"{WATCHES}/{watch_id}", body)).status_code in {200, 204}
    else:
        await market.rows(statements[why], id=contract)
    if not relayed:
        await relay(market)
    await send(market)
    assert postbox.told == [other], f"{kept['id']} still waits"
