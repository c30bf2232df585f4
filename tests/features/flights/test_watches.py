"""features/flights/watches.feature"""

from pathlib import Path

from pytest_bdd import parsers, scenarios, then
from tests.features.flights.conftest import Travel

scenarios(str(Path(__file__).parents[3] / "features/flights/watches.feature"))


@then(
    parsers.parse(
        "the watch is active, of {provider:w}, in {currency:w}, {cabin:w}, every {minutes:d} minutes, "
        "with {hours:d} hours of cooldown"
    )
)
def has_defaults(travel: Travel, provider: str, currency: str, cabin: str, minutes: int, hours: int) -> None:
    expected = {
        "is_active": True,
        "provider": provider,
        "currency": currency,
        "cabin_class": cabin,
        "check_interval_minutes": minutes,
        "alert_cooldown_hours": hours,
    }
    assert expected.items() <= travel.watched().items()


@then("it was never checked and never alerted")
def never_checked(travel: Travel) -> None:
    assert (travel.answer.json()["last_checked_at"], travel.answer.json()["last_alerted_at"]) == (None, None)


@then(parsers.parse("the answer names {first:w} and {second:w}"))
def names_providers(travel: Travel, first: str, second: str) -> None:
    assert travel.answer.json()["known"] == [first, second]


@then(parsers.parse("of {who:w}'s watches {active:d} is active and {inactive:d} is not"))
def are_listed_apart(travel: Travel, who: str, active: int, inactive: int) -> None:
    totals = [travel.people.read(who, f"/api/watches?is_active={word}")["total"] for word in ("true", "false")]
    assert totals == [active, inactive]


@then(parsers.parse("the watch knows the price {price:d}"))
def knows_price(travel: Travel, price: int) -> None:
    watch = travel.watched()
    assert watch["price"] == price, watch
    assert watch["last_checked_at"] is not None


@then(parsers.parse("the watch is failed: {reason:w}"))
def is_failed(travel: Travel, reason: str) -> None:
    watch = travel.watched()
    assert (watch["status"], watch["reason"]) == ("failed", reason)
    assert watch["error"]


@then("the watch is completed and knows no price")
def knows_no_price(travel: Travel) -> None:
    watch = travel.watched()
    assert (watch["status"], watch["price"]) == ("completed", None)


@then("the site was asked once")
def asked_once(travel: Travel) -> None:
    assert travel.asked() == 1


@then("the site was asked twice")
def asked_twice(travel: Travel) -> None:
    assert travel.asked() == 2


@then("the site was not asked")
def not_asked(travel: Travel) -> None:
    assert travel.asked() == 0
