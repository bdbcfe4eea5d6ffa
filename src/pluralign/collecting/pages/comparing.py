"""Compare two answers: /practice, /compare, /answer, /enough."""

from typing import get_args

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection, select

from pluralign.collecting.choosing.shown_pairs import Shown, shown_pairs
from pluralign.collecting.consents import consent_of
from pluralign.collecting.floods import WRITES
from pluralign.collecting.overview import check_open
from pluralign.collecting.pages.forms import Form
from pluralign.collecting.pages.visits import OfForm, OfVisit, Visit
from pluralign.collecting.private_answers import as_it_is
from pluralign.collecting.ratings import Answer, Choice, Kept, keep_answer
from pluralign.collecting.refusals import ConsentChanged, NotAccepted
from pluralign.collecting.store.tables import assignment, rating
from pluralign.collecting.taking_part import Person

router = APIRouter()
_CHOICES: tuple[Choice, ...] = get_args(Choice)
_CHOOSE = 'Please choose one of the answers below; "I do not know" is one of them.'
_DAY = 86_400
_FIELDS = ("choice", "strength", "reason")
_EMPTY = dict.fromkeys(_FIELDS, "")


@router.get("/practice")
def practice(visit: OfVisit) -> Response:
    """One fixed pair to try the page."""
    return visit.page("practice", done=False)


@router.post("/practice")
def practised(visit: OfVisit, form: OfForm) -> Response:
    """Nothing of the practice is stored."""
    return visit.page("practice", done=True)


@router.get("/compare")
def compare(visit: OfVisit, kept: str = "") -> Response:
    """The next pair; a pause after the number of pairs of a sitting."""
    person = visit.participant
    with visit.store.reading() as connection:
        check_answering(connection, person)
    shown = visit.served.asks(person, visit.now, 1)
    if not shown:
        return visit.page("enough", why="none", kept=kept)
    if shown[0].remaining == 0 and kept:
        return visit.page("enough", why="sitting", kept=kept)
    return _pair_page(visit, shown[0], kept=kept)


@router.post("/compare")
def keep(visit: OfVisit, form: OfForm) -> Response:
    """Keep an answer, then show the next pair; or keep it and end for today."""
    person = visit.participant
    ends, edits = form.one("then") == "enough", form.one("then") == "mine"
    if ends and form.one("choice") not in _CHOICES:
        return visit.go("/enough")
    try:
        kept = visit.write(
            WRITES, lambda c: keep_if_open(c, person, _answer(visit, form), visit.now)
        )
    except ConsentChanged:
        raise
    except NotAccepted as error:
        return _again(visit, form, error)
    if edits:
        return visit.go("/mine#answers")
    word = "version" if kept.version > 1 else "1"
    return visit.go(f"/enough?kept={word}" if ends else f"/compare?kept={word}")


@router.get("/answer/{assignment_id}")
def change(visit: OfVisit, assignment_id: str) -> Response:
    """A pair that was answered, to answer it differently."""
    shown = _own(visit, assignment_id)
    return _pair_page(visit, shown, filled=_answered(visit, assignment_id), then="mine")


@router.get("/enough")
def enough(visit: OfVisit, kept: str = "") -> Response:
    """Enough for today."""
    _ = visit.participant
    return visit.page("enough", why="chosen", kept=kept)


def check_answering(connection: Connection, person: Person) -> None:
    """Refuse a person for whom there is nothing to answer before something else.

    Raises:
        NotAccepted: If the study is not open.
        ConsentChanged: If they must consent again first.
    """
    check_open(connection)
    given = consent_of(connection, person.id)
    if given is None or not given.current:
        raise ConsentChanged


def keep_if_open(connection: Connection, person: Person, answer: Answer, now: int) -> Kept:
    """Store an answer while the study is open."""
    check_open(connection)
    return keep_answer(connection, person.id, answer, now)


def _answer(visit: Visit, form: Form) -> Answer:
    choice = form.one("choice")
    if choice not in _CHOICES:
        raise NotAccepted(_CHOOSE)
    since = form.number("since", 0, visit.now)
    sided = choice in ("left", "right")
    answer = Answer(
        assignment=form.one("assignment"),
        choice=choice,
        strength=form.number("strength", 1, 3) if sided else None,
        reason=form.text_or_none("reason", visit.study.settings.limits.reason),
        language=visit.language,
        seconds=min(visit.now - since, _DAY) if since is not None else None,
    )
    privacy = visit.study.settings.privacy
    return as_it_is(answer, privacy, agreed=bool(form.one("as_is")))


def _again(visit: Visit, form: Form, error: NotAccepted) -> Response:
    """The same pair with the content of the form, and the reason why it was not kept."""
    shown = _own(visit, form.one("assignment"))
    filled = {name: form.one(name) for name in _FIELDS}
    return _pair_page(
        visit, shown, status=error.status, error=error, filled=filled, then=form.one("back")
    )


def _answered(visit: Visit, assignment_id: str) -> dict[str, str]:
    """The newest answer to a pair, for its form; nothing where the phone may have exchanged it."""
    if visit.study.settings.privacy.epsilon is not None:
        return dict(_EMPTY)
    newest = (
        select(*(rating.c[name] for name in _FIELDS))
        .where(rating.c.assignment == assignment_id)
        .order_by(rating.c.version.desc())
    )
    with visit.store.reading() as connection:
        found = connection.execute(newest).mappings().first()
    return dict(_EMPTY) if found is None else {name: str(found[name] or "") for name in _FIELDS}


def _own(visit: Visit, assignment_id: str) -> Shown:
    person = visit.participant
    own = select(assignment.c.id).where(
        assignment.c.id == assignment_id, assignment.c.participant == person.id
    )
    with visit.store.reading() as connection:
        found = connection.execute(own).first()
        shown = shown_pairs(connection, [assignment_id], 0) if found is not None else []
    if not shown:
        raise NotAccepted("This pair was not shown to you, or it is hidden now.", status=404)
    return shown[0]


def _pair_page(
    visit: Visit,
    shown: Shown,
    *,
    status: int = 200,
    error: NotAccepted | None = None,
    filled: dict[str, str] = _EMPTY,
    then: str = "",
    kept: str = "",
) -> Response:
    return visit.page(
        "compare",
        status=status,
        error=error,
        shown=shown,
        filled=filled,
        changes=then == "mine",
        kept=kept,
        total=visit.study.settings.sitting.pairs,
        most=visit.study.settings.limits.reason,
    )
