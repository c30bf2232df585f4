"""The schema proof names what a role may do and never did."""

from tests.prove.asking import Asked
from tests.prove.schema import successes


def test_an_operation_without_a_success_is_named_with_what_it_answered() -> None:
    asked = Asked(
        successes={"read_it": 7, "list_them": 3, "foreign": 1},
        otherwise={"change_it": {"409 not_active": 2, "422 invalid": 1}},
    )
    measure = successes("member", asked, {"read_it", "list_them", "change_it", "remove_it"})
    assert measure.held is False
    assert measure.came_out.startswith("2 of 4, 10 successful requests in all")
    assert "never: change_it: 409 not_active 2 times, 422 invalid 1 times; remove_it: not answered" in measure.came_out


def test_operations_that_all_succeeded_hold() -> None:
    measure = successes("member", Asked(successes={"read_it": 7, "list_them": 3}), {"read_it", "list_them"})
    assert measure.held is True
    assert "half of the operations at least 3 each" in measure.came_out
