"""Erasure of personal data from the responses that are stored for repeated requests of bots."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from shared.database import Repository

KEPT_FOR: Final = timedelta(hours=24)
_FORGET: Final = text("""
WITH held AS MATERIALIZED (
    SELECT bot_key_id, key FROM idempotency_keys
    WHERE body IS NOT NULL
      AND EXISTS (
          SELECT FROM unnest(CAST(:texts AS text[])) AS t (part) WHERE position(convert_to(part, 'UTF8') IN body) > 0
      )
    ORDER BY bot_key_id, key FOR UPDATE
)
UPDATE idempotency_keys i SET body = NULL FROM held WHERE i.bot_key_id = held.bot_key_id AND i.key = held.key
""")


class StoredResponses(Repository):
    """Stored responses, in the open transaction."""

    async def forget(self, texts: Collection[str]) -> None:
        """Delete the bodies of responses that contain one of these texts; their keys and statuses stay."""
        await self.session.execute(_FORGET, {"texts": list(texts)})
