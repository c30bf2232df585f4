"""How texts are written where they are stored."""

import json


def in_json(text: str) -> str:
    """A text as it stands between the quotation marks of a JSON string, in requests, answers and jsonb alike."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
