"""Tables of a study's store, the same in SQLite and PostgreSQL.

Ids are texts. Times are whole seconds since 1970 in UTC. Keys, tokens and addresses are stored as
keyed digests only. A row of `audit` contains ids and digests, never a person's words, so that
erasing a person leaves the chain intact.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", Text, primary_key=True)


def _time(name: str, *, required: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=not required)


def _of(name: str, table: str, *, required: bool = True) -> Column[str]:
    """A column with the id of a row of another table; indexed, for both join on it."""
    return Column(name, Text, ForeignKey(f"{table}.id"), nullable=not required, index=True)


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


study = Table(
    "study",
    metadata,
    _id(),
    _time("made_at"),
    # "open" takes answers, "paused" will take them again, "closed" will not.
    Column("state", Text, nullable=False),
    _one_of("state", "open", "paused", "closed"),
)

document = Table(
    "document",
    metadata,
    _id(),  # SHA-256 of all of it
    Column("kind", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("purposes", Text, nullable=False),  # purposes that the text asks for
    Column("body", Text, nullable=False),
    _time("made_at"),
    UniqueConstraint("kind", "language", "version"),
    _one_of("kind", "consent", "policy"),
)

participant = Table(
    "participant",
    metadata,
    _id(),
    Column("community", Text, nullable=False, index=True),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("language", Text, nullable=False),
    Column("joined_day", Text, nullable=False),  # a date: the time of day is not needed
    _of("invite", "invite", required=False),
)

consent = Table(
    "consent",
    metadata,
    _id(),
    _of("participant", "participant"),
    _of("document", "document"),
    Column("version", Integer, nullable=False),  # 1 for a person's first consent; the last counts
    Column("purposes", Text, nullable=False),  # sorted, separated by spaces; empty for none
    _time("at"),
    UniqueConstraint("participant", "version"),
)

invite = Table(
    "invite",
    metadata,
    _id(),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("community", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    _time("made_at"),
    _time("expires_at"),
    _time("revoked_at", required=False),
)

steward = Table(
    "steward",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("communities", Text, nullable=False),  # separated by spaces; empty for all
    _time("made_at"),
    _time("revoked_at", required=False),
)

steward_link = Table(
    "steward_link",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _of("steward", "steward"),
    _time("expires_at"),
    _time("used_at", required=False),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _of("participant", "participant", required=False),
    _of("steward", "steward", required=False),
    _time("made_at"),
    _time("expires_at"),
)

text = Table(
    "text",
    metadata,
    _id(),
    Column("digest", Text, nullable=False),
    _of("author", "participant", required=False),
    Column("origin", Text, nullable=False),  # "people", "study", or the model and its settings
    Column("licence", Text, nullable=False),
    Column("community", Text, nullable=True, index=True),  # empty: for all communities
    Column("language", Text, nullable=False),
    Column("kind", Text, nullable=False),
    _of("parent", "text", required=False),  # the prompt of a response or of a story
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    _of("replaces", "text", required=False),
    _time("made_at"),
    _one_of("kind", "prompt", "response", "story"),
    _one_of("state", "waiting", "shown", "hidden"),
    Index("ix_text_digest_community", "digest", "community"),
)

pair = Table(
    "pair",
    metadata,
    _id(),  # SHA-256 of the prompt and both responses, sorted: the same for both orders
    _of("prompt", "text"),
    _of("first", "text"),
    _of("second", "text"),
    Column("community", Text, nullable=True, index=True),
    Column("anchor", Boolean, nullable=False),
    _time("made_at"),
)

assignment = Table(
    "assignment",
    metadata,
    _id(),
    _of("participant", "participant"),
    _of("pair", "pair"),
    Column("left", Text, ForeignKey("text.id"), nullable=False),
    Column("right", Text, ForeignKey("text.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("propensity", Float, nullable=False),
    Column("policy", Text, nullable=False),
    _of("repeats", "assignment", required=False),
    _time("served_at"),
    Column("deleted", Text, nullable=True),  # salt and marks of deleted answers: none comes back
    CheckConstraint("propensity > 0 AND propensity <= 1", name="propensity"),
    _one_of("reason", "anchor", "overlap", "fresh", "informative", "repeat", "practice"),
)

rating = Table(
    "rating",
    metadata,
    _id(),
    _of("assignment", "assignment"),
    _of("consent", "consent"),
    Column("choice", Text, nullable=False),
    Column("strength", Integer, nullable=True),  # 1 slightly, 2 clearly, 3 much better
    Column("flip", Float, nullable=False),  # probability that the phone exchanged left and right
    Column("reason", Text, nullable=True),
    Column("language", Text, nullable=False),
    Column("seconds", Integer, nullable=True),
    _time("made_at", required=False),  # by the clock of the phone, which may be wrong
    _time("received_at"),
    Column("offline", Boolean, nullable=False),
    Column("digest", Text, nullable=False),
    Column("salt", Text, nullable=False),  # of the digest in the log: no guess can be tested
    Column("version", Integer, nullable=False),
    UniqueConstraint("assignment", "version"),
    _one_of("choice", "left", "right", "tie", "both-bad", "dont-know"),
    CheckConstraint("strength IS NULL OR strength IN (1, 2, 3)", name="strength"),
    CheckConstraint("flip >= 0 AND flip < 0.5", name="flip"),
)

flag = Table(
    "flag",
    metadata,
    _id(),
    _of("text", "text"),
    _of("participant", "participant"),
    Column("reason", Text, nullable=False),
    _time("at"),
    _of("settled_by", "moderation", required=False),  # the decision on it; empty: it waits
)

moderation = Table(
    "moderation",
    metadata,
    _id(),
    _of("text", "text"),
    _of("steward", "steward"),
    Column("decision", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("note", Text, nullable=True),  # the steward's words
    _time("at"),
    _one_of("decision", "show", "hide"),
)

withdrawal = Table(
    "withdrawal",
    metadata,
    _id(),
    Column("scope", Text, nullable=False),
    Column("key_hash", Text, nullable=False),  # so that a restored backup withdraws them again
    Column("traces", Text, nullable=True),  # JSON: release -> ids in it; empty once models are done
    Column("forgets", Text, nullable=True),  # the person, until their key in keys.db is deleted
    _time("asked_at"),
    _time("done_at", required=False),
    Column("receipt", Text, nullable=True),
)

release = Table(
    "release",
    metadata,
    _id(),
    Column("purposes", Text, nullable=False),  # separated by spaces
    Column("digest", Text, nullable=False),
    Column("counts", Text, nullable=False),  # JSON
    Column("stewards", Text, nullable=False),  # ids of stewards who agreed, with spaces
    _time("made_at"),
    Column("revision", Integer, nullable=False),  # 0; higher after people withdrew from it
)

proposal = Table(
    "proposal",
    metadata,
    _id(),
    Column("purposes", Text, nullable=False),  # of the release that is proposed, with spaces
    Column("by", Text, nullable=False),  # as the actor of a row of the log
    _time("made_at"),
    _of("release", "release", required=False),  # the release that was made of it
)

agreement = Table(
    "agreement",
    metadata,
    _id(),
    _of("proposal", "proposal"),
    _of("steward", "steward"),
    _time("at"),
    UniqueConstraint("proposal", "steward"),
)

model_use = Table(
    "model_use",
    metadata,
    _id(),
    _of("release", "release"),
    Column("run", Text, nullable=False),
    Column("digest", Text, nullable=False),
    _time("at"),
    UniqueConstraint("release", "run"),
)

change = Table(
    "change",
    metadata,
    _id(),
    _of("release", "release"),
    _of("participant", "participant"),
    Column("content", Text, nullable=False),  # JSON: what their answers changed, for them alone
    _time("at"),
    UniqueConstraint("release", "participant"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    _time("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("digest", Text, nullable=False),
)

bucket = Table(
    "bucket",
    metadata,
    Column("key", Text, primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("at", Float, nullable=False),
)
