"""`python -m tests.upstreams.freeze_flights`: writes the simulated flights' pages to tests/data/flights."""

from datetime import date, timedelta
from pathlib import Path
from typing import Final

from tests.upstreams import flights_bodies as bodies
from tests.upstreams.flights_bodies import Asked, Insight, Offer

DATA: Final = Path(__file__).parents[1] / "data" / "flights"
ONE_WAY: Final = Asked("VIE", "OSL", date(2027, 3, 14), None, 1, 1, "EUR")
ROUND: Final = Asked("VIE", "OSL", date(2027, 3, 14), date(2027, 3, 21), 3, 3, "INR")


def pages() -> dict[str, bytes]:
    """Every frozen page by its file's name."""
    offers = [
        Offer("QZ", "Quartz Air", "41", 18_742, leaves=(0, 31), minutes=155),
        Offer("WN", "Wren Airways", "7", 15_309, stops=1, leaves=(8, 0), minutes=340),
        Offer("LK", "Lark Lines", "1203", None, stops=2, leaves=(21, 5), minutes=700),
        Offer("TH", "Thistle", "88", 15_310, leaves=(23, 55), minutes=160),
    ]
    past = [(date(2026, 11, 1) + timedelta(days=number), 170 + number % 7) for number in range(60)]
    insight = Insight(level=1, current=154, usual=175, low=165, high=230, history=past)
    rupees = [Offer("QZ", "Quartz Air", "41", 14_250, decimals=0), Offer("TH", "Thistle", "88", 9_100, decimals=0)]
    return {
        "one_way_eur.html": bodies.page(ONE_WAY, offers[:1], offers[1:], insight, "EUR"),
        "round_trip_inr.html": bodies.page(ROUND, [], rupees, None, "INR"),
        "no_flights.html": bodies.page(ONE_WAY, [], [], None, "EUR"),
        "failed.html": bodies.failed_page(),
        "consent.html": bodies.CONSENT_PAGE,
        "unusual_traffic.html": bodies.BLOCK_PAGE,
    }


def main() -> None:
    DATA.mkdir(parents=True, exist_ok=True)
    for name, body in pages().items():
        (DATA / name).write_bytes(body)


if __name__ == "__main__":
    main()
