"""What the benchmarks fill a database with is what the product reads."""

from benchmarks.house import connect
from benchmarks.price_history import ASKER, TRIP, fill
from tests.conftest import Bench


async def test_the_history_that_is_measured_is_what_the_trip_has_cost(api: Bench) -> None:
    connection = await connect(api.environ["TRACKERS_DATABASE_URL"])
    await fill(connection, 20)
    await connection.close()

    prices = await api.container.flights.price_queries().get_prices(ASKER, TRIP, points=10)

    assert (prices.total, 9 <= len(prices.items) <= 10) == (20, True)
