"""The simulated Tracker Network: profiles of Rocket League, seasons, rating history.

Options (`configure`): `auto_players` makes up everybody who is asked for; `mode` says how ratings move:
explicit (by `play` and `tick` only), drift (a turn every `period` seconds), restless (every request shows another
rating), frozen (nothing moves, not even by `tick`); `etags` answers If-None-Match; `season`; `private_status`.

By name, with `auto_players`: `missing-...` does not exist, `private-...` hides, `unplayed-...` never played,
`old-...` has a body of 2023; `auto-...` is made up even without the option.
"""

import hashlib
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import msgspec
from tests.upstreams import games_bodies
from tests.upstreams.games_players import CURRENT_SEASON, Peak, Player, PlaylistState, make_player, past_season
from tests.upstreams.site import Answer, Refused, Request, Site

_PROFILES: Final = "/api/v2/rocket-league/standard/profile/"
_HISTORY: Final = "/api/v1/rocket-league/player-history/mmr/"
_PLATFORMS: Final = frozenset({"steam", "epic", "psn", "xbl", "switch"})
_MODES: Final = frozenset({"explicit", "drift", "restless", "frozen"})
_RENDERED_KEPT: Final = 12_000
"""Players whose rendered segments are kept: about 400 MB."""

_Key = tuple[str, str]


class GamesSite(Site):
    name = "games"

    def forget(self) -> None:
        self._players: dict[_Key, Player] = {}
        self._by_path: dict[str, _Key] = {}
        self._by_id: dict[int, Player] = {}
        self._rendered: OrderedDict[_Key, dict[tuple[str, int], bytes]] = OrderedDict()
        self._ticks = 0
        self._started = self._opened = self.clock()
        self._options: dict[str, Any] = {
            "auto_players": False,
            "mode": "explicit",
            "period": 10.0,
            "etags": False,
            "season": CURRENT_SEASON,
            "private_status": 403,
        }

    def configure(self, **options: Any) -> None:
        if unknown := set(options) - set(self._options):
            raise Refused(f"no such option: {', '.join(sorted(unknown))}; there are {', '.join(self._options)}")
        if options.get("mode", "explicit") not in _MODES:
            raise Refused(f"no such mode: {options['mode']}; there are {', '.join(sorted(_MODES))}")
        self._ticks, self._started = self._turns(), self.clock()  # the turns so far stay, whatever comes now
        self._options |= options

    def actions(self) -> dict[str, Callable[..., Any]]:
        return {
            **super().actions(),
            "add_player": self.add_player,
            "remove_player": self.remove_player,
            "player": self.player,
            "play": self.play,
            "tick": self.tick,
            "start_season": self.start_season,
            "set_private": self.set_private,
        }

    # ---- what a test can do ----

    def add_player(
        self,
        platform: str,
        identifier: str,
        *,
        ratings: dict[str, int] | None = None,
        matches: dict[str, int] | None = None,
        private: bool = False,
        unplayed: bool = False,
        style: str = "2025",
        activity: float = 1.0,
    ) -> dict[str, Any]:
        """A player that exists from now on; ratings and matches by playlist id, made up where not given."""
        if platform not in _PLATFORMS:
            raise Refused(f"no such platform: {platform}")
        player = self._make(platform, identifier, private=private, unplayed=unplayed, style=style, activity=activity)
        player.turn = self._turns()  # somebody made up was always there, somebody registered starts now
        player.updated_at = self.clock()
        for playlist, rating in (ratings or {}).items():
            state = player.playlist_states.setdefault(int(playlist), PlaylistState(rating=rating))
            state.rating = rating
            if state.matches:
                state.peak = rating
                best = player.peaks.get(int(playlist))
                if best is None or best.rating < rating:
                    player.peaks[int(playlist)] = Peak(player.season, rating)
        for playlist, count in (matches or {}).items():
            state = player.playlist_states[int(playlist)]
            state.matches = count
            state.peak = state.rating if count else None
        return self.player(platform, identifier)

    def remove_player(self, platform: str, identifier: str) -> None:
        """As if the account had been renamed or deleted."""
        key = _key(platform, identifier)
        self._by_id.pop(self._known(platform, identifier).player_id, None)
        del self._players[key]
        self._rendered.pop(key, None)

    def player(self, platform: str, identifier: str) -> dict[str, Any]:
        """A player's present state."""
        player = self._known(platform, identifier)
        self._catch_up(player)
        playlist_states = {str(playlist): state for playlist, state in player.playlist_states.items()}
        return {
            "platform": player.platform,
            "identifier": player.identifier,
            "user_id": player.user_id,
            "player_id": player.player_id,
            "season": player.season,
            "private": player.private,
            "version": player.version,
            "playlist_states": msgspec.to_builtins(playlist_states),
        }

    def play(
        self,
        platform: str,
        identifier: str,
        playlist: int,
        *,
        rating: int = 9,
        won: bool | None = None,
        matches: int = 1,
    ) -> dict[str, Any]:
        """Play matches in one playlist; `rating` is the change of them together, won where it is not negative."""
        player = self._known(platform, identifier)
        self._catch_up(player)
        for number in range(matches):
            change = rating * (number + 1) // matches - rating * number // matches
            player.play(playlist, change, won=rating >= 0 if won is None else won, now=self.clock())
        return self.player(platform, identifier)

    def tick(self, turns: int = 1) -> int:
        """Everybody plays (see `activity`); the number of turns so far."""
        if self._options["mode"] != "frozen":
            self._ticks += turns
        return self._turns()

    def start_season(self, number: int) -> None:
        """A new season: what was current becomes past, nobody has played in it yet."""
        self._options["season"] = number

    def set_private(self, platform: str, identifier: str, *, private: bool = True) -> None:
        self._known(platform, identifier).private = private

    # ---- what the site answers ----

    def answer(self, request: Request) -> Answer:
        path = request.path
        if request.method not in {"GET", "HEAD"}:
            return _html_404(405)
        key = self._by_path.get(path)
        if key is not None and (known := self._players.get(key)) is not None:
            return self._profile(known, key, request)
        if path.startswith(_PROFILES):
            return self._found(path[len(_PROFILES) :].split("/"), request)
        if path.startswith(_HISTORY) and (number := path[len(_HISTORY) :]).isdecimal():
            return self._history(int(number))
        return _html_404(404)

    def changed(self, request: Request) -> Answer:
        body = {"data": {"profile": {"name": "somebody", "ranks": [{"queue": "doubles", "points": 812}]}}, "version": 3}
        return Answer(body=msgspec.json.encode(body))

    def missing(self, request: Request) -> Answer:
        name = unquote(request.path.removeprefix(_PROFILES).partition("/")[2])
        return Answer(404, games_bodies.error("NotFound", f"We could not find the player {name}."))

    def throttled(self, request: Request) -> Answer:
        return Answer(429, b'{"message": "API rate limit exceeded"}')

    def _found(self, parts: list[str], request: Request) -> Answer:
        platform, identifier = parts[0], unquote(parts[1]) if len(parts) > 1 else ""
        if platform not in _PLATFORMS or not identifier:
            return Answer(400, games_bodies.error("InvalidParameters", f"There is no platform {platform}."))
        key = _key(platform, identifier)
        player = self._players.get(key) or self._made_up(platform, identifier)
        if player is None:
            return self.missing(request)
        if len(parts) == 2:
            self._by_path[request.path] = key
            return self._profile(player, key, request)
        season = parse_qs(request.query).get("season", [""])[-1]
        if parts[2:] != ["segments", "playlist"]:
            return _html_404(404)
        return self._season(player, int(season) if season.isdecimal() else player.season)

    def _profile(self, player: Player, key: _Key, request: Request) -> Answer:
        if player.private:
            return self._hidden()
        self._catch_up(player)
        if self._options["mode"] == "restless":
            player.take_turn(self.clock())
        body = games_bodies.profile(player, self._segments(player, key))
        if not self._options["etags"]:
            return Answer(body=body)
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            return Answer(304, headers={"ETag": etag})
        return Answer(body=body, headers={"ETag": etag})

    def _season(self, player: Player, number: int) -> Answer:
        if player.private:
            return self._hidden()
        self._catch_up(player)
        playlist_states = player.playlist_states if number == player.season else {}
        if number < player.season:
            playlist_states = past_season(self.seed, player, number)
        return Answer(body=games_bodies.season(playlist_states, number, player.style))

    def _history(self, player_id: int) -> Answer:
        player = self._by_id.get(player_id)
        if player is None:
            return Answer(404, games_bodies.error("NotFound", f"We could not find the player {player_id}."))
        self._catch_up(player)
        return Answer(body=games_bodies.rating_history(player, self.seed, self.clock()))

    def _hidden(self) -> Answer:
        return Answer(self._options["private_status"], games_bodies.error("Private"))

    def _segments(self, player: Player, key: _Key) -> list[bytes]:
        """The player's segments, of which only those are rendered that changed."""
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = self._rendered[key] = {}
            if len(self._rendered) > _RENDERED_KEPT:
                self._rendered.popitem(last=False)
        elif player.changed:
            rendered.pop(("overview", 0), None)
            for playlist in player.changed:
                for kind in ("playlist", "peak-rating", "playlistAverage"):
                    rendered.pop((kind, playlist), None)
        if len(rendered) == 0 or player.changed:
            player.changed.clear()
            keys = games_bodies.segment_keys(player)
            self._rendered[key] = rendered = {
                part: rendered.get(part) or games_bodies.segment(player, *part) for part in keys
            }
        return list(rendered.values())

    # ---- players and time ----

    def _known(self, platform: str, identifier: str) -> Player:
        player = self._players.get(_key(platform, identifier)) or self._made_up(platform, identifier)
        if player is None:
            raise Refused(f"no such player: {platform} {identifier}")
        return player

    def _made_up(self, platform: str, identifier: str) -> Player | None:
        name = identifier.casefold()
        if name.startswith("missing-") or not (self._options["auto_players"] or name.startswith("auto-")):
            return None
        return self._make(
            platform,
            identifier,
            private=name.startswith("private-"),
            unplayed=name.startswith("unplayed-"),
            style="2023" if name.startswith("old-") else "2025",
        )

    def _make(self, platform: str, identifier: str, **how: Any) -> Player:
        player = make_player(self.seed, platform, identifier, season=self._options["season"], now=self._opened, **how)
        self._players[_key(platform, identifier)] = player
        self._by_id[player.player_id] = player
        return player

    def _catch_up(self, player: Player) -> None:
        """What happened since the player was looked at: seasons and turns."""
        if player.season < self._options["season"]:
            player.start_season(self._options["season"], self.clock())
        if self._options["mode"] == "frozen":
            return
        turns = self._turns()
        while player.turn < turns:
            player.turn += 1
            player.take_turn(self.clock())

    def _turns(self) -> int:
        if self._options["mode"] != "drift":
            return self._ticks
        return self._ticks + int((self.clock() - self._started).total_seconds() / self._options["period"])


def _key(platform: str, identifier: str) -> _Key:
    return platform, unicodedata.normalize("NFC", identifier).casefold()


def _html_404(status: int) -> Answer:
    return Answer(status, b"<html><head><title>Not here</title></head><body></body></html>", "text/html; charset=utf-8")
