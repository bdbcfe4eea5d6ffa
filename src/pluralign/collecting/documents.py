"""Versions of a study's consent and policy texts: a text that a person agreed to never changes."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from pluralign.collecting import audit_log
from pluralign.collecting.purposes import as_text
from pluralign.collecting.store.tables import document
from pluralign.collecting.study import StudySettings


def publish_documents(connection: Connection, settings: StudySettings, now: int) -> int:
    """Store the texts of `study.toml`; a change in any language is a new version of all of them.

    Returns:
        The newest version of the consent text, from 1.
    """
    return [_publish(connection, kind, settings, now) for kind in ("policy", "consent")][-1]


def _publish(connection: Connection, kind: str, settings: StudySettings, now: int) -> int:
    purposes = as_text(settings.purposes) if kind == "consent" else ""
    bodies = {language: getattr(settings.texts[language], kind) for language in settings.languages}
    newest = select(func.max(document.c.version)).where(document.c.kind == kind)
    version = connection.execute(newest).scalar() or 0
    stored = connection.execute(
        select(document.c.language, document.c.body, document.c.purposes).where(
            document.c.kind == kind, document.c.version == version
        )
    ).all()
    unchanged = all(row.purposes == purposes for row in stored)
    if unchanged and {row.language: row.body for row in stored} == bodies:
        return int(version)
    for language, body in bodies.items():
        name = f"{kind}\0{language}\0{version + 1}\0{purposes}\0{body}"
        id_ = hashlib.sha256(name.encode()).hexdigest()
        connection.execute(
            insert(document).values(
                id=id_,
                kind=kind,
                language=language,
                version=version + 1,
                purposes=purposes,
                body=body,
                made_at=now,
            )
        )
        audit_log.append(connection, now, "operator", f"{kind} text published", id_, id_)
    return int(version) + 1


@dataclass(frozen=True, slots=True)
class ConsentText:
    """The newest consent text in one language.

    Attributes:
        id: Id of the document.
        version: Its version, from 1.
        purposes: Purposes that it asks for.
        body: The text (Markdown).
        made_at: When it was published, seconds since 1970.
    """

    id: str
    version: int
    purposes: tuple[str, ...]
    body: str
    made_at: int


def consent_text(connection: Connection, language: str) -> ConsentText:
    """The newest consent text in a language of the study."""
    row = connection.execute(
        select(document)
        .where(document.c.kind == "consent", document.c.language == language)
        .order_by(document.c.version.desc())
        .limit(1)
    ).one()
    return ConsentText(row.id, row.version, tuple(row.purposes.split()), row.body, row.made_at)
