"""BLEnD: common answers of regions as pairs, from small files written by hand."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput, PreferencePair, Tally
from pluralign.sources import BlendPairs
from pluralign.sources.answer_keys import answer_key
from pluralign.sources.blend import without_region

Answer = tuple[str, str, int]
"""Local form, English form, people."""


def asked(id_: str, local: str, english: str, *answers: Answer, **more: Any) -> dict[str, Any]:
    annotations = [{"answers": [a], "en_answers": [e], "count": n} for a, e, n in answers]
    return {
        "id": id_, "topic": "Food", "question": local, "en_question": english,
        "annotations": annotations, "idks": {"idk": 1, "not-applicable": 0, "no-answer": 0},
    } | more  # fmt: skip


US = [
    asked("q1", "What fruit is loved in the US?", "What fruit is loved in US?",
          ("apples", "apples", 4), ("grapes", "grapes", 1)),
    asked("q2", "What do people in the US drink?", "What do people in US drink?",
          ("coffee", "coffee", 3), ("tea", "tea", 1)),
]  # fmt: skip
IRAN = [
    asked("q1", "میوه محبوب در ایران چیست؟", "What fruit is loved in Iran?",
          ("انار", "pomegranate", 3), ("انگور", "grape", 2)),
    asked("q2", "مردم ایران چه می‌نوشند؟", "What do people in Iran drink?",
          ("چای", "tea", 5), ("قهوه", "coffee", 1)),
    asked("q3", "در ایران چه می‌خورید؟", "What do people eat in Iran?", ("سیب", "an apple", 2)),
]  # fmt: skip
NIGERIA = [
    asked("q1", "Wane irin 'ya'yan itace?", "What fruit is loved in Northern Nigeria?",
          ("mangwaro", "mango", 1)),
    asked("q2", "Me ake sha?", "What do people in Northern Nigeria drink?"),
]  # fmt: skip


def write(folder: Path, **regions: list[dict[str, Any]]) -> Path:
    for name, rows in regions.items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, "utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, US=US, Iran=IRAN, Northern_Nigeria=NIGERIA)


def texts(pairs: list[PreferencePair]) -> list[tuple[str, str, str, str]]:
    return [(str(p.prompt), p.community, p.chosen, p.rejected) for p in pairs]


def test_a_common_answer_of_one_region_is_chosen_over_that_of_another(folder: Path) -> None:
    tally = Tally()
    pairs = list(BlendPairs(folder).pairs(tally))
    fruit = "What fruit is loved in this region?"
    assert sorted(texts(pairs)) == [
        (fruit, "IRN", "pomegranate", "apples"),
        (fruit, "USA", "apples", "pomegranate"),
    ]
    assert {(p.question, p.stem, p.rater) for p in pairs} == {("q1", fruit, None)}
    assert [p.strength for p in pairs if p.community == "USA"] == [4 / 5]
    assert [p.extra["rejected_in"] for p in pairs if p.community == "USA"] == [["IRN"]]
    assert tally.dropped == Counter({
        "no other region with a different common answer": 3,  # q2 twice, and q3
        "no answer that at least 2 people gave": 1,
        "nobody gave an answer": 1,
    })  # fmt: skip
    assert tally.left_out == Counter({"another region's answer that people here gave, too": 2})
    assert (tally.read, tally.kept) == (7, 2)


def test_an_answer_of_one_person_is_common_if_that_is_asked(folder: Path) -> None:
    pairs = list(BlendPairs(folder, fewest_people=1).pairs())
    nigeria = [(p.chosen, p.rejected) for p in pairs if p.community == "NGA/north"]
    assert sorted(nigeria) == [("mango", "apples"), ("mango", "pomegranate")]


def test_a_question_names_its_region_if_that_is_asked(folder: Path) -> None:
    pairs = list(BlendPairs(folder, place=True).pairs())
    assert {p.prompt for p in pairs} == {
        "What fruit is loved in US?",
        "What fruit is loved in Iran?",
    }
    assert len({p.stem for p in pairs}) == 1


def test_a_wrong_answer_is_written_in_the_language_of_the_region(folder: Path) -> None:
    tally = Tally()
    pairs = list(BlendPairs(folder, language="local", place=True).pairs(tally))
    assert texts(pairs) == [("میوه محبوب در ایران چیست؟", "IRN", "انار", "سیب")]
    assert pairs[0].language == "fa"
    unwritten = "another region's answer that nobody here wrote in the language"
    assert tally.left_out[unwritten] == 1  # nobody in the United States wrote "pomegranate"


def test_one_wrong_answer_of_two_regions_is_one_pair(tmp_path: Path) -> None:
    one = asked("q1", "?", "Fruit in UK?", ("a pear", "a pear", 2))
    two = asked("q1", "?", "Fruit in Greece?", ("Pears", "Pears", 3))
    write(tmp_path, US=US, UK=[one], Greece=[two])
    tally = Tally()
    pairs = [p for p in BlendPairs(tmp_path).pairs(tally) if p.community == "USA"]
    assert [(p.rejected, p.extra["rejected_in"]) for p in pairs] == [("Pears", ["GRC", "GBR"])]
    assert [p.chosen for p in BlendPairs(tmp_path).pairs() if p.community == "GBR"] == ["a pear"]
    assert tally.left_out["one wrong answer of several regions"] == 1


def test_an_answer_without_words_overlaps_with_no_other(tmp_path: Path) -> None:
    one = asked("q1", "?", "Dish in UK?", ("pie", "pie", 2), ("?", "?", 1))
    two = asked("q1", "?", "Dish in Greece?", ("τυρί", "cheese", 2))
    pairs = BlendPairs(write(tmp_path, UK=[one], Greece=[two])).pairs()
    assert [(p.chosen, p.rejected) for p in pairs] == [("cheese", "pie"), ("pie", "cheese")]


def test_answers_that_overlap_are_no_pair(tmp_path: Path) -> None:
    one = asked("q1", "?", "Dish in UK?", ("bread and cheese", "bread and cheese", 2))
    two = asked("q1", "?", "Dish in Greece?", ("τυρί", "cheese", 2))
    tally = Tally()
    assert not list(BlendPairs(write(tmp_path, UK=[one], Greece=[two])).pairs(tally))
    assert tally.left_out == Counter(
        {"another region's answer that overlaps with one given here": 2}
    )


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"answers": ["a"], "en_answers": ["a"]}, "count"),
        ({"answers": ["a"], "en_answers": ["a"], "count": 0}, "count"),
        ({"answers": "a", "en_answers": ["a"], "count": 2}, "list of texts"),
    ],
)
def test_a_bad_row_is_named_with_its_file_and_line(
    folder: Path, annotation: dict[str, Any], message: str
) -> None:
    write(folder, Iran=[IRAN[0], IRAN[1] | {"annotations": [annotation]}])
    with pytest.raises(InvalidInput, match=message) as stopped:
        list(BlendPairs(folder).pairs())
    assert str(stopped.value.where) == f"{folder / 'Iran.jsonl'}:2"
    tally = Tally()
    assert list(BlendPairs(folder, skip_bad=True).pairs(tally))
    assert tally.balanced
    assert tally.dropped.total() == 4


def test_a_file_of_no_known_region_is_refused(folder: Path) -> None:
    write(folder, Atlantis=IRAN)
    with pytest.raises(InvalidInput, match="'Atlantis' must be the name of a region"):
        list(BlendPairs(folder).pairs())


def test_an_id_given_twice_in_a_region_is_refused(folder: Path) -> None:
    write(folder, US=[*US, US[0]])
    with pytest.raises(InvalidInput, match="given twice for USA") as stopped:
        list(BlendPairs(folder).pairs())
    assert "US.jsonl:3" in str(stopped.value)


def test_a_question_in_one_language_only_is_counted(folder: Path) -> None:
    write(folder, US=[US[0] | {"en_question": " ", "question": ""}, US[1]])
    write(folder, Iran=[IRAN[0] | {"question": ""}, *IRAN[1:]])
    tally = Tally()
    assert not list(BlendPairs(folder, skip_bad=True).pairs(tally))
    assert tally.balanced
    assert tally.dropped["no question or answer in both languages"] == 1


def test_local_questions_without_the_place_are_refused(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="local languages"):
        BlendPairs(folder, language="local")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Sandwiches!", "sandwich"),
        ("Berries", "berry"),
        ("cheese and bread", "Bread and Cheese"),
        ("كتاب", "کتاب"),
        ("۱۲", "12"),
        ("café", "Cafe"),
        ("ｔｅａ", "tea"),
        ("09:00", "9:00"),
    ],
)
def test_spellings_of_one_answer_are_equal(one: str, other: str) -> None:
    assert answer_key(one) == answer_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.5", "15"), ("bus", "bu"), ("rice", "fried rice"), ("পানী", "পান"), ("মাছ", "ছমা")],
)
def test_different_answers_differ(one: str, other: str) -> None:
    assert answer_key(one) != answer_key(other)


def test_a_region_within_a_word_stays() -> None:
    assert without_region("Which bus in the US is best?", "US") == (
        "Which bus in this region is best?"
    )


@pytest.mark.shared
@pytest.mark.slow
def test_the_real_questions_make_pairs_for_ten_regions(shared_data: Path) -> None:
    tally = Tally()
    pairs = list(BlendPairs(shared_data / "blend").pairs(tally))
    assert (tally.read, tally.balanced) == (5000, True)
    counts = Counter(pair.community for pair in pairs)
    assert len(counts) == 10
    assert min(counts.values()) > 1000
    assert all(answer_key(p.chosen) != answer_key(p.rejected) for p in pairs)
    assert not any("Iran" in str(p.prompt) for p in pairs if p.community == "IRN")
    assert len({p.stem for p in pairs}) == len({p.question for p in pairs})
