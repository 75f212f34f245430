"""A list of ours is looked up by the index, whatever PostgreSQL believes of the other table's size."""

import pytest
from sqlalchemy import Engine, text

from meterdrop.store.engine import writing
from meterdrop.store.plans import by_index

_JOIN = "EXPLAIN SELECT 1 FROM generate_series(1, 3) a(n) JOIN generate_series(1, 3) b(n) ON a.n = b.n"


def test_join_goes_row_by_row_and_only_there(engine: Engine) -> None:
    with writing(engine) as store:
        if engine.dialect.name != "postgresql":
            with by_index(store):
                assert store.execute(text("SELECT 1")).scalar_one() == 1
            return

        def plan() -> str:
            return str(store.execute(text(_JOIN)).scalars().first())

        assert "Nested Loop" not in plan()
        with by_index(store):
            assert "Nested Loop" in plan()
        assert "Nested Loop" not in plan()


@pytest.mark.only_on("postgresql")
def test_what_was_set_before_is_set_afterwards(engine: Engine) -> None:
    def setting(name: str) -> str:
        return str(store.execute(text(f"SHOW {name}")).scalar_one())

    with writing(engine) as store:
        store.execute(text("SET LOCAL enable_hashjoin = off"))
        with by_index(store):
            assert [setting("enable_hashjoin"), setting("enable_mergejoin")] == ["off", "off"]
        assert [setting("enable_hashjoin"), setting("enable_mergejoin")] == ["off", "on"]
