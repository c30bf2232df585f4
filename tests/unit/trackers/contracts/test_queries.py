"""The statements of lists: one for each set of filters, and no more of them kept than are worth it."""

from itertools import combinations

from trackers.contracts.queries import MAX_STATEMENTS, list_statements
from trackers.contracts.schemas import ContractSort, ContractStatus

NAMES = ("type", "min_price", "max_price", "title", "min_runs", "min_me", "min_te", "issuer_id", "location_id")


def test_a_set_of_filters_is_put_together_once() -> None:
    wanted = frozenset({"type", "title"})
    first = list_statements(wanted, ContractStatus.LIVE, ContractSort.PRICE)
    assert list_statements(wanted, ContractStatus.LIVE, ContractSort.PRICE) is first


def test_whoever_asks_for_every_set_of_filters_does_not_fill_the_memory() -> None:
    for size in range(len(NAMES) + 1):
        for wanted in combinations(NAMES, size):
            for sort in (ContractSort.PRICE, ContractSort.PRICE_DOWN):
                list_statements(frozenset(wanted), ContractStatus.LIVE, sort)
    assert list_statements.cache_info().currsize <= MAX_STATEMENTS < 2 ** len(NAMES) * 2
