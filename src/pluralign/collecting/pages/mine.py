"""Everything that a person gave: to see, change, delete, download and withdraw."""

import json

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.given import erase_text, given_by
from pluralign.collecting.pages.visits import OfForm, OfVisit
from pluralign.collecting.ratings import delete_answer

router = APIRouter()


@router.get("/mine")
def mine(visit: OfVisit) -> Response:
    """Everything that the person gave."""
    person = visit.participant
    with visit.store.reading() as connection:
        given = given_by(connection, person.id)
    about = visit.served.personal.read(person.id)
    return visit.page("mine", given=given, about=about)


@router.get("/mine.json")
def download(visit: OfVisit) -> Response:
    """The same as a file."""
    person = visit.participant
    with visit.store.reading() as connection:
        given = given_by(connection, person.id).as_json()
    given["about"] = visit.served.personal.read(person.id)
    given["study"] = visit.study.settings.id
    name = f"{visit.study.settings.id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    content = json.dumps(given, ensure_ascii=False, indent=2)
    return Response(content, 200, headers, "application/json; charset=utf-8")


@router.post("/mine/answer/delete")
def delete_one(visit: OfVisit, form: OfForm) -> Response:
    """Delete one answer, in all its versions."""
    person, assignment = visit.participant, form.one("assignment")
    visit.store.write(lambda c: delete_answer(c, person.id, assignment, visit.now))
    return visit.go("/mine#answers")


@router.post("/mine/text/delete")
def delete_text(visit: OfVisit, form: OfForm) -> Response:
    """Erase one text."""
    person, text_id = visit.participant, form.one("text")
    visit.store.write(lambda c: erase_text(c, person.id, text_id, visit.now))
    return visit.go("/mine#texts")
