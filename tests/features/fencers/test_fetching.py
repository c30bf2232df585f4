"""features/fencers/fetching.feature"""

from pathlib import Path

from pytest_bdd import scenarios

scenarios(str(Path(__file__).parents[3] / "features/fencers/fetching.feature"))
