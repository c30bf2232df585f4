"""Catalogue of the metrics: skills, bosses and other activities, in the order of the hiscores.

As of September 2026. The lists need not be complete: bodies are read by name, and new names are added as they appear.
The lists give the kind of a name, and the order of a body without names (CSV) until a body with names was seen.
"""

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

OVERALL: Final = "overall"
TOTAL_LEVEL: Final = "total_level"
"""Slug of the sum of levels, which the hiscores list beside the experience of Overall."""


class MetricKind(StrEnum):
    """Kind of a metric."""

    SKILL = "skill"
    BOSS = "boss"
    ACTIVITY = "activity"
    LEVEL = "level"
    """The total level only."""


class Metric(Struct, frozen=True, kw_only=True):
    """A counter of the hiscores: skills in experience, bosses in kills, activities in their own points."""

    slug: str
    name: str
    kind: MetricKind

    @property
    def grows_only(self) -> bool:
        """False for ratings, which can go down; in other metrics a decrease means that something is wrong."""
        return self.slug not in RATINGS


SKILLS: Final = (
    "Overall",
    "Attack",
    "Defence",
    "Strength",
    "Hitpoints",
    "Ranged",
    "Prayer",
    "Magic",
    "Cooking",
    "Woodcutting",
    "Fletching",
    "Fishing",
    "Firemaking",
    "Crafting",
    "Smithing",
    "Mining",
    "Herblore",
    "Agility",
    "Thieving",
    "Slayer",
    "Farming",
    "Runecraft",
    "Hunter",
    "Construction",
    "Sailing",
)
ACTIVITIES: Final = (
    "Grid Points",
    "League Points",
    "Deadman Points",
    "Bounty Hunter - Hunter",
    "Bounty Hunter - Rogue",
    "Bounty Hunter (Legacy) - Hunter",
    "Bounty Hunter (Legacy) - Rogue",
    "Clue Scrolls (all)",
    "Clue Scrolls (beginner)",
    "Clue Scrolls (easy)",
    "Clue Scrolls (medium)",
    "Clue Scrolls (hard)",
    "Clue Scrolls (elite)",
    "Clue Scrolls (master)",
    "LMS - Rank",
    "PvP Arena - Rank",
    "Soul Wars Zeal",
    "Rifts closed",
    "Colosseum Glory",
    "Collections Logged",
)
BOSSES: Final = (
    "Abyssal Sire",
    "Alchemical Hydra",
    "Amoxliatl",
    "Araxxor",
    "Artio",
    "Barrows Chests",
    "Brutus",
    "Bryophyta",
    "Callisto",
    "Calvar'ion",
    "Cerberus",
    "Chambers of Xeric",
    "Chambers of Xeric: Challenge Mode",
    "Chaos Elemental",
    "Chaos Fanatic",
    "Commander Zilyana",
    "Corporeal Beast",
    "Crazy Archaeologist",
    "Dagannoth Prime",
    "Dagannoth Rex",
    "Dagannoth Supreme",
    "Deranged Archaeologist",
    "Doom of Mokhaiotl",
    "Duke Sucellus",
    "General Graardor",
    "Giant Mole",
    "Grotesque Guardians",
    "Hespori",
    "Kalphite Queen",
    "King Black Dragon",
    "Kraken",
    "Kree'Arra",
    "K'ril Tsutsaroth",
    "Lunar Chests",
    "Mad Angel",
    "Maggot King",
    "Mimic",
    "Nex",
    "Nightmare",
    "Phosani's Nightmare",
    "Obor",
    "Phantom Muspah",
    "Sarachnis",
    "Scorpia",
    "Scurrius",
    "Shellbane Gryphon",
    "Skotizo",
    "Sol Heredit",
    "Spindel",
    "Tempoross",
    "The Gauntlet",
    "The Corrupted Gauntlet",
    "The Hueycoatl",
    "The Leviathan",
    "The Royal Titans",
    "The Whisperer",
    "Theatre of Blood",
    "Theatre of Blood: Hard Mode",
    "Thermonuclear Smoke Devil",
    "Tombs of Amascut",
    "Tombs of Amascut: Expert Mode",
    "TzKal-Zuk",
    "TzTok-Jad",
    "Vardorvis",
    "Venenatis",
    "Vet'ion",
    "Vorkath",
    "Wintertodt",
    "Yama",
    "Zalcano",
    "Zulrah",
)
_WORDS: Final = re.compile(r"[a-z0-9]+")
SAME: Final = {"runecrafting": "runecraft"}
"""Slugs of other names of the same metric."""


def slug_of(name: str) -> str:
    """Return the slug of a metric's name: `Chambers of Xeric: Challenge Mode` is `chambers_of_xeric_challenge_mode`.

    An apostrophe joins: `Kree'Arra` is `kreearra`. Empty if the name has neither letters nor digits.
    """
    slug = "_".join(_WORDS.findall(name.lower().replace("'", "").replace("\u2019", "")))
    return SAME.get(slug, slug)


SKILL_SLUGS: Final = frozenset(slug_of(name) for name in SKILLS)
ACTIVITY_SLUGS: Final = frozenset(slug_of(name) for name in ACTIVITIES)
RATINGS: Final = frozenset({slug_of("LMS - Rank"), slug_of("PvP Arena - Rank")})
COMBAT_SKILLS: Final = ("attack", "defence", "strength", "hitpoints", "ranged", "prayer", "magic")
TOTAL: Final = Metric(slug=TOTAL_LEVEL, name="Total level", kind=MetricKind.LEVEL)


def skill(name: str) -> Metric:
    """Return the metric of a name in the list of skills."""
    return Metric(slug=slug_of(name), name=name, kind=MetricKind.SKILL)


def activity(name: str) -> Metric:
    """Return the metric of a name in the other list. An unknown name counts as a boss, like nearly all new names."""
    slug = slug_of(name)
    return Metric(slug=slug, name=name, kind=MetricKind.ACTIVITY if slug in ACTIVITY_SLUGS else MetricKind.BOSS)


KNOWN: Final = {
    metric.slug: metric
    for metric in (TOTAL, *(skill(name) for name in SKILLS), *(activity(name) for name in (*ACTIVITIES, *BOSSES)))
}
"""Metrics by slug."""
