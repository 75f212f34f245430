"""Fixtures: a door that runs, with two partners."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.door.house import House

HouseMaker = Callable[..., House]


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[HouseMaker]:
    """Makes a furnished house with the partners techem and ista; not yet started."""
    houses: list[House] = []

    def make(**settings: int | float | bool | list[str]) -> House:
        house = House(home=tmp_path / f"home{len(houses)}", settings=settings)
        house.furnish()
        house.write_account("techem")
        house.write_account("ista")
        houses.append(house)
        return house

    yield make
    for house in houses:
        house.clear_away()


@pytest.fixture
def house(make_house: HouseMaker) -> House:
    """A running door with the usual settings."""
    made = make_house()
    made.start()
    return made


@pytest.fixture(scope="module")
def standing_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running door for all tests of a module; they must not mind each other's files."""
    made = House(home=tmp_path_factory.mktemp("standing") / "home")
    made.furnish()
    made.write_account("techem")
    made.write_account("ista")
    made.start()
    yield made
    made.clear_away()
