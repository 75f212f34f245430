"""The tests' own look for rows without a parent, which PostgreSQL does not forbid."""

from pathlib import Path

import pytest

from meterdrop.settings import read_settings
from tests.homes import POSTGRESQL, Homes, change
from tests.orphans import orphans


@pytest.mark.only_on(POSTGRESQL)
def test_row_whose_parent_is_not_there_is_told(homes: Homes, tmp_path: Path) -> None:
    home = homes.make(tmp_path / "home")
    url = read_settings(home).database_url
    assert orphans(url) == []

    change(
        home,
        "INSERT INTO delivery_wait (delivery, since, tried_at) VALUES (99, '2026-11-24T00:00:00.000000Z', '2026-11-24T00:00:00.000000Z')",
    )

    assert orphans(url) == ["delivery_wait.delivery has no delivery.id"]
    change(home, "DELETE FROM delivery_wait")
