"""Alembic's entry: runs the migrations on the engine that `store.migrate` hands over."""

from alembic import context
from sqlalchemy import Engine

from meterdrop.store.schema import metadata

engine: Engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
