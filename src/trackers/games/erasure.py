"""What is deleted of a game account that is blocked."""

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote

from shared.scraping.blocking import Erased
from shared.scraping.targets import Targets
from trackers.games.erasure_repository import ErasureRepository
from trackers.games.links import SOURCE
from trackers.games.services.ratings import RatingService
from users.accounts.service import AccountService


class GamesEraser:
    """A SubjectEraser. A key is game:platform:identifier, as that of the account's target."""

    source: Final = SOURCE

    def __init__(
        self,
        *,
        read: Callable[[str], tuple[str, str]],
        stored: ErasureRepository,
        accounts: AccountService,
        ratings: RatingService,
        targets: Targets,
    ) -> None:
        self._read = read
        self._stored = stored
        self._accounts = accounts
        self._ratings = ratings
        self._targets = targets

    def read(self, typed: str) -> str:
        """A profile link, or a key."""
        return self._read(typed)[0]

    def covered(self, key: str) -> Sequence[str]:
        return (key,)

    async def erase(self, keys: Sequence[str]) -> Erased:
        """The accounts with everything that was fetched or entered, and everybody's trackers of them."""
        owners = await self._stored.owners(keys)
        await self._accounts.hold_all(owners)
        await self._targets.hold(await self._stored.targets(keys))
        accounts = await self._stored.lock_accounts(keys)
        trackers = await self._stored.erase([account.id for account in accounts])
        await self._ratings.restate_people(sorted(owners))
        await self._targets.erase([account.target_id for account in accounts])
        names = {name for account in accounts for name in (account.identifier, account.display, account.handle) if name}
        return Erased(
            aggregates=[
                *(f"game_account:{account.id}" for account in accounts),
                *(f"tracker:{tracker}" for tracker in trackers),
            ],
            subjects={"game_account": [account.id for account in accounts], "tracker": trackers},
            names=sorted(names),
            spellings=[*keys, *(spelling for name in sorted(names) for spelling in _spellings(name))],
        )


def _spellings(name: str) -> list[str]:
    """As requests name an account: in a field, or in a link."""
    return [f'"{name}"', f"/{name}/", f"/{quote(name, safe='')}/", f'/{quote(name, safe="")}"', f'/{name}"']
