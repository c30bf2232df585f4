"""Names as the game compares them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.hiscores.errors import InvalidUsername
from trackers.hiscores.names import beginning, canonical, shown, spells


@pytest.mark.parametrize(
    ("entered", "name"),
    [
        ("___hello_WORLD1  ", "hello world1"),
        ("Lynx Titan", "lynx titan"),
        ("lynx-titan", "lynx titan"),
        ("a  b", "a  b"),  # inner double spaces stay two
        ("a_-b", "a  b"),
        ("a\tb", "a b"),
        ("X", "x"),
        ("123456789012", "123456789012"),
    ],
)
def test_one_spelling_stands_for_all(entered: str, name: str) -> None:
    assert canonical(entered) == name
    assert canonical(name) == name


@pytest.mark.parametrize(
    "entered", ["aLongUsername", "hello$#%", "", "   ", "___", "\u00e4", "a\nb\x00", "a.b", "\u0661"]
)
def test_nobody_is_called_so(entered: str) -> None:
    with pytest.raises(InvalidUsername):
        canonical(entered)


@given(st.text(max_size=40))
def test_whatever_is_typed_becomes_a_name_or_is_refused(entered: str) -> None:
    try:
        name = canonical(entered)
    except InvalidUsername:
        return
    assert 1 <= len(name) <= 12
    assert canonical(name) == name == name.strip()
    assert canonical(name.upper().replace(" ", "_")) == name


def test_a_beginning_keeps_the_space_that_it_ends_with() -> None:
    assert (beginning("Lynx_"), beginning("_Lynx"), beginning("l")) == ("lynx ", "lynx", "l")
    with pytest.raises(InvalidUsername):
        beginning("$")


def test_a_display_name_is_one_of_the_player_s_own_spellings() -> None:
    assert shown("_Lynx-Titan ") == "Lynx Titan"
    assert spells("LYNX TITAN", "lynx titan")
    assert not spells("Somebody", "lynx titan")
    assert not spells("not a possible name", "lynx titan")
