"""The SQL that erases the contracts of blocked issuers."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from shared.database import Repository

# Rows are locked in the order that every other statement uses, so that none deadlocks.
_ERASE: Final = text("""
DELETE FROM contracts WHERE contract_id IN (
    SELECT contract_id FROM contracts WHERE issuer_id = ANY(CAST(:issuers AS bigint[])) ORDER BY contract_id FOR UPDATE
)
RETURNING contract_id
""")
_ERASE_REJECTED: Final = text("""
DELETE FROM contract_rejects
WHERE issuer_id = ANY(CAST(:issuers AS bigint[])) OR contract_id = ANY(CAST(:contracts AS bigint[]))
""")


class ContractsErasureRepository(Repository):
    """Deletes the contracts of issuers."""

    async def erase(self, issuers: Sequence[int]) -> list[int]:
        """Delete the contracts of issuers and their rejected rows; return the contract ids."""
        contracts = list((await self.session.execute(_ERASE, {"issuers": list(issuers)})).scalars())
        await self.session.execute(_ERASE_REJECTED, {"issuers": list(issuers), "contracts": contracts})
        return contracts
