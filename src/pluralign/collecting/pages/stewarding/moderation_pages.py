"""Texts that wait for a steward, decisions about them, and the log of decisions."""

import csv
import io
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import Response

from pluralign.collecting.moderating import HIDING, Decision, Verdict, decide, decisions
from pluralign.collecting.pages.forms import Form
from pluralign.collecting.pages.stewarding.desks import Desk, OfDesk
from pluralign.collecting.pages.visits import OfForm
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.text_queue import judged_text, queue

router = APIRouter()
_MOST_OF_A_NOTE = 500
_MOST_DECISIONS = 200
_COLUMNS = ("at", "steward", "decision", "rule", "note", "kind", "community", "text")
_FORMULA = ("=", "+", "-", "@", "\t")


@router.get("/steward/texts")
def show_queue(desk: OfDesk, kept: str = "") -> Response:
    """Texts that were reported, then new ones, the oldest first."""
    with desk.visit.store.reading() as connection:
        found = queue(connection, desk.steward)
    return desk.page("texts", found=found, rules=HIDING, most=_MOST_OF_A_NOTE, kept=bool(kept))


@router.get("/steward/texts/{text_id}")
def show_text(desk: OfDesk, text_id: str) -> Response:
    """One text with the decisions about it, to decide again."""
    return _text_page(desk, text_id)


@router.post("/steward/texts/{text_id}")
def keep_decision(form: OfForm, desk: OfDesk, text_id: str) -> Response:
    """Show or hide the text."""
    visit = desk.visit
    try:
        verdict = Verdict(
            decision=form.one("decision"),
            rule=form.one("rule"),
            note=form.text_or_none("reason", _MOST_OF_A_NOTE),
            seen=form.one("seen"),
        )
        visit.store.write(lambda c: decide(c, desk.steward, text_id, verdict, visit.now))
    except NotAccepted as error:
        if error.status in (403, 404):
            raise
        return _text_page(desk, text_id, error, form)
    return desk.go("/steward/texts?kept=1")


@router.get("/steward/decisions")
def show_decisions(desk: OfDesk) -> Response:
    """The newest decisions."""
    with desk.visit.store.reading() as connection:
        found = decisions(connection, desk.steward, most=_MOST_DECISIONS)
    return desk.page("decisions", found=found, most=_MOST_DECISIONS)


@router.get("/steward/decisions.csv")
def download_decisions(desk: OfDesk) -> Response:
    """All decisions as a table, without the words of the people whose texts they are about."""
    with desk.visit.store.reading() as connection:
        found = decisions(connection, desk.steward)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    writer.writerows(_row(one) for one in found)
    name = f"{desk.visit.study.settings.id}-decisions.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(out.getvalue(), 200, headers, "text/csv; charset=utf-8")


def _text_page(
    desk: Desk, text_id: str, error: NotAccepted | None = None, form: Form | None = None
) -> Response:
    with desk.visit.store.reading() as connection:
        one = judged_text(connection, desk.steward, text_id)
        before = decisions(connection, desk.steward, text_id)
    filled = {"rule": form.one("rule"), "note": form.one("reason")} if form else {}
    return desk.page(
        "text",
        status=error.status if error else 200,
        error=error,
        one=one,
        before=before,
        rules=HIDING,
        most=_MOST_OF_A_NOTE,
        filled={"rule": "", "note": ""} | filled,
    )


def _row(one: Decision) -> list[str]:
    at = datetime.fromtimestamp(one.at, UTC).isoformat()
    cells = (at, one.by, one.decision, one.rule, one.note, one.kind, one.community, one.text)
    return [_cell(value or "") for value in cells]


def _cell(value: str) -> str:
    """A cell that programs for tables show as text, and do not compute."""
    return f"'{value}" if value.startswith(_FORMULA) else value
