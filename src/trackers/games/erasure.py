"""Deletes the data of blocked game accounts."""

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote

from shared.errors import Unavailable
from shared.scraping.blocking import Erased
from shared.scraping.targets import Targets
from shared.spellings import in_json
from trackers.games.erasure_repository import GamesErasureRepository
from trackers.games.links import PLAYER, SOURCE, read_player_key
from trackers.games.services.ratings import RatingService
from users.accounts.service import AccountService


class GamesEraser:
    """A SubjectEraser. Its keys are those of targets (`game:platform:identifier`) and of players (`player_key`)."""

    source: Final = SOURCE

    def __init__(
        self,
        *,
        read: Callable[[str], tuple[str, str]],
        stored: GamesErasureRepository,
        accounts: AccountService,
        ratings: RatingService,
        targets: Targets,
    ) -> None:
        self._read = read
        self._stored = stored
        self._accounts = accounts
        self._ratings = ratings
        self._targets = targets

    def read(self, entered: str) -> str:
        """Return the key for an entered profile link or key."""
        return read_player_key(entered) if entered.startswith(f"{PLAYER}:") else self._read(entered)[0]

    def covered(self, key: str) -> Sequence[str]:
        return (key,)

    async def erase(self, keys: Sequence[str]) -> Erased:
        """Erase accounts with all that was fetched or entered about them, and all trackers of them.

        The site may have several names for one player: accounts with the same player number are erased together.
        Raises Unavailable if a fetch has just found another name.
        """
        known = await self._stored.accounts(keys)
        owners = await self._stored.owners([account.id for account in known])
        await self._accounts.lock_all(owners)
        await self._targets.lock([account.target_id for account in known])
        await self._stored.begin()
        accounts = await self._stored.accounts(keys)
        if not {account.id for account in accounts} <= {account.id for account in known}:
            raise Unavailable(
                "Another name for this player was discovered while this was running; try again.", retry_after=1
            )
        await self._stored.lock([account.id for account in accounts])
        trackers = await self._stored.erase([account.id for account in accounts])
        await self._ratings.recompute_people(sorted(owners))
        await self._targets.erase([account.target_id for account in accounts])
        names = {name for account in accounts for name in (account.identifier, account.display, account.handle) if name}
        return Erased(
            keys=sorted({key for account in accounts for key in account.keys}),
            aggregates=[
                *(f"game_account:{account.id}" for account in accounts),
                *(f"tracker:{tracker}" for tracker in trackers),
            ],
            subjects={
                "game_account": [account.id for account in accounts],
                "tracker": trackers,
                "target": [account.target_id for account in accounts],
            },
            names=sorted(names),
            spellings=[
                *{in_json(key) for account in accounts for key in account.keys},
                *map(in_json, keys),
                *(spelling for name in sorted(names) for spelling in _spellings(name)),
            ],
        )


def _spellings(name: str) -> list[str]:
    """Return the ways a request can spell an account's name: as a field's value, or in a link, maybe URL-encoded."""
    written = in_json(name)
    parts = sorted({name, written, quote(name, safe="")})
    return [f'"{written}"', *(f"/{part}{end}" for part in parts for end in '/"?#')]
