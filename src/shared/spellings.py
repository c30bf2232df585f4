"""Spellings of texts in stored JSON."""

import json


def in_json(text: str) -> str:
    """A text as it is written between the quotation marks of a JSON string in requests, responses and jsonb."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
