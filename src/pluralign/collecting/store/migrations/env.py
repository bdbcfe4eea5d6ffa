"""Called by Alembic: run migrations on the connection that `upgrading` passes."""

from alembic import context

from pluralign.collecting.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a table, so Alembic copies it
)
with context.begin_transaction():
    context.run_migrations()
