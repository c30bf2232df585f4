"""Parses pasted text to the account that it names, and builds the addresses of an account.

An account is (game, platform, identifier), never the URL: links of one account differ in host, sub-page, query and
percent-encoding. A pasted link is never fetched; addresses are built from the identity.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from shared.errors import Invalid
from trackers.games.adapters import ADAPTERS, GAMES_NOT_YET_SUPPORTED, GameAdapter
from trackers.games.errors import (
    AmbiguousLink,
    InvalidIdentifier,
    LinkProblem,
    LinkTooLong,
    MissingIdentifier,
    UnsupportedGame,
    UnsupportedLink,
    UnsupportedPlatform,
)

SOURCE: Final = "games"
"""The source whose targets are game accounts."""

PLAYER: Final = "player"
_PLAYER_NUMBER: Final = re.compile("[0-9]{1,18}")

MAX_LENGTH: Final = 2048
"""Characters of a field; the longest possible profile link has about 900."""
_SHOWN_LENGTH: Final = 120

_NETWORK_DOMAINS: Final = ("tracker.gg", "tracker.network")
_SUPPORTED_GAMES: Final = ", ".join(sorted(adapter.name for adapter in ADAPTERS.values()))
_JOINERS: Final = "\u200c\u200d"

# Raw spaces belong to a name only if a known sub-page follows: ".../epic/Some Name/overview".
_RAW_SPACES: Final = r"(?:(?:[^\S\r\n]+(?!\S*://)[^\s/?#<>\"]+){1,6}/(?:overview|mmr)\b[^\s<>\"]*)?"
# Two links without a space between them are two; a link inside the path or query of another belongs to it.
_PIECE: Final = re.compile(rf"(?:https?://)?(?:(?!(?<![/=?&:#%])https?://)[^\s<>\"])+{_RAW_SPACES}", re.IGNORECASE)
_LINK: Final = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://|//)?(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:[?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_HOST: Final = re.compile(r"(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)+)\.?(?::(?:80|443)?)?", re.IGNORECASE | re.ASCII)
_LOOKS_LIKE_HOST: Final = re.compile(r"[^/@\s]+\.[^/@\s.]{2,}")
_GAME_PATH: Final = re.compile(r"/+(?P<game>[^/]+)/+profile(?:/.*)?", re.IGNORECASE)


class AccountIdentity(Struct, frozen=True, kw_only=True):
    """One account of one game on one platform."""

    game: str
    platform: str
    identifier: str
    """Canonical form for comparison: decoded, trimmed, NFC, case-folded."""
    display: str
    """Form for requests to the site: decoded, trimmed, NFC, in the pasted case."""

    @property
    def key(self) -> str:
        """The account as a single text, equal for every spelling: `rocket-league:epic:some name`."""
        return f"{self.game}:{self.platform}:{self.identifier}"


def player_key(game: str, platform: str, number: int) -> str:
    """Return the key of a player by the site's own number, for every account name: `player:rocket-league:steam:77`."""
    return f"{PLAYER}:{game}:{platform}:{number}"


def read_player_key(text: str) -> str:
    """Return the key of a player as it is stored. Raises Invalid."""
    _, game, platform, number = (*text.split(":"), "", "", "")[:4]
    adapter = ADAPTERS.get(game)
    if adapter is None or platform not in adapter.platforms.values() or not _PLAYER_NUMBER.fullmatch(number):
        raise Invalid(
            "Enter `player:game:platform:number`, with the site's number for the player, such as "
            "player:rocket-league:steam:77."
        )
    return player_key(game, platform, int(number))


def account_of(row: object) -> AccountIdentity:
    """Return the account that a row, a mapping or a Struct contains among other fields."""
    return msgspec.convert(row, AccountIdentity, from_attributes=True)


def identity(*, game: str, platform: str, display: str) -> AccountIdentity:
    """Return the identity of an account from its parts, such as those of a stored key or a form.

    Raises:
        LinkProblem: the game or platform does not exist, or no account can have this name.
    """
    shown = _shorten(f"{game}:{platform}:{display}")
    adapter = ADAPTERS.get(game)
    if adapter is None:
        raise UnsupportedGame(
            f'The game "{_shorten(game)}" is not supported; supported: {_SUPPORTED_GAMES}.', url=shown
        )
    return _checked(adapter, platform, _trim(unicodedata.normalize("NFC", display)), shown)


def parse_link(text: str) -> AccountIdentity:
    """Return the only account that a pasted text names.

    Words around the link, more links to the same account, and links of a known site that name no account are fine.
    Two accounts are ambiguous, and so is an account next to another that cannot be followed.

    Raises:
        LinkProblem: one of its subclasses, with what to paste instead; if several links are wrong, that of the first.
    """
    if len(text) > MAX_LENGTH:
        raise LinkTooLong(
            f"This is {len(text)} characters long; paste only the link of the profile page.", url=_shorten(text)
        )
    accounts: dict[str, AccountIdentity] = {}
    problems: list[LinkProblem] = []
    for candidate in _links_in(text):
        try:
            account = _account_of(candidate)
        except LinkProblem as problem:
            problems.append(problem)
        else:
            accounts.setdefault(account.key, account)
    # A foreign link next to a good one is ignored like a word; a second account that cannot be followed is an error.
    serious = [problem for problem in problems if not isinstance(problem, UnsupportedLink)]
    if len(accounts) > 1:
        names = " and ".join(f"{account.display} ({account.platform})" for account in list(accounts.values())[:2])
        raise AmbiguousLink(f"The links name different accounts, {names}; paste one.", url=_shorten(text))
    if serious:
        raise serious[0]
    if accounts:
        return next(iter(accounts.values()))
    if problems:
        raise problems[0]
    raise UnsupportedLink(
        f"There is no link here; paste the link of a profile page, such as {_example()}.", url=_shorten(text)
    )


def address_of(account: AccountIdentity) -> str:
    """Return the address of an account's target: `game:platform:name`, in the pasted case."""
    return f"{account.game}:{account.platform}:{account.display}"


def site_profile_url(account: AccountIdentity) -> str:
    """Return the URL of the profile page that people see."""
    return _filled(ADAPTERS[account.game].site_profile_url, account)


def profile_path(account: AccountIdentity) -> str:
    """Return the path of the profile in the site's API, below its base URL; the identifier is percent-encoded once."""
    return _filled(ADAPTERS[account.game].profile_path, account)


def season_path(account: AccountIdentity, season: str) -> str:
    """Return the path and query of a season's playlists in the site's API."""
    return _filled(ADAPTERS[account.game].season_path, account, season=quote(season, safe=""))


def rating_history_path(game: str, upstream_player_id: int) -> str:
    """Return the path of a player's daily ratings in the site's API, by the site's own player number."""
    return ADAPTERS[game].rating_history_path.format(player_id=upstream_player_id)


def _filled(template: str, account: AccountIdentity, **more: str) -> str:
    # Requests use the pasted case. Folding is only for comparison: "ß" would become "ss", another account.
    return template.format(platform=account.platform, identifier=quote(account.display, safe=""), **more)


def _links_in(text: str) -> list[str]:
    """Return the parts of a text that are meant as links, without invisible characters and surrounding punctuation."""
    visible = "".join(
        character
        for character in text
        if character.isspace() or character in _JOINERS or unicodedata.category(character) not in {"Cc", "Cf"}
    )
    pieces = [match.group().strip(_JOINERS) for match in _PIECE.finditer(visible)]
    links = []
    for piece in pieces:
        link = piece.lstrip("([{*_`'")
        # A full stop after a link in a sentence ends the sentence; after a link alone in its field it may end a name.
        if len(pieces) > 1 or len(link) < len(piece):
            link = link.rstrip(".,;:!?'*`")
        for opening, closing in ("()", "[]", "{}"):
            while link.endswith(closing) and link.count(closing) > link.count(opening):
                link = link[:-1]
        if "://" in link or link.startswith("//") or _starts_with_host(link):
            links.append(link)
    return links


def _starts_with_host(text: str) -> bool:
    authority = re.split(r"[/?#\\]", text, maxsplit=1)[0].rpartition("@")[2]
    return _LOOKS_LIKE_HOST.fullmatch(authority) is not None


def _account_of(link: str) -> AccountIdentity:
    parts = _LINK.fullmatch(link)
    shown = _shorten(link)
    host = _host_of(parts)
    if parts is None or host is None:
        raise UnsupportedLink(
            f"This is not a link to a supported site; paste the link of a profile page, such as {_example()}.",
            url=shown,
        )
    adapter, match = _adapter_of(host, parts["path"], shown)
    if "://" in parts["path"]:
        raise AmbiguousLink("There are two links without a space between them; paste one.", url=shown)
    if match["platform"] is None:
        raise MissingIdentifier(
            f"The link ends before platform and account; paste the whole link, such as {adapter.example}.", url=shown
        )
    return _checked(adapter, match["platform"], _decoded(match["identifier"] or "", shown), shown)


def _checked(adapter: GameAdapter, slug: str, display: str, shown: str) -> AccountIdentity:
    """Return the identity if the game has the platform and an account of the platform can have this name."""
    platform = adapter.platforms.get(slug.lower())
    if platform is None:
        known = ", ".join(sorted(set(adapter.platforms.values())))
        raise UnsupportedPlatform(f'{adapter.name} has no platform "{_shorten(slug)}"; it has {known}.', url=shown)
    if not display:
        raise MissingIdentifier(
            f"The link ends before the account; paste the whole link, such as {adapter.example}.", url=shown
        )
    rule = adapter.identifier_rule(platform)
    canonical = _canonical(display)
    if not (rule.pattern.fullmatch(display) and rule.pattern.fullmatch(canonical) and _is_visible(display)):
        raise InvalidIdentifier(
            f'No {platform} account of {adapter.name} can be called "{_shorten(display)}": expected {rule.expected}.',
            url=shown,
        )
    return AccountIdentity(game=adapter.game, platform=platform, identifier=canonical, display=display)


def _host_of(parts: re.Match[str] | None) -> str | None:
    """Return the host in lower case without `www.`; None if this is not a plain http(s) link (user part, port, ...)."""
    if parts is None or (parts["scheme"] or "https").lower() not in {"http", "https"}:
        return None
    match = _HOST.fullmatch(parts["authority"])
    return match["host"].lower().removeprefix("www.") if match else None


def _adapter_of(host: str, path: str, shown: str) -> tuple[GameAdapter, re.Match[str]]:
    for adapter in ADAPTERS.values():
        for shape in adapter.link_shapes:
            if host in shape.hosts and (match := shape.path.fullmatch(path)):
                return adapter, match
    game = _GAME_PATH.fullmatch(path)
    if not any(host == domain or host.endswith(f".{domain}") for domain in _NETWORK_DOMAINS) or (
        game and game["game"].lower() in ADAPTERS
    ):
        raise UnsupportedLink(
            f'"{_shorten(host)}" is not a supported site; paste the link of a profile page, such as {_example()}.',
            url=shown,
        )
    slug = game["game"].lower() if game else host.partition(".")[0]
    if slug in GAMES_NOT_YET_SUPPORTED:
        raise UnsupportedGame(
            f"{GAMES_NOT_YET_SUPPORTED[slug]} is not supported yet; supported: {_SUPPORTED_GAMES}.", url=shown
        )
    if game:
        raise UnsupportedGame(
            f'The game "{_shorten(slug)}" is not supported; supported: {_SUPPORTED_GAMES}.', url=shown
        )
    raise UnsupportedLink(f"This page is not a profile; paste the link of one, such as {_example()}.", url=shown)


def _decoded(segment: str, shown: str) -> str:
    """Return a path segment percent-decoded exactly once, trimmed, NFC."""
    try:
        return _trim(unicodedata.normalize("NFC", unquote(segment, errors="strict")))
    except UnicodeDecodeError:
        raise InvalidIdentifier(
            "The account's name is cut off or wrongly encoded; open the profile and copy the link from the address "
            "bar.",
            url=shown,
        ) from None


def _trim(name: str) -> str:
    """Remove white space and invisible characters at both ends."""
    start, end = 0, len(name)
    while start < end and _is_edge(name[start]):
        start += 1
    while end > start and _is_edge(name[end - 1]):
        end -= 1
    return name[start:end]


def _is_edge(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}


def _is_visible(name: str) -> bool:
    return all(
        character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"
        for character in name
    )


def _canonical(display: str) -> str:
    return _trim(unicodedata.normalize("NFC", unicodedata.normalize("NFC", display).casefold()))


def _example() -> str:
    return next(iter(ADAPTERS.values())).example


def _shorten(text: str) -> str:
    """Return the pasted text for a message: one line, visible, encodable, at most `_SHOWN_LENGTH` characters."""
    shown = "".join(character if character.isprintable() else " " for character in text[: 4 * _SHOWN_LENGTH])
    shown = " ".join(shown.split())
    return shown if len(shown) <= _SHOWN_LENGTH else f"{shown[: _SHOWN_LENGTH - 1]}…"
