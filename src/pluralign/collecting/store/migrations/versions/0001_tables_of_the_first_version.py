"""Tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
    )
    op.create_table(
        "bucket",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_bucket")),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('consent', 'policy')", name=op.f("ck_document_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint(
            "kind", "language", "version", name=op.f("uq_document_kind_language_version")
        ),
    )
    op.create_table(
        "invite",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("community", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invite")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invite_token_hash")),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("stewards", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_table(
        "steward",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("communities", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steward")),
        sa.UniqueConstraint("name", name=op.f("uq_steward_name")),
    )
    op.create_table(
        "study",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'paused', 'closed')", name=op.f("ck_study_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
    )
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("traces", sa.Text(), nullable=True),
        sa.Column("forgets", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
    )
    op.create_table(
        "model_use",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["release"], ["release.id"], name=op.f("fk_model_use_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_use")),
        sa.UniqueConstraint("release", "run", name=op.f("uq_model_use_release_run")),
    )
    with op.batch_alter_table("model_use", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_model_use_release"), ["release"], unique=False)

    op.create_table(
        "participant",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("community", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("joined_day", sa.Text(), nullable=False),
        sa.Column("invite", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["invite"], ["invite.id"], name=op.f("fk_participant_invite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_participant_key_hash")),
    )
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_participant_community"), ["community"], unique=False)
        batch_op.create_index(batch_op.f("ix_participant_invite"), ["invite"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("release", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["release"], ["release.id"], name=op.f("fk_proposal_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proposal_release"), ["release"], unique=False)

    op.create_table(
        "steward_link",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("steward", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["steward"], ["steward.id"], name=op.f("fk_steward_link_steward")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_steward_link")),
    )
    with op.batch_alter_table("steward_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_steward_link_steward"), ["steward"], unique=False)

    op.create_table(
        "agreement",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("steward", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["proposal"], ["proposal.id"], name=op.f("fk_agreement_proposal")),
        sa.ForeignKeyConstraint(["steward"], ["steward.id"], name=op.f("fk_agreement_steward")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("proposal", "steward", name=op.f("uq_agreement_proposal_steward")),
    )
    with op.batch_alter_table("agreement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agreement_proposal"), ["proposal"], unique=False)
        batch_op.create_index(batch_op.f("ix_agreement_steward"), ["steward"], unique=False)

    op.create_table(
        "change",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant"], ["participant.id"], name=op.f("fk_change_participant")
        ),
        sa.ForeignKeyConstraint(["release"], ["release.id"], name=op.f("fk_change_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
        sa.UniqueConstraint("release", "participant", name=op.f("uq_change_release_participant")),
    )
    with op.batch_alter_table("change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_change_participant"), ["participant"], unique=False)
        batch_op.create_index(batch_op.f("ix_change_release"), ["release"], unique=False)

    op.create_table(
        "consent",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["document.id"], name=op.f("fk_consent_document")),
        sa.ForeignKeyConstraint(
            ["participant"], ["participant.id"], name=op.f("fk_consent_participant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("participant", "version", name=op.f("uq_consent_participant_version")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_document"), ["document"], unique=False)
        batch_op.create_index(batch_op.f("ix_consent_participant"), ["participant"], unique=False)

    op.create_table(
        "session",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=True),
        sa.Column("steward", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant"], ["participant.id"], name=op.f("fk_session_participant")
        ),
        sa.ForeignKeyConstraint(["steward"], ["steward.id"], name=op.f("fk_session_steward")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_participant"), ["participant"], unique=False)
        batch_op.create_index(batch_op.f("ix_session_steward"), ["steward"], unique=False)

    op.create_table(
        "text",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("community", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('prompt', 'response', 'story')", name=op.f("ck_text_kind")),
        sa.CheckConstraint("state IN ('waiting', 'shown', 'hidden')", name=op.f("ck_text_state")),
        sa.ForeignKeyConstraint(["author"], ["participant.id"], name=op.f("fk_text_author")),
        sa.ForeignKeyConstraint(["parent"], ["text.id"], name=op.f("fk_text_parent")),
        sa.ForeignKeyConstraint(["replaces"], ["text.id"], name=op.f("fk_text_replaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text")),
    )
    with op.batch_alter_table("text", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_text_author"), ["author"], unique=False)
        batch_op.create_index(batch_op.f("ix_text_community"), ["community"], unique=False)
        batch_op.create_index("ix_text_digest_community", ["digest", "community"], unique=False)
        batch_op.create_index(batch_op.f("ix_text_parent"), ["parent"], unique=False)
        batch_op.create_index(batch_op.f("ix_text_replaces"), ["replaces"], unique=False)

    op.create_table(
        "moderation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("steward", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("decision IN ('show', 'hide')", name=op.f("ck_moderation_decision")),
        sa.ForeignKeyConstraint(["steward"], ["steward.id"], name=op.f("fk_moderation_steward")),
        sa.ForeignKeyConstraint(["text"], ["text.id"], name=op.f("fk_moderation_text")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation")),
    )
    with op.batch_alter_table("moderation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_moderation_steward"), ["steward"], unique=False)
        batch_op.create_index(batch_op.f("ix_moderation_text"), ["text"], unique=False)

    op.create_table(
        "pair",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("community", sa.Text(), nullable=True),
        sa.Column("anchor", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["first"], ["text.id"], name=op.f("fk_pair_first")),
        sa.ForeignKeyConstraint(["prompt"], ["text.id"], name=op.f("fk_pair_prompt")),
        sa.ForeignKeyConstraint(["second"], ["text.id"], name=op.f("fk_pair_second")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair")),
    )
    with op.batch_alter_table("pair", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pair_community"), ["community"], unique=False)
        batch_op.create_index(batch_op.f("ix_pair_first"), ["first"], unique=False)
        batch_op.create_index(batch_op.f("ix_pair_prompt"), ["prompt"], unique=False)
        batch_op.create_index(batch_op.f("ix_pair_second"), ["second"], unique=False)

    op.create_table(
        "assignment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("pair", sa.Text(), nullable=False),
        sa.Column("left", sa.Text(), nullable=False),
        sa.Column("right", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("propensity", sa.Float(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("repeats", sa.Text(), nullable=True),
        sa.Column("served_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('anchor', 'overlap', 'fresh', 'informative', 'repeat', 'practice')",
            name=op.f("ck_assignment_reason"),
        ),
        sa.CheckConstraint(
            "propensity > 0 AND propensity <= 1", name=op.f("ck_assignment_propensity")
        ),
        sa.ForeignKeyConstraint(["left"], ["text.id"], name=op.f("fk_assignment_left")),
        sa.ForeignKeyConstraint(["pair"], ["pair.id"], name=op.f("fk_assignment_pair")),
        sa.ForeignKeyConstraint(
            ["participant"], ["participant.id"], name=op.f("fk_assignment_participant")
        ),
        sa.ForeignKeyConstraint(["repeats"], ["assignment.id"], name=op.f("fk_assignment_repeats")),
        sa.ForeignKeyConstraint(["right"], ["text.id"], name=op.f("fk_assignment_right")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assignment_pair"), ["pair"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_assignment_participant"), ["participant"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_assignment_repeats"), ["repeats"], unique=False)

    op.create_table(
        "flag",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["participant"], ["participant.id"], name=op.f("fk_flag_participant")
        ),
        sa.ForeignKeyConstraint(["settled_by"], ["moderation.id"], name=op.f("fk_flag_settled_by")),
        sa.ForeignKeyConstraint(["text"], ["text.id"], name=op.f("fk_flag_text")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
    )
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flag_participant"), ["participant"], unique=False)
        batch_op.create_index(batch_op.f("ix_flag_settled_by"), ["settled_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_flag_text"), ["text"], unique=False)

    op.create_table(
        "rating",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("assignment", sa.Text(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("strength", sa.Integer(), nullable=True),
        sa.Column("flip", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "choice IN ('left', 'right', 'tie', 'both-bad', 'dont-know')",
            name=op.f("ck_rating_choice"),
        ),
        sa.CheckConstraint("flip >= 0 AND flip < 0.5", name=op.f("ck_rating_flip")),
        sa.CheckConstraint(
            "strength IS NULL OR strength IN (1, 2, 3)", name=op.f("ck_rating_strength")
        ),
        sa.ForeignKeyConstraint(
            ["assignment"], ["assignment.id"], name=op.f("fk_rating_assignment")
        ),
        sa.ForeignKeyConstraint(["consent"], ["consent.id"], name=op.f("fk_rating_consent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating")),
        sa.UniqueConstraint("assignment", "version", name=op.f("uq_rating_assignment_version")),
    )
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rating_assignment"), ["assignment"], unique=False)
        batch_op.create_index(batch_op.f("ix_rating_consent"), ["consent"], unique=False)


def downgrade() -> None:
    """Undo the change."""
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rating_consent"))
        batch_op.drop_index(batch_op.f("ix_rating_assignment"))

    op.drop_table("rating")
    with op.batch_alter_table("flag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flag_text"))
        batch_op.drop_index(batch_op.f("ix_flag_settled_by"))
        batch_op.drop_index(batch_op.f("ix_flag_participant"))

    op.drop_table("flag")
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_assignment_repeats"))
        batch_op.drop_index(batch_op.f("ix_assignment_participant"))
        batch_op.drop_index(batch_op.f("ix_assignment_pair"))

    op.drop_table("assignment")
    with op.batch_alter_table("pair", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pair_second"))
        batch_op.drop_index(batch_op.f("ix_pair_prompt"))
        batch_op.drop_index(batch_op.f("ix_pair_first"))
        batch_op.drop_index(batch_op.f("ix_pair_community"))

    op.drop_table("pair")
    with op.batch_alter_table("moderation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_moderation_text"))
        batch_op.drop_index(batch_op.f("ix_moderation_steward"))

    op.drop_table("moderation")
    with op.batch_alter_table("text", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_text_replaces"))
        batch_op.drop_index(batch_op.f("ix_text_parent"))
        batch_op.drop_index("ix_text_digest_community")
        batch_op.drop_index(batch_op.f("ix_text_community"))
        batch_op.drop_index(batch_op.f("ix_text_author"))

    op.drop_table("text")
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_steward"))
        batch_op.drop_index(batch_op.f("ix_session_participant"))

    op.drop_table("session")
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_participant"))
        batch_op.drop_index(batch_op.f("ix_consent_document"))

    op.drop_table("consent")
    with op.batch_alter_table("change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_change_release"))
        batch_op.drop_index(batch_op.f("ix_change_participant"))

    op.drop_table("change")
    with op.batch_alter_table("agreement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agreement_steward"))
        batch_op.drop_index(batch_op.f("ix_agreement_proposal"))

    op.drop_table("agreement")
    with op.batch_alter_table("steward_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_steward_link_steward"))

    op.drop_table("steward_link")
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proposal_release"))

    op.drop_table("proposal")
    with op.batch_alter_table("participant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_participant_invite"))
        batch_op.drop_index(batch_op.f("ix_participant_community"))

    op.drop_table("participant")
    with op.batch_alter_table("model_use", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_model_use_release"))

    op.drop_table("model_use")
    op.drop_table("withdrawal")
    op.drop_table("study")
    op.drop_table("steward")
    op.drop_table("release")
    op.drop_table("invite")
    op.drop_table("document")
    op.drop_table("bucket")
    op.drop_table("audit")
