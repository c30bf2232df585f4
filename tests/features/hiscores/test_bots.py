"""features/hiscores/bots.feature"""

import re
from pathlib import Path

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.hiscores.cast import Cast
from tests.features.hiscores.conftest import PLAYER

from trackers_client.models import NewPlayerFor

scenarios(str(Path(__file__).parents[3] / "features/hiscores/bots.feature"))


@given(parsers.re(rf"the bot has added {PLAYER} for (?P<person>\w+)"))
@when(parsers.re(rf"the bot adds {PLAYER} for (?P<person>\w+)"))
def bot_adds(cast: Cast, player: str, person: str) -> None:
    body = NewPlayerFor(username=cast.own(player), user_id=cast.people.id_of(person))
    assert cast.bot(lambda bot: bot.players.add_player(body)).status_code == httpx.codes.CREATED, cast.answer.text


@when(parsers.re(rf"the bot takes {PLAYER} off (?P<person>\w+)'s list"))
def bot_unfollows(cast: Cast, player: str, person: str) -> None:
    user_id = cast.people.id_of(person)
    cast.bot(lambda bot: bot.players.unfollow_player(cast.own(player), user_id=user_id))


@then(parsers.re(rf"the bot reads {PLAYER} as (?P<status>\w+)"))
def bot_reads(cast: Cast, player: str, status: str) -> None:
    assert cast.bot(lambda bot: bot.players.get_player(cast.own(player))).json()["status"] == status


@then(parsers.re(rf"(?P<person>\w+) no longer follows {PLAYER}"))
def follows_no_longer(cast: Cast, person: str, player: str) -> None:
    assert cast.answer.status_code == httpx.codes.OK, cast.answer.text
    assert cast.people.register(person, claim_code=cast.people.code_for(person)).status_code == httpx.codes.CREATED
    assert cast.people.read(person, "/api/players/following")["items"] == []


@when(parsers.re(rf"the bot asks for the card of {PLAYER}"))
def asks_for_card(cast: Cast, player: str) -> None:
    cast.bot(lambda bot: bot.players.get_player_card(cast.own(player)))


@then(parsers.re(rf"the card shows {PLAYER} with a combat level, a total level and a skill at 99"))
def shows_card(cast: Cast, player: str) -> None:
    card = cast.answer.json()
    assert card["player"]["display_name"] == cast.own(player)
    assert card["combat_level"] >= 3
    assert card["total_level"] > 99
    assert card["skills_at_99"] >= 1


@when(parsers.re(r'the bot asks for the stats of (?P<named>".+")'))
def asks_for_stats(cast: Cast, named: str) -> None:
    names = [cast.own(name) for name in re.findall(r'"([^"]+)"', named)]
    cast.bot(lambda bot: bot.players.get_many_player_stats(usernames=names))


@then(parsers.re(rf"the answer has (?P<count>\d+) player, and {PLAYER} is missing"))
def gets_players(cast: Cast, count: str, player: str) -> None:
    found = cast.answer.json()
    assert len(found["items"]) == int(count)
    assert found["missing"] == [cast.own(player)]


@when(parsers.re(rf"a bot without the scope asks for {PLAYER}"))
def without_scope(cast: Cast, player: str) -> None:
    made = cast.people.ask("the admin", "POST", "/api/admin/keys", {"name": "scopeless", "scopes": ["trackers"]})
    cast.people.keys.append(made.json()["prefix"])
    cast.bot(lambda bot: bot.players.get_player(cast.own(player)), key=made.json()["text"])
