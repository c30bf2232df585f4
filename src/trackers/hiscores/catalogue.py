"""What the hiscores count: skills, bosses and other activities, in the order in which they are listed.

As of September 2026. Nothing rests on the lists being complete: bodies are read by name, new names are taken in as they
come. They tell what kind a name is, and are what a body without names (CSV) is read by until one with names was seen.
"""

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

OVERALL: Final = "overall"
TOTAL_LEVEL: Final = "total_level"
"""The sum of levels, which the hiscores list beside the experience of Overall."""


class MetricKind(StrEnum):
    """What a number counts."""

    SKILL = "skill"
    BOSS = "boss"
    ACTIVITY = "activity"
    LEVEL = "level"
    """The total level only."""


class Metric(Struct, frozen=True, kw_only=True):
    """One thing that is counted; skills in experience, bosses in kills, activities in their own points."""

    slug: str
    name: str
    kind: MetricKind

    @property
    def grows_only(self) -> bool:
        """Whether a fall means that something is wrong; ratings rise and fall."""
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
"""Other names of the same thing."""


def slug_of(name: str) -> str:
    """What a metric is called in addresses: `Chambers of Xeric: Challenge Mode` is `chambers_of_xeric_challenge_mode`.

    An apostrophe joins: `Kree'Arra` is `kreearra`. Empty where a name has neither letters nor digits.
    """
    slug = "_".join(_WORDS.findall(name.lower().replace("'", "").replace("\u2019", "")))
    return SAME.get(slug, slug)


SKILL_SLUGS: Final = frozenset(slug_of(name) for name in SKILLS)
ACTIVITY_SLUGS: Final = frozenset(slug_of(name) for name in ACTIVITIES)
RATINGS: Final = frozenset({slug_of("LMS - Rank"), slug_of("PvP Arena - Rank")})
COMBAT_SKILLS: Final = ("attack", "defence", "strength", "hitpoints", "ranged", "prayer", "magic")
TOTAL: Final = Metric(slug=TOTAL_LEVEL, name="Total level", kind=MetricKind.LEVEL)


def skill(name: str) -> Metric:
    """The skill of a name in the list of skills."""
    return Metric(slug=slug_of(name), name=name, kind=MetricKind.SKILL)


def activity(name: str) -> Metric:
    """The boss or activity of a name in the other list; what we do not know is a boss, as nearly all that come are."""
    slug = slug_of(name)
    return Metric(slug=slug, name=name, kind=MetricKind.ACTIVITY if slug in ACTIVITY_SLUGS else MetricKind.BOSS)


KNOWN: Final = {
    metric.slug: metric
    for metric in (TOTAL, *(skill(name) for name in SKILLS), *(activity(name) for name in (*ACTIVITIES, *BOSSES)))
}
"""By slug."""
