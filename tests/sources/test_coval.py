import json
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources import CoValPairs


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def assessed(annotator: str, personal: str | None, world: str = "D>C>B>A") -> dict[str, object]:
    blocks = {
        "personal": [{"ranking": personal}] if personal else [],
        "world": [{"ranking": world}],
    }
    return {"annotator_id": annotator, "ranking_blocks": blocks}


def row(*assessments: dict[str, object]) -> dict[str, object]:
    return {
        "prompt_id": "p1",
        "prompt": {"messages": [{"role": "user", "content": "Tea?"}]},
        "responses": [
            {"response_index": name, "messages": said(f"Answer {name}")} for name in "ABCD"
        ],
        "metadata": {"assessments": list(assessments)},
    }


def source(folder: Path, value: object, **settings: object) -> CoValPairs:
    (folder / "comparisons.jsonl").write_text(json.dumps(value) + "\n", "utf-8")
    return CoValPairs(folder / "comparisons.jsonl", **settings)  # type: ignore[arg-type]


def test_a_ranking_makes_a_pair_of_every_two_that_do_not_tie(tmp_path: Path) -> None:
    tally = Tally()
    pairs = list(source(tmp_path, row(assessed("u1", "B>A=C>D"))).pairs(tally))
    found = {(pair.chosen[-1], pair.rejected[-1]) for pair in pairs}
    assert found == {("B", "A"), ("B", "C"), ("B", "D"), ("A", "D"), ("C", "D")}
    assert {pair.rater for pair in pairs} == {"u1"}
    assert {pair.community for pair in pairs} == {"~world"}
    assert tally.balanced


def test_each_assessment_is_an_answer_and_one_without_a_ranking_is_counted(tmp_path: Path) -> None:
    tally = Tally()
    assessments = [
        assessed("u1", "A>B>C>D"),
        assessed("u2", None),
        assessed("u3", "A=B=C=D"),
        assessed("u4", "E>A"),
    ]
    pairs = list(source(tmp_path, row(*assessments)).pairs(tally))
    assert len(pairs) == 6
    assert (tally.read, tally.kept, tally.balanced) == (4, 1, True)
    assert tally.dropped["no personal ranking"] == 1
    assert tally.dropped["ranking of a response that is not there: E"] == 1


def test_a_response_named_twice_or_of_several_turns_makes_no_pair_and_is_counted(
    tmp_path: Path,
) -> None:
    twice = Tally()
    assert not list(source(tmp_path, row(assessed("u1", "A>B>A"))).pairs(twice))
    assert twice.dropped == {"ranking that names a response twice": 1}
    long = Tally()
    responses = [{"response_index": name, "messages": said("Yes") + said(name)} for name in "AB"]
    assert not list(
        source(tmp_path, row(assessed("u1", "A>B")) | {"responses": responses}).pairs(long)
    )
    assert long.dropped == {"a response of several turns": 1}


def test_a_country_that_is_none_is_refused_and_an_empty_file_is_named(tmp_path: Path) -> None:
    people = {"annotator_id": "u1", "demographics": {"country_of_residence": "Atlantis"}}
    (tmp_path / "annotators.jsonl").write_text(json.dumps(people) + "\n", "utf-8")
    given = source(tmp_path, row(assessed("u1", "A>B")), annotators=tmp_path / "annotators.jsonl")
    with pytest.raises(InvalidInput, match="no community is known as 'Atlantis'"):
        list(given.pairs())
    given.path.write_text("", "utf-8")
    with pytest.raises(NotEnoughData, match="no rows"):
        list(given.pairs())


def test_the_ranking_for_the_world_can_be_chosen(tmp_path: Path) -> None:
    pairs = list(source(tmp_path, row(assessed("u1", "A>B>C>D")), ranking="world").pairs())
    assert {pair.chosen[-1] for pair in pairs} == {"B", "C", "D"}


@pytest.mark.parametrize("skip_bad", [True, False])
def test_a_bad_row_of_annotators_is_named_with_its_own_file(tmp_path: Path, skip_bad: bool) -> None:
    path = tmp_path / "annotators.jsonl"
    path.write_text('{"annotator_id": "u1", "country": "Mexico"}\n{"country": "Peru"}\n', "utf-8")
    given = source(tmp_path, row(assessed("u1", "A>B")), annotators=path, skip_bad=skip_bad)
    with pytest.raises(InvalidInput, match="missing column 'annotator_id'") as caught:
        list(given.pairs())
    assert caught.value.where == f"{path}:2"


@pytest.mark.parametrize("nested", [True, False])
def test_countries_come_from_the_annotators(tmp_path: Path, nested: bool) -> None:
    people = [
        {"annotator_id": "u1", "country": "Mexico"},
        {"annotator_id": "u2", "country": "Prefer not to say"},
    ]
    if nested:
        people = [
            {"annotator_id": p["annotator_id"], "demographics": {"country": p["country"]}}
            for p in people
        ]  # type: ignore[dict-item]
    (tmp_path / "annotators.jsonl").write_text(
        "".join(json.dumps(p) + "\n" for p in people), "utf-8"
    )
    value = row(assessed("u1", "A>B"), assessed("u2", "A>B"))
    tally = Tally()
    (pair,) = source(tmp_path, value, annotators=tmp_path / "annotators.jsonl").pairs(tally)
    assert (pair.rater, pair.community) == ("u1", "MEX")
    assert (tally.read, tally.dropped) == (2, {"annotator without a country": 1})


@pytest.mark.parametrize(
    ("ranking", "reason"),
    [("A>B>A", "ranking that names a response twice"), ("A", "ranking of one response")],
)
def test_a_ranking_that_is_empty_or_contradicts_itself_is_counted(
    tmp_path: Path, ranking: str, reason: str
) -> None:
    tally = Tally()
    assert not list(source(tmp_path, row(assessed("u1", ranking))).pairs(tally))
    assert tally.dropped == {reason: 1}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"prompt": "Tea?"}, "responses"),
        (row() | {"metadata": {}}, "must have assessments"),
        (row(assessed("u1", "A>B")) | {"responses": ["yes"]}, "must be an object"),
    ],
)
def test_another_layout_is_refused(value: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        list(source(tmp_path, value).pairs())
