"""Secrets that stand in files, as containers hand them over; loads nothing, for what runs every few seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

IN_FILE: Final = "_FILE"
"""Behind a secret's variable: names the file that holds it."""


def given_secret(name: str, environ: Mapping[str, str]) -> str:
    """What a secret's variable says, or the file that is named instead; empty where neither is.

    Raises ValueError in plain words.
    """
    text, named = environ.get(name, "").strip(), environ.get(name + IN_FILE, "").strip()
    if not named:
        return text
    if text:
        raise ValueError(f"{name}: is given twice; give it or {name}{IN_FILE}, not both")
    try:
        held = Path(named).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{name}{IN_FILE}: cannot read {named}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{name}{IN_FILE}: {named} is no text") from None
    if not held:
        raise ValueError(f"{name}{IN_FILE}: {named} is empty")
    return held
