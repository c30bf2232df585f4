"""Answers that are kept for bots that send a request again, as the erasure of a person sees them."""

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
          SELECT FROM unnest(CAST(:texts AS text[])) AS t (one) WHERE position(convert_to(one, 'UTF8') IN body) > 0
      )
    ORDER BY bot_key_id, key FOR UPDATE
)
UPDATE idempotency_keys i SET body = NULL FROM held WHERE i.bot_key_id = held.bot_key_id AND i.key = held.key
""")


class StoredResponses(Repository):
    """The answers, in the transaction that is open."""

    async def forget(self, texts: Collection[str]) -> None:
        """Keep no longer the bodies of answers in which one of these texts stands; that each was given stays known."""
        await self.session.execute(_FORGET, {"texts": list(texts)})
