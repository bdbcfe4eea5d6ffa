"""Write a prompt, an answer to a prompt, or a story of where it matters."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection, func, or_, select, update

from pluralign.collecting.consents import consent_of
from pluralign.collecting.floods import WRITES
from pluralign.collecting.given import erase_text
from pluralign.collecting.overview import check_open
from pluralign.collecting.pages.forms import Form
from pluralign.collecting.pages.visits import OfForm, OfVisit, Visit
from pluralign.collecting.purposes import allowed
from pluralign.collecting.refusals import ConsentChanged, NotAccepted
from pluralign.collecting.store.tables import text
from pluralign.collecting.written_texts import NewText, add_text

router = APIRouter()
KINDS = ("prompt", "response", "story")
_MOST_PROMPTS = 30
_MOST_WAITING = 50


@dataclass(frozen=True, slots=True)
class OpenPrompt:
    """A prompt that an answer or a story may belong to.

    Attributes:
        id: Its id.
        body: The text.
    """

    id: str
    body: str


@router.get("/write")
def write(visit: OfVisit, kind: str = "prompt", prompt: str = "", replaces: str = "") -> Response:
    """An empty field, or one's own text to write anew."""
    _ = visit.participant
    filled = {"kind": kind, "prompt": prompt, "body": "", "replaces": ""}
    if replaces:
        filled |= _own(visit, replaces)
    return _write_page(visit, filled)


@router.post("/write")
def keep_text(visit: OfVisit, form: OfForm) -> Response:
    """Keep a text; a steward reads it before others see it."""
    _ = visit.participant
    visit.slow_down(WRITES)
    filled = {name: form.one(name) for name in ("kind", "prompt", "body", "replaces")}
    try:
        new = _new_text(visit, form)
        visit.store.write(lambda c: _keep(c, visit, new, filled["replaces"]))
    except ConsentChanged:
        raise
    except NotAccepted as error:
        return _write_page(visit, filled, error)
    return visit.page("written", kind=new.kind)


def _write_page(visit: Visit, filled: dict[str, str], error: NotAccepted | None = None) -> Response:
    kind = filled["kind"] if filled["kind"] in KINDS else "prompt"
    limits = visit.study.settings.limits
    return visit.page(
        "write",
        status=error.status if error else 200,
        error=error,
        filled=filled | {"kind": kind},
        prompts=_prompts(visit, filled["prompt"]) if kind != "prompt" else [],
        most=limits.prompt if kind == "prompt" else limits.response,
    )


def _prompts(visit: Visit, first: str) -> list[OpenPrompt]:
    """Prompts that the person's community reads, in their language first; the named one leads."""
    person = visit.participant
    with visit.store.reading() as connection:
        rows = connection.execute(
            select(text.c.id, text.c.body)
            .where(
                text.c.kind == "prompt",
                text.c.state == "shown",
                or_(text.c.community.is_(None), text.c.community == person.community),
            )
            .order_by(text.c.id != first, text.c.language != visit.language, text.c.made_at.desc())
            .limit(_MOST_PROMPTS)
        )
        return [OpenPrompt(row.id, row.body) for row in rows]


def _new_text(visit: Visit, form: Form) -> NewText:
    settings, person = visit.study.settings, visit.participant
    kind, parent = form.one("kind"), form.one("prompt") or None
    if kind not in KINDS:
        raise NotAccepted("Please choose what you want to write.")
    if kind != "prompt" and parent not in {one.id for one in _prompts(visit, form.one("prompt"))}:
        raise NotAccepted("Please choose the question that your text belongs to.")
    own = settings.community(person.community)
    return NewText(
        kind=kind,
        body=form.text(
            "body", settings.limits.prompt if kind == "prompt" else settings.limits.response
        ),
        language=visit.language,
        community=person.community,
        parent=parent if kind != "prompt" else None,
        author=person.id,
        origin="people",
        licence=(own.licence if own else None) or settings.release.licence,
        state="waiting",
    )


def _keep(connection: Connection, visit: Visit, new: NewText, replaces: str) -> None:
    check_open(connection)
    if not visit.study.settings.sitting.writing:
        raise NotAccepted("This study does not take texts.", status=403)
    given = consent_of(connection, visit.participant.id)
    if given is None or not given.current:
        raise ConsentChanged
    if not allowed(["collect"], given.purposes):
        raise NotAccepted("You do not agree that this study keeps your answers.", status=403)
    _check_waiting(connection, visit.participant.id)
    id_ = add_text(connection, new, visit.now)
    if replaces:
        # A text that people have judged is never changed: the new version is a text of its own.
        erase_text(connection, visit.participant.id, replaces, visit.now)
        connection.execute(update(text).where(text.c.id == id_).values(replaces=replaces))


def _check_waiting(connection: Connection, participant_id: str) -> None:
    """Refuse a text of a person of whom stewards have more to read than they can."""
    own = (text.c.author == participant_id, text.c.state == "waiting")
    waiting = connection.execute(select(func.count()).select_from(text).where(*own)).scalar_one()
    if waiting >= _MOST_WAITING:
        raise NotAccepted(
            "Many of your texts wait for a steward. Please send this one when some were read.",
            status=429,
        )


def _own(visit: Visit, text_id: str) -> dict[str, str]:
    """The fields of one's own text."""
    with visit.store.reading() as connection:
        row = connection.execute(
            select(text).where(text.c.id == text_id, text.c.author == visit.participant.id)
        ).one_or_none()
    if row is None:
        raise NotAccepted("There is no such text of yours.", status=404)
    return {"kind": row.kind, "prompt": row.parent or "", "body": row.body, "replaces": row.id}
