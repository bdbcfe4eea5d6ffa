"""The state of a study, and exact counts for those who run it; pages show rounded ones."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Select, func, insert, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.store.tables import assignment, document, participant, rating, text
from pluralign.collecting.store.tables import study as study_table
from pluralign.collecting.study import StudySettings

State = Literal["open", "paused", "closed"]
_STATE = select(study_table.c.state)


def state_of(connection: Connection) -> State:
    """Whether a study takes answers (``open``), will do so again (``paused``), or not."""
    state: State | None = connection.execute(_STATE).scalar()
    return state or "open"


def check_open(connection: Connection) -> None:
    """Refuse new answers while a study is paused or after its end.

    Raises:
        NotAccepted: If it is not open.
    """
    state = state_of(connection)
    if state == "paused":
        raise NotAccepted("The study has a pause. Please come back later.", status=403)
    if state == "closed":
        raise NotAccepted(
            "The study has ended, so nothing new is kept. You can still see and withdraw what you "
            "gave.",
            status=403,
        )


def set_state(
    connection: Connection, study_id: str, state: State, now: int, actor: str = "operator"
) -> None:
    """Open, pause or close a study."""
    if connection.execute(select(study_table.c.id)).first() is None:
        connection.execute(insert(study_table).values(id=study_id, made_at=now, state=state))
    connection.execute(update(study_table).values(state=state))
    audit_log.append(connection, now, actor, f"study {state}", study_id)


@dataclass(frozen=True, slots=True)
class CommunityCounts:
    """Exact counts of a community.

    Attributes:
        community: Its id.
        people: Number of people who take part.
        hoped: Number of people that the study hopes for.
        answers: Number of pairs that they answered.
        texts: Number of texts that they wrote.
    """

    community: str
    people: int
    hoped: int
    answers: int
    texts: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Content of the store of a study.

    Attributes:
        state: ``open``, ``paused`` or ``closed``.
        consent_version: Newest version of the consent text; 0 before the first server start.
        waiting: Number of texts that wait for a steward.
        drafts: Languages whose texts nobody has checked yet.
        communities: Counts by community.
    """

    state: State
    consent_version: int
    waiting: int
    drafts: tuple[str, ...]
    communities: tuple[CommunityCounts, ...]


def overview(connection: Connection, settings: StudySettings) -> Overview:
    """Count what the store has."""
    newest = select(func.max(document.c.version)).where(document.c.kind == "consent")
    waiting = select(func.count()).select_from(text).where(text.c.state == "waiting")
    return Overview(
        state=state_of(connection),
        consent_version=connection.execute(newest).scalar() or 0,
        waiting=connection.execute(waiting).scalar_one(),
        drafts=drafts(settings),
        communities=_counts(connection, settings),
    )


def drafts(settings: StudySettings) -> tuple[str, ...]:
    """Languages whose texts nobody has checked yet."""
    return tuple(one for one in settings.languages if not settings.texts[one].read_by.strip())


def removed_communities(connection: Connection, settings: StudySettings) -> list[str]:
    """Communities of people who take part, for which the settings have no table any more."""
    present = connection.execute(select(participant.c.community).distinct()).scalars()
    return sorted(set(present) - {one.id for one in settings.communities})


def _counts(connection: Connection, settings: StudySettings) -> tuple[CommunityCounts, ...]:
    by = participant.c.community
    people = _by_community(connection, select(by, func.count()).group_by(by))
    answered = (
        select(by, func.count(rating.c.assignment.distinct()))
        .join(assignment, rating.c.assignment == assignment.c.id)
        .join(participant, assignment.c.participant == participant.c.id)
        .group_by(by)
    )
    answers = _by_community(connection, answered)
    wrote = select(by, func.count()).join(text, text.c.author == participant.c.id).group_by(by)
    texts = _by_community(connection, wrote)
    hoped = {one.id: one.people for one in settings.communities}
    hoped |= dict.fromkeys(removed_communities(connection, settings), 0)
    return tuple(
        CommunityCounts(id_, people.get(id_, 0), most, answers.get(id_, 0), texts.get(id_, 0))
        for id_, most in hoped.items()
    )


def _by_community(connection: Connection, counted: Select[str, int]) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in connection.execute(counted)}
