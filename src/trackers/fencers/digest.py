"""Registrations in a digest: by followed club, the others under "Tracked fencers"; each registration once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import TransactionQueries
from trackers.fencers.links import SubjectKind, event_url, page_url
from trackers.fencers.messages import CHANGED, shown_day
from trackers.fencers.recording import ChangeKind
from trackers.fencers.weapons import lets_through
from users.notifications.digest import (
    DigestEntry,
    DigestGroup,
    DigestSection,
    DigestWindow,
    Label,
    spans,
)

FENCERS: Final = "Tracked fencers"
ALSO_TRACKED: Final = "also a tracked fencer"
UNNAMED: Final = "A fencer"
_THROUGH: Final = "(o.weapons = '{}' OR e.weapon IS NULL OR e.weapon = ANY(o.weapons))"
# Changes within the window. For fencers and clubs that a person began to follow within it, all upcoming registrations,
# so that the first digest is complete, even if other people followed them before. The same for registrations that a
# club's page listed later than another page, and for registrations whose fencer was identified later: they are new for
# followers of that club or fencer who do not know them through another page.
# The query starts with the rows of the windows, through indexes on time, and continues by keys: older rows are not
# read, however many there are. OFFSET 0 keeps the planner from reading whole tables where it expects many rows.
NEWS: Final = text(f"""
WITH windows AS (
    SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
        AS w (user_id, since, until)
), touched AS MATERIALIZED (
    SELECT registration_id FROM fencing_changes
    WHERE at > (SELECT min(since) FROM windows) AND at <= (SELECT max(until) FROM windows)
    UNION
    SELECT registration_id FROM fencing_listings
    WHERE listed_at > (SELECT min(since) FROM windows) AND listed_at <= (SELECT max(until) FROM windows)
    UNION
    SELECT id FROM fencing_registrations
    WHERE identified_at > (SELECT min(since) FROM windows) AND identified_at <= (SELECT max(until) FROM windows)
), fencers_followed AS (
    SELECT w.*, k.id AS tracked_id, k.fencer_id, k.weapons, k.followed_since, coalesce(k.name, p.name) AS name,
           p.upstream_id, p.slug
    FROM windows w
    JOIN tracked_fencers k ON k.user_id = w.user_id AND k.active
    JOIN fencers p ON p.id = k.fencer_id
), clubs_followed AS (
    SELECT w.*, k.id AS tracked_id, p.target_id, k.weapons, k.followed_since, coalesce(k.name, p.name) AS name,
           p.upstream_id, p.slug
    FROM windows w
    JOIN tracked_clubs k ON k.user_id = w.user_id AND k.active
    JOIN fencing_clubs p ON p.id = k.club_id
), followed AS (
    SELECT f.user_id, f.since, f.until, f.tracked_id, 'fencer' AS kind, f.weapons, f.followed_since, f.name,
           f.upstream_id, f.slug, r.id AS registration_id, r.identified_at AS news_since,
           CAST(NULL AS timestamptz) AS gone_at
    FROM touched n
    CROSS JOIN LATERAL (
        SELECT id, fencer_id, identified_at FROM fencing_registrations WHERE id = n.registration_id OFFSET 0
    ) r
    JOIN fencers_followed f ON f.fencer_id = r.fencer_id
    UNION
    SELECT f.user_id, f.since, f.until, f.tracked_id, 'fencer', f.weapons, f.followed_since, f.name,
           f.upstream_id, f.slug, r.id, r.identified_at, NULL
    FROM fencers_followed f
    JOIN fencing_registrations r ON r.fencer_id = f.fencer_id
    WHERE f.followed_since > f.since AND f.followed_since <= f.until
    UNION
    SELECT f.user_id, f.since, f.until, f.tracked_id, 'club', f.weapons, f.followed_since, f.name,
           f.upstream_id, f.slug, l.registration_id, l.listed_at, l.gone_at
    FROM touched n
    CROSS JOIN LATERAL (SELECT * FROM fencing_listings WHERE registration_id = n.registration_id OFFSET 0) l
    JOIN clubs_followed f ON f.target_id = l.target_id
    UNION
    SELECT f.user_id, f.since, f.until, f.tracked_id, 'club', f.weapons, f.followed_since, f.name,
           f.upstream_id, f.slug, l.registration_id, l.listed_at, l.gone_at
    FROM clubs_followed f
    JOIN fencing_listings l ON l.target_id = f.target_id AND l.gone_at IS NULL
    WHERE f.followed_since > f.since AND f.followed_since <= f.until
), news AS (
    SELECT f.*, c.kinds, c.day_before
    FROM followed f
    JOIN LATERAL (
        SELECT array_agg(c.kind ORDER BY c.at, c.id) AS kinds,
               (array_agg(c.day_before ORDER BY c.at, c.id) FILTER (WHERE c.kind = 'moved'))[1] AS day_before
        FROM fencing_changes c
        WHERE c.registration_id = f.registration_id AND c.at > f.since AND c.at <= f.until
          AND (f.gone_at IS NULL OR c.at <= f.gone_at OR c.kind = 'withdrawn')
    ) c ON c.kinds IS NOT NULL
    UNION ALL
    SELECT f.*, ARRAY['registered'], NULL
    FROM followed f
    CROSS JOIN LATERAL (SELECT * FROM fencing_registrations WHERE id = f.registration_id OFFSET 0) r
    CROSS JOIN LATERAL (SELECT * FROM fencing_events WHERE id = r.event_id OFFSET 0) e
    WHERE r.first_seen_at <= f.until
      AND (f.gone_at IS NULL OR f.gone_at > f.until)
      AND (f.followed_since > f.since AND f.followed_since <= f.until
           OR f.followed_since <= f.since AND f.news_since > f.since AND f.news_since <= f.until
              AND NOT EXISTS (
                  SELECT FROM tracked_fencers o
                  WHERE o.user_id = f.user_id AND o.fencer_id = r.fencer_id AND o.active AND o.followed_since <= f.since
                    AND (r.identified_at IS NULL OR r.identified_at <= f.since)
                    AND {_THROUGH}
              )
              AND NOT EXISTS (
                  SELECT FROM tracked_clubs o JOIN fencing_clubs b ON b.id = o.club_id
                  JOIN fencing_listings l ON l.target_id = b.target_id AND l.registration_id = r.id
                  WHERE o.user_id = f.user_id AND o.active AND o.followed_since <= f.since AND l.listed_at <= f.since
                    AND {_THROUGH}
              ))
      AND (r.withdrawn_at IS NULL OR r.withdrawn_at > f.until)
      AND (e.held_on IS NULL OR e.held_on >= CAST(f.until AS date))
      AND NOT EXISTS (
          SELECT FROM fencing_changes c
          WHERE c.registration_id = f.registration_id AND c.at > f.since AND c.at <= f.until
      )
)
SELECT n.user_id, n.tracked_id, n.kind, n.weapons, n.name AS followed, n.upstream_id AS followed_id,
       n.slug AS followed_slug, n.registration_id, n.kinds, n.day_before, f.name AS fencer, t.name AS tournament,
       e.name AS event, e.upstream_id AS event_id, e.weapon, e.held_on AS day
FROM news n
CROSS JOIN LATERAL (SELECT * FROM fencing_registrations WHERE id = n.registration_id OFFSET 0) r
CROSS JOIN LATERAL (SELECT * FROM fencing_events WHERE id = r.event_id OFFSET 0) e
CROSS JOIN LATERAL (SELECT name FROM fencing_tournaments WHERE id = e.tournament_id OFFSET 0) t
CROSS JOIN LATERAL (SELECT name FROM fencers WHERE id = r.fencer_id OFFSET 0) f
ORDER BY n.user_id, n.registration_id, n.kind, n.tracked_id
""")  # noqa: S608 -- constants of this module


class _Net(IntEnum):
    """Net effect of the changes in a window."""

    NOTHING = 0
    NEW = 1
    GONE = 2
    BACK = 3
    MOVED = 4
    CAME_AND_WENT = 5


class _Row(Struct, frozen=True, kw_only=True):
    """A changed registration, through a fencer or club that a person follows."""

    user_id: UUID
    tracked_id: UUID
    kind: SubjectKind
    weapons: list[str]
    followed: str | None
    followed_id: int
    followed_slug: str
    registration_id: UUID
    kinds: list[ChangeKind]
    day_before: date | None
    fencer: str | None
    tournament: str
    event: str
    event_id: int | None
    weapon: str | None
    day: date | None


class FencersDigest:
    """Writes the registrations of a digest (a `DigestWriter`)."""

    name: Final = "fencers"

    def __init__(self, questions: TransactionQueries) -> None:
        self._questions = questions

    async def sections(self, windows: Sequence[DigestWindow]) -> Mapping[UUID, Sequence[DigestSection]]:
        """Return the sections of each user: one per club, then one for fencers.

        A registration is listed if the weapon filter of any followed fencer or club that matches it lets it through. It
        is listed once: under the first such club by name, with a note if the person follows the fencer as well.
        """
        wants = {window.user_id: window.wants for window in windows}
        by_user: dict[UUID, dict[UUID, list[_Row]]] = {}
        for record in await self._questions.rows(NEWS, spans(windows)):
            row = _row(record)
            if lets_through(row.weapons, row.weapon) and wants[row.user_id](row.tracked_id, CHANGED):
                by_user.setdefault(row.user_id, {}).setdefault(row.registration_id, []).append(row)
        return {
            user_id: sections
            for user_id, registrations in by_user.items()
            if (sections := _sections(registrations.values()))
        }


def _row(record: Mapping[str, Any]) -> _Row:
    kinds = [ChangeKind(kind) for kind in record["kinds"]]
    return _Row(**{**record, "kind": SubjectKind(record["kind"]), "kinds": kinds})


def _sections(registrations: Iterable[Sequence[_Row]]) -> list[DigestSection]:
    clubs: dict[tuple[str, int], list[tuple[_Row, DigestEntry]]] = {}
    fencers: list[tuple[_Row, DigestEntry]] = []
    slugs: dict[int, str] = {}
    for rows in registrations:
        covering = sorted((row for row in rows if row.kind is SubjectKind.CLUB), key=_club)
        tracked = any(row.kind is SubjectKind.FENCER for row in rows)
        entry = _entry(rows, note=ALSO_TRACKED if covering and tracked else "")
        if entry is None:
            continue
        if covering:
            clubs.setdefault(_club(covering[0]), []).append((covering[0], entry))
            slugs[covering[0].followed_id] = covering[0].followed_slug
        else:
            fencers.append((rows[0], entry))
    sections = [
        DigestSection(title=name, url=page_url(SubjectKind.CLUB, number, slugs[number]), groups=_groups(entries))
        for (name, number), entries in sorted(clubs.items())
    ]
    return [*sections, DigestSection(title=FENCERS, groups=_groups(fencers))] if fencers else sections


def _club(row: _Row) -> tuple[str, int]:
    return row.followed or f"Club {row.followed_id}", row.followed_id


def _groups(entries: Sequence[tuple[_Row, DigestEntry]]) -> tuple[DigestGroup, ...]:
    """Group entries by tournament, the next tournament first; within it by fencer and day."""
    by_tournament: dict[str, list[tuple[_Row, DigestEntry]]] = {}
    for row, entry in sorted(entries, key=lambda pair: (pair[1].title, pair[0].day or date.max, pair[0].event)):
        by_tournament.setdefault(row.tournament, []).append((row, entry))
    ordered = sorted(by_tournament.items(), key=lambda item: (min(r.day or date.max for r, _ in item[1]), item[0]))
    return tuple(DigestGroup(title=name, entries=tuple(entry for _, entry in rows)) for name, rows in ordered)


def _entry(rows: Sequence[_Row], *, note: str) -> DigestEntry | None:
    """Return the entry of a registration; None if its changes in the window cancel out."""
    row, net = rows[0], _net(rows[0].kinds)
    if net is _Net.MOVED and row.day_before == row.day:
        return None
    what = f"{row.event}, {shown_day(row.day)}"
    label, detail = {
        _Net.NEW: (Label.NEW, what),
        _Net.BACK: (Label.NEW, f"{what} (registered again)"),
        _Net.GONE: (Label.GONE, what),
        _Net.CAME_AND_WENT: (Label.GONE, f"{what} (registered and withdrawn since the last digest)"),
        _Net.MOVED: (Label.MOVED, f"{row.event}, {shown_day(row.day_before)} -> {shown_day(row.day)}"),
        _Net.NOTHING: (Label.NEWS, ""),
    }[net]
    if net is _Net.NOTHING:
        return None
    return DigestEntry(title=row.fencer or UNNAMED, detail=detail, label=label, note=note, url=event_url(row.event_id))


def _net(kinds: Sequence[ChangeKind]) -> _Net:
    """Return the net effect of a sequence of changes.

    A new date counts only if registrations and withdrawals cancel out.
    """
    turns = [kind for kind in kinds if kind is not ChangeKind.MOVED]
    if not turns:
        return _Net.MOVED
    first, last = turns[0], turns[-1]
    if last is ChangeKind.WITHDRAWN:
        return _Net.GONE if first is ChangeKind.WITHDRAWN else _Net.CAME_AND_WENT
    if first is ChangeKind.REGISTERED:
        return _Net.NEW
    if first is ChangeKind.RETURNED:
        return _Net.BACK
    return _Net.MOVED if ChangeKind.MOVED in kinds else _Net.NOTHING
