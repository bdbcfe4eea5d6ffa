"""The first page, the language, and the texts about the study."""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import update

from pluralign.collecting.overview import state_of
from pluralign.collecting.pages.visits import OfForm, OfVisit, quoted
from pluralign.collecting.store.tables import participant

router = APIRouter()


@router.get("/")
def welcome(visit: OfVisit) -> Response:
    """The study, in the language of the browser; other languages are one tap away."""
    with visit.store.reading() as connection:
        state = state_of(connection)
    return visit.page("welcome", state=state)


@router.get("/language")
def choose_language(visit: OfVisit, back: str = "/") -> Response:
    """The languages, each in its own name."""
    return visit.page("language", back=quoted(back))


@router.post("/language")
def set_language(visit: OfVisit, form: OfForm) -> Response:
    """Remember a language on this device, and for the person."""
    response = visit.go(quoted(form.one("back")))
    language = form.one("language")
    if language in visit.study.settings.languages:
        visit.speak(response, language)
        if visit.person is not None:
            own = participant.c.id == visit.person.id
            visit.store.write(
                lambda c: c.execute(update(participant).where(own), {"language": language})
            )
    return response


@router.get("/policy")
def policy(visit: OfVisit) -> Response:
    """The study, its rules for texts, and its consent text, to be read at any time."""
    return visit.page("policy")
