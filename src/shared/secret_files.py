"""Secrets from files, as containers provide them. Imports little, because `trackers health` runs every few seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

IN_FILE: Final = "_FILE"
"""Suffix of a variable that names the file with the secret."""


def given_secret(name: str, environ: Mapping[str, str]) -> str:
    """The secret from its variable, or from the file that the variable with `_FILE` names; empty if neither is set.

    Raises ValueError if both are set, or the file cannot be read, is not UTF-8 text, or is empty.
    """
    text, named = environ.get(name, "").strip(), environ.get(name + IN_FILE, "").strip()
    if not named:
        return text
    if text:
        raise ValueError(f"{name} is given twice; set {name} or {name}{IN_FILE}, not both")
    try:
        held = Path(named).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{name}{IN_FILE}: cannot read {named}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{name}{IN_FILE}: {named} is not UTF-8 text") from None
    if not held:
        raise ValueError(f"{name}{IN_FILE}: {named} is empty")
    return held
