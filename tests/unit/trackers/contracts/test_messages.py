"""What whoever waits for something reads."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from shared.events import Event
from trackers.contracts.messages import FOUND, ContractFound, FoundInWords, WatchTerms
from users.notifications.messages import RecipientLocale

FOUND_ONE = ContractFound(
    watch_id=UUID(int=1),
    contract_id=310_400_101,
    region_id=10000002,
    type="item_exchange",
    type_id=61_000,
    name="Skiff Merle",
    quantity=1,
    price=1_450_000.0,
    title="",
    date_expired=datetime(2026, 12, 9, 6, 43, tzinfo=UTC),
    other_items=False,
    wants_items=False,
)


def lines(**changes: object) -> tuple[str, ...]:
    found = msgspec.structs.replace(FOUND_ONE, **changes)
    event = Event(
        id=UUID(int=2),
        event=FOUND,
        aggregate="contract_watch:1",
        payload=msgspec.to_builtins(found),
        user_id=UUID(int=3),
        occurred_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    message = FoundInWords().write(event, UUID(int=1), RecipientLocale(locale="en", time_zone="UTC"))
    assert message is not None
    assert message.title == "Skiff Merle is on offer"
    return message.lines


def test_what_where_for_how_much_and_until_when() -> None:
    assert lines() == (
        "Skiff Merle: 1,450,000 ISK in The Forge",
        "Contract 310400101, until 09 Dec 06:43 UTC",
    )


def test_an_auction_is_told_as_one() -> None:
    assert lines(type="auction", quantity=3)[0] == "3 x Skiff Merle: bidding from 1,450,000 ISK in The Forge"


def test_what_else_is_to_be_known() -> None:
    told = lines(other_items=True, wants_items=True, title="bulk", region_id=10000016)
    assert told[0].endswith("in region 10000016")
    assert told[1:4] == (
        "The contract contains other items, too.",
        "The issuer also wants items in exchange.",
        "Title: bulk",
    )


def test_what_is_the_persons_own_is_said_below() -> None:
    assert WatchTerms(max_price=2e6, note="for Ben").lines == ("Your limit: 2,000,000 ISK", "Your note: for Ben")
    assert WatchTerms(max_price=None, note=None).lines == ()
