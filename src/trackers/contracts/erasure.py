"""Deletes the contracts of a blocked issuer."""

from collections.abc import Sequence
from typing import Final

from shared.errors import Invalid
from shared.scraping.blocking import Erased
from trackers.contracts.erasure_repository import ContractsErasureRepository
from trackers.contracts.parser import ISSUER, issuer_key
from trackers.contracts.settings import MAX_ID, SOURCE


class ContractsEraser:
    """The SubjectEraser of contracts. A key is `issuer:90000001`, a character of the game."""

    source: Final = SOURCE

    def __init__(self, *, stored: ContractsErasureRepository) -> None:
        self._stored = stored

    def read(self, entered: str) -> str:
        """Key of an issuer, from `issuer:` and the character's number. Raises Invalid."""
        digits = entered.removeprefix(ISSUER)
        if not entered.startswith(ISSUER) or not digits.isascii() or not digits.isdigit():
            raise Invalid("Enter `issuer:` followed by a character's number, such as issuer:90000001.")
        if not 0 < int(digits) <= MAX_ID:
            raise Invalid(f"No character has this number; the largest number is {MAX_ID}.")
        return issuer_key(int(digits))

    def covered(self, key: str) -> Sequence[str]:
        return (key,)

    async def erase(self, keys: Sequence[str]) -> Erased:
        """Delete all contracts of issuers, live and past, with items, bids, history and alerts; return their ids."""
        contracts = await self._stored.erase([int(key.removeprefix(ISSUER)) for key in keys])
        return Erased(values={"contract_id": contracts})
