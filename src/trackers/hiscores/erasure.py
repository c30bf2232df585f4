"""Erasure of blocked players."""

from collections.abc import Sequence
from typing import Final

from shared.scraping.block_repository import BlockRepository
from shared.scraping.blocking import Erased
from shared.scraping.targets import Targets
from trackers.hiscores.modes import SOURCE, GameMode, key_of
from trackers.hiscores.names import canonical
from trackers.hiscores.repository import PlayerRepository


class HiscoresEraser:
    """A SubjectEraser. A key is a canonical name, and a blocked name is blocked in every table."""

    source: Final = SOURCE

    def __init__(self, *, players: PlayerRepository, blocks: BlockRepository, targets: Targets) -> None:
        self._players = players
        self._blocks = blocks
        self._targets = targets

    def read(self, entered: str) -> str:
        """Return the canonical name of a name in any spelling, with or without its mode."""
        mode, colon, name = entered.partition(":")
        return canonical(name if colon and mode in set(GameMode) else entered)

    def covered(self, key: str) -> Sequence[str]:
        return (key, *(key_of(mode, key) for mode in GameMode))

    async def erase(self, keys: Sequence[str]) -> Erased:
        """Delete players that have or had these names, including removed players, with everything that was recorded.

        The present names of these players are also blocked. Copies of messages under their other names are also
        deleted, unless another player has the name now.
        """
        await self._targets.lock([player.target_id for player in await self._players.ever_called(keys)])
        players = await self._players.ever_called(keys)
        await self._players.lock(*(player.id for player in players))
        former = await self._players.former_names([player.no for player in players])
        for player in players:
            await self._players.purge(player.no)
        past = [key_of(mode, name) for mode in GameMode for name in former]
        targets = sorted({player.target_id for player in players} | set(await self._blocks.targets(SOURCE, past)))
        unused = [target_id for target_id in targets if not await self._players.is_used(target_id)]
        await self._targets.erase(unused)
        blocked = {*keys, *(player.username for player in players)}
        names = blocked | set(former)
        shown = names | {player.display_name for player in players}
        return Erased(
            keys=sorted(blocked),
            aggregates=[f"player:{player.id}" for player in players],
            subjects={"player": [player.id for player in players], "target": unused},
            names=sorted(shown),
            values={"username": sorted(names)},
            spellings=[spelling for name in sorted(names) for spelling in _spellings(name)],
        )


def _spellings(username: str) -> list[str]:
    """Return the forms of a name in requests: in a field, or as a part of a path. A name may be a single letter."""
    written = {username.replace(" ", between) for between in (" ", "_", "-", "+", "%20")}
    return [shown for name in sorted(written) for shown in (f'"{name}"', f"/{name}/", f':{name}"')]
