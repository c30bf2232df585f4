"""What a bot tells of a person."""

from typing import Annotated

from msgspec import Meta, Struct

# The same in both flavours that read it: Python's `$` lets a last newline pass and its `\d` any script's digits;
# JSON Schema's knows no `\Z`.
ExternalId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{17,20}$(?!\n)",
        description="The person's Discord id (a snowflake).",
        examples=["281474976710656001"],
    ),
]


class UserData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bot knows of the person; kept up to date with every call."""

    username: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    global_name: Annotated[str, Meta(max_length=100)] | None = None
    avatar: Annotated[str, Meta(max_length=500)] | None = None
