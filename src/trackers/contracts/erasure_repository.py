"""All SQL behind the erasure of contracts whose issuer is blocked."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from shared.database import Repository

# In the order in which everybody locks contracts.
_ERASE: Final = text("""
DELETE FROM contracts WHERE contract_id IN (
    SELECT contract_id FROM contracts WHERE issuer_id = ANY(CAST(:issuers AS bigint[])) ORDER BY contract_id FOR UPDATE
)
""")
_ERASE_REJECTED: Final = text("""
DELETE FROM contract_rejects r USING unnest(CAST(:issuers AS bigint[])) AS i (number)
WHERE r.sent ~ ('"issuer_id": ?' || i.number || '[^0-9]')
""")


class ErasureRepository(Repository):
    """Deletes what an issuer published."""

    async def erase(self, issuers: Sequence[int]) -> None:
        """Their contracts, and what was sent of them and could not be stored."""
        await self.session.execute(_ERASE, {"issuers": list(issuers)})
        await self.session.execute(_ERASE_REJECTED, {"issuers": list(issuers)})
