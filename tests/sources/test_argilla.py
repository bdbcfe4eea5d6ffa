import json
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, Tally
from pluralign.sources import ArgillaPairs

TEXTS = {"prompt": "Tea?", "response1": "Yes", "response2": "No"}


def source(folder: Path, row: dict[str, object], **settings: object) -> ArgillaPairs:
    (folder / "export.json").write_text(json.dumps([row]), "utf-8")
    return ArgillaPairs(folder / "export.json", **settings)  # type: ignore[arg-type]


def answer(value: object, user: str, status: str = "submitted") -> dict[str, object]:
    return {"value": value, "user_id": user, "status": status}


ANSWERS = [
    answer("response1", "u1"),
    answer("response2", "u2"),
    answer("response1", "u3", "discarded"),
]
ROWS = {
    "version 2, JSON": {"fields": TEXTS, "responses": {"preference": ANSWERS}},
    "version 2, flattened": TEXTS
    | {
        "preference.responses": ["response1", "response2", "response1"],
        "preference.responses.users": ["u1", "u2", "u3"],
        "preference.responses.status": ["submitted", "submitted", "discarded"],
    },
    "version 1, a list": TEXTS | {"preference": ANSWERS},
    "version 1, columns": TEXTS
    | {"preference": {k: [a[k] for a in ANSWERS] for k in ("value", "user_id", "status")}},
    "version 1, its API": {
        "fields": TEXTS,
        "responses": [
            {
                "user_id": a["user_id"],
                "status": a["status"],
                "values": {"preference": {"value": a["value"]}},
            }
            for a in ANSWERS
        ],
    },
}


@pytest.mark.parametrize("layout", ROWS)
def test_every_submitted_response_is_an_answer_in_each_layout(layout: str, tmp_path: Path) -> None:
    tally = Tally()
    pairs = list(source(tmp_path, ROWS[layout]).pairs(tally))
    assert [(p.chosen, p.rater) for p in pairs] == [("Yes", "u1"), ("No", "u2")]
    assert tally.dropped == {"response that is not submitted: discarded": 1}
    assert (tally.read, tally.balanced) == (3, True)


@pytest.mark.parametrize(
    "ranking",
    [
        ["response2", "response1"],
        [{"value": "response1", "rank": 2}, {"value": "response2", "rank": 1}],
    ],
)
def test_of_a_ranking_the_first_is_chosen(ranking: object, tmp_path: Path) -> None:
    (pair,) = source(tmp_path, TEXTS | {"preference": [answer(ranking, "u1")]}).pairs()
    assert (pair.chosen, pair.rejected) == ("No", "Yes")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            [{"value": "response1", "rank": 1}, {"value": "response2", "rank": 1}],
            "no preference: tie",
        ),
        (["response1", "response3"], "no preference: ranking of other responses"),
        ("both", "no preference: both"),
        (None, "no preference: empty"),
    ],
)
def test_a_record_without_a_preference_is_counted(
    value: object, reason: str, tmp_path: Path
) -> None:
    tally = Tally()
    assert list(source(tmp_path, TEXTS | {"preference": [answer(value, "u1")]}).pairs(tally)) == []
    assert tally.dropped == {reason: 1}


def test_fields_question_and_labels_can_be_named(tmp_path: Path) -> None:
    row = {
        "fields": {"q": "Tea?", "a": "Yes", "b": "No"},
        "responses": {"better": [answer("B wins", "u1")]},
    }
    names = {
        "prompt": "q",
        "first": "a",
        "second": "b",
        "question": "better",
        "second_label": "B wins",
    }
    (pair,) = source(tmp_path, row, **names).pairs()
    assert pair.chosen == "No"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"fields": {"prompt": "Tea?"}, "responses": {}}, "response1"),
        (TEXTS, "no responses to 'preference'"),
        (TEXTS | {"preference": ["yes"]}, "must be an object"),
    ],
)
def test_another_layout_is_refused(row: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        list(source(tmp_path, row).pairs())


def test_answers_without_as_many_users_are_refused_with_their_line(tmp_path: Path) -> None:
    flat = {"preference.responses": ["response1"], "preference.responses.users": ["u1", "u2"]}
    (tmp_path / "records.json").write_text(
        json.dumps([{"prompt": "Tea?", "response1": "Yes", "response2": "No"} | flat]), "utf-8"
    )
    with pytest.raises(InvalidInput, match="must be equal in number, got 1, 2 and 1"):
        list(ArgillaPairs(tmp_path / "records.json").pairs())
