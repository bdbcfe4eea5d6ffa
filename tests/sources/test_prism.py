import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pluralign.core import InvalidInput, PairSource, Tally
from pluralign.sources import PrismPairs, split_prism

PEOPLE = {"u1": "MEX", "u2": "GBR", "u3": "Prefer not to say"}


def said(n: int, score: object, text: str | None = None, **columns: object) -> dict[str, object]:
    row = {
        "utterance_id": f"t{n}",
        "interaction_id": "i1",
        "user_id": "u1",
        "user_prompt": "Tea?",
        "model_name": "m",
    }
    return row | {"model_response": text or f"Answer {n}", "score": score} | columns


def write(folder: Path, *utterances: dict[str, object], people: dict[str, str] = PEOPLE) -> Path:
    survey = [
        {"user_id": user, "location": {"reside_countryISO": place}}
        for user, place in people.items()
    ]
    for table, rows in (("survey", survey), ("utterances", list(utterances))):
        (folder / f"{table}.jsonl").write_text(
            "".join(json.dumps(row) + "\n" for row in rows), "utf-8"
        )
    return folder


def test_every_pair_scored_differently_is_a_choice(tmp_path: Path) -> None:
    tally = Tally()
    source = PrismPairs(write(tmp_path, said(1, 10), said(2, 90), said(3, 10), said(4, 50)))
    pairs = list(source.pairs(tally))
    assert {(p.chosen, p.rejected, p.strength) for p in pairs} == {
        ("Answer 2", "Answer 1", 80),
        ("Answer 4", "Answer 1", 40),
        ("Answer 2", "Answer 3", 80),
        ("Answer 2", "Answer 4", 40),
        ("Answer 4", "Answer 3", 40),
    }
    assert (tally.read, tally.kept, tally.dropped, tally.left_out) == (4, 4, {}, {"tie": 1})
    first = pairs[0]
    assert (first.id, first.community, first.rater, first.prompt, first.question) == (
        "t2>t1",
        "MEX",
        "u1",
        "Tea?",
        "Tea?",
    )
    assert (first.language, first.extra["interaction_id"]) == ("en", "i1")


def test_interactions_do_not_mix_even_when_interleaved(tmp_path: Path) -> None:
    rows = [
        said(1, 10),
        said(2, 20, interaction_id="i2", user_id="u2"),
        said(3, 30),
        said(4, 5, interaction_id="i2", user_id="u2"),
    ]
    assert [p.id for p in PrismPairs(write(tmp_path, *rows)).pairs()] == ["t3>t1", "t2>t4"]


def test_responses_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    tally = Tally()
    rows = [
        said(1, 10),
        said(2, 90, "EMPTY STRING"),
        said(3, 90, user_id="u3"),
        said(4, 90, user_id="u9"),
        said(5, 20, "Answer 1"),
    ]
    assert not list(PrismPairs(write(tmp_path, *rows)).pairs(tally))
    assert tally.dropped == {
        "empty response": 1,
        "country of residence: Prefer not to say": 1,
        "rater is not in the survey": 1,
        "in no pair: tied with all others": 2,
    }
    assert tally.left_out == {"same text on both sides": 1}


@pytest.mark.parametrize("score", ["good", float("inf"), True])
def test_a_score_that_is_no_number_is_named_or_counted(tmp_path: Path, score: object) -> None:
    folder = write(tmp_path, said(1, 10), said(2, score))
    with pytest.raises(InvalidInput, match=r"utterances\.jsonl:2"):
        list(PrismPairs(folder).pairs())
    tally = Tally()
    list(PrismPairs(folder, skip_bad=True).pairs(tally))
    assert tally.dropped == {"score is not a number": 1, "the only response of its turn": 1}


@pytest.mark.parametrize("score", [None, float("nan"), "NA"])
def test_a_response_without_a_score_is_counted(tmp_path: Path, score: object) -> None:
    tally = Tally()
    assert not list(PrismPairs(write(tmp_path, said(1, 10), said(2, score))).pairs(tally))
    assert tally.dropped == {"no score": 1, "the only response of its turn": 1}


def test_a_person_is_found_in_every_format_of_the_id(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        said(1, "10", user_id="17 "),
        said(2, 90, user_id=17.0),
        people={"17": "MEX\u00a0"},
    )
    assert [(p.rater, p.community, p.strength) for p in PrismPairs(folder).pairs()] == [
        ("17", "MEX", 80)
    ]


def test_people_who_refused_or_withdrew_are_dropped_and_counted(tmp_path: Path) -> None:
    folder = write(tmp_path, said(1, 10), said(2, 90))
    survey = {
        "user_id": "u1",
        "location": {"reside_countryISO": "MEX"},
        "consent": "No, I do not consent",
    }
    (folder / "survey.jsonl").write_text(json.dumps(survey) + "\n", "utf-8")
    tally = Tally()
    assert not list(PrismPairs(folder).pairs(tally))
    assert tally.dropped == {"consent refused or withdrawn": 2}


def test_a_survey_row_without_a_location_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, said(1, 10))
    (folder / "survey.jsonl").write_text('{"user_id": "u1"}\n')
    with pytest.raises(InvalidInput, match=r"survey\.jsonl:1"):
        list(PrismPairs(folder).pairs())


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"survey\.jsonl"):
        list(PrismPairs(tmp_path).pairs())
    assert isinstance(TypeAdapter(PrismPairs).validate_python({"path": str(tmp_path)}), PairSource)


@pytest.mark.slow
@pytest.mark.parametrize("n", [7, 1500])
def test_the_published_test_raters_are_those_of_the_datasets_library(
    tmp_path: Path, n: int
) -> None:
    datasets = pytest.importorskip("datasets")
    people = {f"user{i}": "MEX" for i in range(n)}
    ours = PrismPairs(write(tmp_path, said(1, 10), people=people)).published_test_raters()
    table = datasets.Dataset.from_dict({"user_id": list(people)})
    theirs = table.train_test_split(test_size=0.15, seed=0)["test"]["user_id"]
    assert ours == frozenset(theirs)


def test_the_published_split_parts_the_raters(tmp_path: Path) -> None:
    people = {f"u{i}": "MEX" for i in range(10)}
    rows = [
        said(2 * i + j, 10 + j, interaction_id=f"i{i}", user_id=f"u{i}")
        for i in range(10)
        for j in range(2)
    ]
    source = PrismPairs(write(tmp_path, *rows, people=people))
    pairs = list(source.pairs())
    split = split_prism(pairs, source.published_test_raters())
    assert (len(split.train), len(split.test)) == (8, 2)


def test_facts_that_raters_give_about_themselves_go_with_their_pairs(tmp_path: Path) -> None:
    folder = write(tmp_path, said(1, 10), said(2, 90))
    survey = [
        {
            "user_id": "u1",
            "location": {"reside_countryISO": "MEX"},
            "age": "25-34 years old",
            "gender": "Female",
            "consent": "Yes, I consent",
            "religion": {
                "self_described": "christian",
                "categorised": "Christian",
                "simplified": "Christian",
            },
            "ethnicity": None,
        }
    ]
    (folder / "survey.jsonl").write_text("".join(json.dumps(row) + "\n" for row in survey), "utf-8")

    (pair,) = PrismPairs(folder).pairs()

    said_of_self = {key: pair.extra[key] for key in ("age", "gender", "religion", "consent")}
    assert said_of_self == {
        "age": "25-34 years old", "gender": "Female", "religion": "Christian",
        "consent": "Yes, I consent"
    }  # fmt: skip
    assert "ethnicity" not in pair.extra


def test_a_second_row_of_the_same_text_and_score_is_dropped_and_counted(tmp_path: Path) -> None:
    once = [said(1, 10), said(2, 90)]
    again = [said(3, 90, "Answer 2"), said(1, 10)]
    alone, tally = list(PrismPairs(write(tmp_path, *once)).pairs()), Tally()
    assert list(PrismPairs(write(tmp_path, *once, *again)).pairs(tally)) == alone
    assert tally.dropped == {"duplicate row: same rater, texts and score": 2}
    assert (tally.balanced, tally.kept, tally.left_out) == (True, 2, {})


def test_the_same_choice_with_another_strength_counts_once(tmp_path: Path) -> None:
    tally = Tally()
    rows = [said(1, 90), said(2, 10), said(3, 80, "Answer 1")]
    (pair,) = PrismPairs(write(tmp_path, *rows)).pairs(tally)
    assert (pair.chosen, pair.rejected, pair.strength) == ("Answer 1", "Answer 2", 80)
    assert tally.left_out == {
        "same text on both sides": 1,
        "same choice of the same rater again": 1,
    }
    assert (tally.balanced, tally.kept) == (True, 3)


def test_the_same_choice_in_another_interaction_counts_again(tmp_path: Path) -> None:
    rows = [said(1, 10), said(2, 90)]
    later = [
        said(3, 10, "Answer 1", interaction_id="i2"),
        said(4, 90, "Answer 2", interaction_id="i2"),
    ]
    assert len(list(PrismPairs(write(tmp_path, *rows, *later)).pairs())) == 2
