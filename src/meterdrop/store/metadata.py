"""What do all tables have in common? The names of their constraints, and the type of keys that count up."""

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only for INTEGER PRIMARY KEY; PostgreSQL takes the wide one.
KEY = BigInteger().with_variant(Integer(), "sqlite")
