"""Answers that a script of the page sends, perhaps much later; and pairs for a phone to keep.

A reply is JSON with status 200 and an outcome. ``kept``, ``kept before`` and ``kept as a new
version`` come with the digest of the body that was received: a phone forgets exactly this answer.
``refused`` is final, ``wait`` is not: the same body may be sent again.
"""

import hashlib
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pluralign.collecting.choosing import Shown
from pluralign.collecting.choosing.shown_pairs import ShownText
from pluralign.collecting.floods import WRITES
from pluralign.collecting.pages.comparing import check_answering, keep_if_open
from pluralign.collecting.pages.visits import OfVisit, Visit
from pluralign.collecting.private_answers import as_received
from pluralign.collecting.ratings import Answer, Choice, Kept
from pluralign.collecting.refusals import ConsentChanged, NotAccepted, SessionNeeded
from pluralign.collecting.written_texts import clean_text
from pluralign.languages.speech import Speech

router = APIRouter()
RESERVED = 5
"""Number of pairs that a phone keeps, to be answered without a connection."""
_FINAL = (404, 413, 422)
_UNREADABLE = "This answer cannot be read. Please give it again."


class SentAnswer(BaseModel):
    """An answer as a phone sends it; strength, reason and time are missing in private studies."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    assignment: str
    choice: Choice
    strength: Annotated[int, Field(ge=1, le=3)] | None = None
    reason: str | None = None
    language: str
    seconds: Annotated[int, Field(ge=0)] | None = None
    made_at: int | None = None
    offline: bool = False
    flip: Annotated[float, Field(ge=0, lt=0.5)] = 0.0


async def body_of(request: Request) -> bytes:
    """The body of a request, as it was received."""
    return await request.body()


@router.post("/answers")
def receive(
    visit: OfVisit,
    body: Annotated[bytes, Depends(body_of)],
    answer_of: Annotated[str, Header()] = "",
) -> Response:
    """Keep one answer, and report the outcome to the phone.

    Args:
        visit: The visit.
        body: The answer.
        answer_of: Mark of the person who gave it, for a phone that several people use.
    """
    try:
        person = visit.participant
        if answer_of not in ("", visit.mark):
            raise SessionNeeded
        kept = visit.write(
            WRITES, lambda c: keep_if_open(c, person, _answer(visit, body), visit.now)
        )
    except NotAccepted as error:
        return JSONResponse(_refusal(visit, error))
    return JSONResponse({"outcome": _outcome(kept), "digest": hashlib.sha256(body).hexdigest()})


@router.get("/pairs")
def pairs(visit: OfVisit) -> Response:
    """The pairs that a person answers next; they wait for this person from now on."""
    person = visit.participant
    with visit.store.reading() as connection:
        check_answering(connection, person)
    shown = visit.served.asks(person, visit.now, RESERVED)
    return JSONResponse({"pairs": [_row(one) for one in shown]})


def _answer(visit: Visit, body: bytes) -> Answer:
    try:
        sent = SentAnswer.model_validate_json(body)
    except ValidationError:
        raise NotAccepted(_UNREADABLE) from None
    known = sent.language in visit.study.settings.languages
    most = visit.study.settings.limits.reason
    values = sent.model_dump() | {
        "language": sent.language if known else visit.language,
        "reason": clean_text(sent.reason, most) if sent.reason else None,
    }
    return as_received(Answer(**values), visit.study.settings.privacy)


def _outcome(kept: Kept) -> str:
    if kept.again:
        return "kept before"
    return "kept" if kept.version == 1 else "kept as a new version"


def _refusal(visit: Visit, error: NotAccepted) -> dict[str, str]:
    sentence = Speech(visit.language)(error.sentence, **error.values)
    found = {"outcome": "refused" if error.status in _FINAL else "wait", "sentence": sentence}
    if isinstance(error, SessionNeeded):
        found["next"] = "/enter"
    if isinstance(error, ConsentChanged):
        found["next"] = "/consent"
    return found


def _row(shown: Shown) -> dict[str, Any]:
    sides = {side: _text(getattr(shown, side)) for side in ("prompt", "left", "right")}
    return {"assignment": shown.assignment, **sides}


def _text(text: ShownText) -> dict[str, str]:
    return asdict(text) | {"author": text.author}
