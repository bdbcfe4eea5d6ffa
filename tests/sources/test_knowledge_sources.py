import gzip
import json
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources import BlendKnowledge, KnowledgeSource, MultipleChoice, read_knowledge
from pluralign.sources.knowledge_choices import option_named
from pluralign.sources.typed_cells import BadRow

SNACK = {
    "id": "f-1",
    "topic": "Food",
    "question": "Menene abincin yara?",
    "en_question": "What do children eat in Northern Nigeria?",
    "annotations": [
        {"answers": ["burodi ", "biredi", ""], "en_answers": ["bread"], "count": 2},
        {"answers": [" "], "en_answers": [], "count": 1},
    ],
    "idks": {"idk": 1, "no-answer": 0, "not-applicable": 0},
}
CAPITAL = {
    "id": "ck-1",
    "category": "places",
    "question": "پایتخت ایران کجاست؟",
    "candidates": ["شیراز", "تهران", "تبریز", ""],
    "answer": "۲",
}


def write(path: Path, *rows: object) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_blend_gives_the_region_languages_variants_and_counts(tmp_path: Path) -> None:
    tally = Tally()
    nobody = SNACK | {"id": "f-2", "annotations": []}
    source = BlendKnowledge(write(tmp_path / "Northern_Nigeria.jsonl.gz", SNACK, nobody))
    (question,) = read_knowledge(source, tally).questions
    assert (question.community, question.language, question.topic) == ("NGA/north", "ha", "Food")
    assert question.texts["en"].endswith("in Northern Nigeria?")
    assert question.answers[0].variants == {"ha": ("burodi", "biredi"), "en": ("bread",)}
    assert (question.weights, question.without_answer) == ((2,), 1)
    assert tally.dropped == {"nobody gave an answer": 1}
    assert tally.left_out == {"empty variant of an answer": 2, "answer without a text": 1}
    assert tally.balanced
    assert isinstance(source, KnowledgeSource)


def test_a_folder_of_blend_joins_its_regions_under_the_same_ids(tmp_path: Path) -> None:
    for region in ("Iran", "West_Java"):
        write(tmp_path / f"{region}.jsonl", SNACK)
    test = read_knowledge(BlendKnowledge(tmp_path))
    assert test.communities == ("IDN/jb", "IRN")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"answers": ["a"], "en_answers": ["a"]}, "answer 1: the number of people .* is missing"),
        ({"answers": ["a"], "en_answers": ["a"], "count": 0}, "must be a whole number >= 1, got 0"),
        ({"answers": "a", "en_answers": ["a"], "count": 1}, "'answers' must be a list of texts"),
        ("a", "answer 1 must be an object"),
    ],
)
def test_answers_that_cannot_be_read_are_refused_with_file_and_line(
    answer: object, message: str, tmp_path: Path
) -> None:
    bad = SNACK | {"id": "f-2", "annotations": [answer]}
    path = write(tmp_path / "Iran.jsonl", SNACK, bad)
    with pytest.raises(InvalidInput, match=rf"Iran\.jsonl:2: .*{message}"):
        read_knowledge(BlendKnowledge(path))
    tally = Tally()
    assert len(read_knowledge(BlendKnowledge(path, skip_bad=True), tally).questions) == 1
    assert tally.dropped.total() == 1


def test_one_id_given_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "Iran.jsonl", SNACK, SNACK)
    with pytest.raises(InvalidInput, match=r"Iran\.jsonl:2: .*twice.*Iran\.jsonl:1"):
        read_knowledge(BlendKnowledge(path))


def test_a_file_that_is_not_named_after_a_region_needs_its_community(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", SNACK)
    with pytest.raises(InvalidInput, match=r"'mine' must be the name of a region"):
        read_knowledge(BlendKnowledge(path))
    named = BlendKnowledge(path, community="IND/AS", language="as")
    assert read_knowledge(named).communities == ("IND/as",)
    with pytest.raises(InvalidInput, match="no community is known as 'Atlantis'"):
        read_knowledge(BlendKnowledge(path, community="Atlantis", language="as"))


def test_a_test_of_which_nothing_is_left_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    path = write(tmp_path / "Iran.jsonl", SNACK | {"annotations": []})
    with pytest.raises(NotEnoughData, match="1 x nobody gave an answer"):
        read_knowledge(BlendKnowledge(path))


def test_multiple_choice_reads_persian_digits_and_leaves_out_empty_options(tmp_path: Path) -> None:
    tally = Tally()
    source = MultipleChoice(write(tmp_path / "ck.jsonl", CAPITAL), "IRN", "fa")
    (question,) = read_knowledge(source, tally).questions
    assert question.options == {"fa": ("شیراز", "تهران", "تبریز")}
    assert question.answers[0].variants == {"fa": ("تهران",)}
    assert (question.counted, question.topic) == (False, "places")
    assert tally.left_out == {"empty option at the end": 1}


@pytest.mark.parametrize(
    "text",
    [
        "id,question,A,B,C,answer\nq1,Drink?,tea,coffee,milk,b\n",
        "id,question,option 1,option 2,option 3,answer\nq1,Drink?,tea,coffee,milk,2\n",
        "id,question,choices,answer\nq1,Drink?,tea|coffee|milk,coffee\n",
        'id,question,options,answer\nq1,Drink?,"[""tea"", ""coffee"", ""milk""]",(B)\n',
    ],
)
def test_options_of_a_csv_file_may_have_columns_or_share_a_cell(text: str, tmp_path: Path) -> None:
    path = tmp_path / "drinks.csv"
    path.write_text(text, encoding="utf-8")
    (question,) = read_knowledge(MultipleChoice(path, "GBR", "en")).questions
    assert question.options["en"] == ("tea", "coffee", "milk")
    assert question.answers[0].variants["en"] == ("coffee",)


def test_an_empty_option_column_does_not_shift_the_letters_of_later_options(tmp_path: Path) -> None:
    path = tmp_path / "drinks.csv"
    path.write_text(
        "id,question,A,B,C,answer\nq1,Drink?,,tea,milk,B\nq2,Eat?,rice,bread,,B\n",
        encoding="utf-8",
    )
    tally = Tally()
    (kept,) = read_knowledge(MultipleChoice(path, "GBR", "en", skip_bad=True), tally).questions
    assert kept.options["en"] == ("rice", "bread")
    assert kept.answers[0].variants["en"] == ("bread",)
    assert tally.dropped == {"fewer than two options, or an empty one": 1}
    assert tally.left_out == {"empty option at the end": 1}


def test_an_option_column_that_a_row_lacks_does_not_shift_later_options(tmp_path: Path) -> None:
    rows = (
        {"id": "1", "question": "Drink?", "A": "tea", "C": "milk", "answer": "C"},
        {"id": "2", "question": "Drink?", "A": "tea", "B": "milk", "answer": "B"},
        {"id": "3", "question": "Drink?", "A": "tea", "2": "milk", "answer": "A"},
        {"id": "4", "question": "Drink?", "0": "tea", "1": "milk", "answer": "1"},  # tea or milk?
    )
    tally = Tally()
    source = MultipleChoice(write(tmp_path / "rows.jsonl", *rows), "GBR", "en", skip_bad=True)
    (kept,) = read_knowledge(source, tally).questions
    assert kept.options["en"] == ("tea", "milk")
    assert kept.answers[0].variants["en"] == ("milk",)
    assert tally.dropped == {
        "fewer than two options, or an empty one": 1,
        "options in columns of letters and of numbers": 1,
        "options are numbered from 0": 1,
    }
    from_zero = MultipleChoice(write(tmp_path / "zero.jsonl", rows[3]), "GBR", "en", first=0)
    (read,) = read_knowledge(from_zero).questions
    assert read.answers[0].variants["en"] == ("milk",)


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("2", 1),
        (2, 1),
        (2.0, 1),
        ("۲", 1),
        ("٢", 1),
        ("２", 1),
        ("b.", 1),
        ("ب", 1),
        ("ج", 2),
        ("الف", 0),
    ],
)
def test_an_answer_key_is_read_in_the_digits_and_letters_of_its_script(
    key: object, index: int
) -> None:
    assert option_named(key, ("tea", "coffee", "milk")) == index


def test_a_key_that_a_spreadsheet_wrote_with_a_decimal_point_names_its_option(
    tmp_path: Path,
) -> None:
    path = tmp_path / "exam.csv"
    lines = ["id,question,choices,answer", "q1,Drink?,tea|coffee,2.0", "q2,Food?,rice|bread,1.5"]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"'1\.5' is not among the 2 options") as error:
        read_knowledge(MultipleChoice(path, "GBR", "en"))
    assert error.value.where == f"{path}:3"
    (kept,) = read_knowledge(MultipleChoice(path, "GBR", "en", skip_bad=True)).questions
    assert kept.answers[0].variants["en"] == ("coffee",)
    with pytest.raises(BadRow, match="number of an option and the text of another one"):
        option_named("1.0", ("2.0", "1.0"))


def test_options_may_be_numbered_from_zero() -> None:
    assert option_named("0", ("tea", "coffee"), first=0) == 0


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("5", "'5' is not among the 3 options"),
        ("0", "'0' is not among the 3 options"),
        ("juice", "'juice' is not among the 3 options"),
        ("", "must name one of 3 options"),
        (None, "must name one of 3 options"),
    ],
)
def test_an_answer_key_that_names_no_option_is_refused(key: object, message: str) -> None:
    with pytest.raises(BadRow, match=message):
        option_named(key, ("tea", "coffee", "milk"))


def test_an_answer_key_that_is_a_number_and_another_option_is_refused() -> None:
    with pytest.raises(BadRow, match="number of an option and the text of another one"):
        option_named("2", ("2", "3", "4"))
    assert option_named("3", ("1", "2", "3")) == 2


def test_an_answer_that_is_no_candidate_is_refused_with_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path / "ck.jsonl", CAPITAL, CAPITAL | {"id": "ck-2", "answer": "4"})
    with pytest.raises(InvalidInput, match=r"ck\.jsonl:2: 'answer' '4' is not among the 3"):
        read_knowledge(MultipleChoice(path, "IRN", "fa"))


def test_the_real_regions_and_persian_questions_add_up(shared_data: Path) -> None:
    tally = Tally()
    regions = read_knowledge(BlendKnowledge(shared_data / "blend"), tally)
    assert len(regions.communities) == 10
    assert tally.balanced
    assert (tally.kept, tally.dropped["nobody gave an answer"]) == (4838, 162)
    tally = Tally()
    path = shared_data / "parsinlu" / "multiple_choice_test.jsonl.gz"
    persian = read_knowledge(MultipleChoice(path, "IRN", "fa", skip_bad=True), tally)
    assert tally.balanced
    assert len(persian.questions) == 699
