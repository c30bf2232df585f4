"""`python -m tests.upstreams.freeze_games`: write the bodies of tests/data/games anew, at a fixed time and seed.

Parser tests read frozen bodies, so that a change of the simulator cannot quietly change what the parser is held to.
"""

from pathlib import Path

import httpx
from tests.upstreams.client import SimulatedSites

_FOLDER = Path(__file__).parents[1] / "data" / "games"
_PROFILE = "/api/v2/rocket-league/standard/profile"
_AT = "2025-12-08T18:04:11.250000+00:00"


def main() -> None:
    with SimulatedSites.started(seed=34, now=_AT) as sites:
        games = sites.games
        comet = games.add_player("epic", "Quiet Comet", ratings={11: 1043, 13: 988}, matches={11: 214, 30: 0})
        games.play("epic", "Quiet Comet", 11, rating=-19, won=False, matches=2)
        games.add_player("steam", "76561190000000017", style="2023", matches={27: 0})
        games.add_player("psn", "never_played_77", unplayed=True)
        games.add_player("xbl", "Shy Lantern", private=True)
        pages = {
            "profile_2025.json": f"{_PROFILE}/epic/Quiet%20Comet",
            "profile_2023.json": f"{_PROFILE}/steam/76561190000000017",
            "profile_unplayed.json": f"{_PROFILE}/psn/never_played_77",
            "season_30.json": f"{_PROFILE}/epic/Quiet%20Comet/segments/playlist?season=30",
            "season_never_played.json": f"{_PROFILE}/psn/never_played_77/segments/playlist?season=2",
            "rating_history.json": f"/api/v1/rocket-league/player-history/mmr/{comet['player_id']}",
            "error_not_found.json": f"{_PROFILE}/epic/nobody%20of%20that%20name",
            "error_private.json": f"{_PROFILE}/xbl/Shy%20Lantern",
            "page_404.html": "/a-route-of-yesterday",
        }
        with httpx.Client(base_url=games.url, trust_env=False) as http:
            for name, path in pages.items():
                (_FOLDER / name).write_bytes(http.get(path).content)
            faults = {
                "page_just_a_moment.html": {"kind": "blocked", "title": "Just a moment..."},
                "page_access_denied.html": {"kind": "blocked", "title": "Access denied | tracker used a firewall"},
                "page_rate_limited.html": {"kind": "blocked", "title": "You are being rate limited"},
                "error_rate_limit.json": {"kind": "throttled"},
                "profile_rebuilt_site.json": {"kind": "changed"},
            }
            for name, fault in faults.items():
                games.fault("*", fault.pop("kind"), count=1, **fault)
                (_FOLDER / name).write_bytes(http.get(f"{_PROFILE}/epic/Quiet%20Comet").content)
    (_FOLDER / "error_external.json").write_bytes(b'{"errors": [{"code": "CollectorResultStatus::ExternalError"}]}')


if __name__ == "__main__":
    main()
