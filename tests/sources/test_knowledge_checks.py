import json
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput, NotEnoughData, PlaceWords
from pluralign.sources import MultipleChoice, WrittenKnowledge, read_knowledge
from pluralign.sources.community_labels import language_tag
from pluralign.sources.knowledge_checks import Checked, check_knowledge
from pluralign.sources.knowledge_recognised import recognise_knowledge
from pluralign.sources.knowledge_template import written_template
from pluralign.sources.license_terms import derived_works

HEAD = 'name = "tiny"\ncommunity = "MEX/Oaxaca"\nlanguage = "es"\nlicense = "CC0-1.0"\npeople = 9\n'
FOOD = """
[[question]]
id = "food-1"
topic = "Food"
dont_know = 1
text = { es = "¿Qué se desayuna?", en = "What is for breakfast?" }
answers = [
  { es = ["tamales", "tamal"], en = ["tamales"], people = 5 },
  { es = ["pan"], people = 2 },
]
"""


def options(id_: str, text: str, right: str, *wrong: str, people: bool = True) -> str:
    """A question with options; the right one comes last."""
    others = [f'{{ es = ["{option}"], people = 1 }}, ' for option in wrong] if people else []
    return (
        f'[[question]]\nid = "{id_}"\ntext.es = "{text}"\n'
        f"options.es = {json.dumps([*wrong, right], ensure_ascii=False)}\n"
        f'answers = [{"".join(others)}{{ es = ["{right}"], people = 4 }}]\n'
    )


def write_test(folder: Path, *questions: str, head: str = HEAD) -> Path:
    path = folder / "tiny.toml"
    path.write_text(head + "".join(questions), encoding="utf-8")
    return path


def checked(folder: Path, *questions: str, head: str = HEAD) -> Checked:
    return check_knowledge(WrittenKnowledge(write_test(folder, *questions, head=head)))


def kinds(found: Checked) -> list[tuple[str, str, str]]:
    """Line, question and kind of each fault."""
    return [(f.where.rpartition(":")[2], f.question, f.kind) for f in found.faults]


def test_a_sound_test_has_no_faults(tmp_path: Path) -> None:
    found = checked(tmp_path, FOOD, options("h", "¿Qué fiesta?", "Guelaguetza", "Carnaval"))
    assert found.faults == ()
    assert found.questions == {"MEX/oaxaca": 2}
    assert found.tally.balanced


def test_a_written_test_has_its_people_variants_and_name(tmp_path: Path) -> None:
    checked(tmp_path, FOOD)
    source = WrittenKnowledge(tmp_path / "tiny.toml")
    test = read_knowledge(source)
    (question,) = test.questions
    assert (test.name, test.license) == ("tiny", "CC0-1.0")
    assert (question.people, question.without_answer, question.weights) == (9, 1, (5, 2))
    assert question.answers[0].variants == {"es": ("tamales", "tamal"), "en": ("tamales",)}


def test_a_licence_that_is_not_a_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(HEAD.replace('"CC0-1.0"', "2024") + FOOD, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"tiny\.toml.*license must be a text, got 2024"):
        check_knowledge(WrittenKnowledge(path))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("people = 5 }", "people = 0 }", "must be a whole number >= 1, got 0"),
        (", people = 5 }", " }", "answer 1: the number of people .* is missing"),
        ("people = 5 }", "people = 50 }", "only 9 people were asked"),
        ('es = ["pan"]', 'es = [""]', "at least one variant"),
        ('es = ["pan"]', 'es = "pan"', "must be a list of texts"),
        ("topic =", "topc =", "unknown key 'topc'"),
        ('id = "food-1"', 'id = " "', "'id' must be an id, got ' '"),
        ('id = "food-1"', 'id = ["food-1"]', "'id'"),
        ('{ es = "¿Qué se desayuna?", en = "What is for breakfast?" }', '"?"', "table of texts"),
    ],
)
def test_a_question_that_cannot_be_read_is_a_fault_with_its_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in FOOD
    found = checked(tmp_path, FOOD.replace(old, new), FOOD.replace("food-1", "food-2"))
    assert kinds(found) == [
        ("7", "", "cannot be read"),
    ]
    with pytest.raises(InvalidInput, match=rf"tiny\.toml:7: .*{message}"):
        read_knowledge(WrittenKnowledge(tmp_path / "tiny.toml"))


def test_a_test_has_its_own_words_for_its_place_in_each_language(tmp_path: Path) -> None:
    words = 'place.es = { name = "Oaxaca ", phrases = ["en Oaxaca", "oaxaqueña"] }\n'
    path = write_test(tmp_path, FOOD, head=HEAD + words + 'place.fa = { name = "اوآخاکا" }\n')
    (question,) = read_knowledge(WrittenKnowledge(path)).questions
    assert question.place == {
        "es": PlaceWords("Oaxaca", ("en Oaxaca", "oaxaqueña")),
        "fa": PlaceWords("اوآخاکا"),
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ('place = "Oaxaca"', "place must be a table by language"),
        ('place.es = ["en Oaxaca"]', "place, es: must have a name"),
        ('place.es = { name = "Oaxaca", phrases = "en Oaxaca" }', "must be a list of texts"),
        ('place.es = { name = "Oaxaca", phrases = [""] }', "must not be empty"),
        ('place.es = { name = "Oaxaca", phrase = [] }', "did you mean 'phrases'"),
        ('place.spanish = { name = "Oaxaca" }', "must be the tag of a language.*\\n.*write es"),
    ],
)
def test_words_for_a_place_that_cannot_be_read_are_refused_with_their_line(
    words: str, message: str, tmp_path: Path
) -> None:
    path = write_test(tmp_path, FOOD, head=HEAD + words + "\n")
    with pytest.raises(InvalidInput, match=rf"(?s)tiny\.toml:6: .*{message}"):
        read_knowledge(WrittenKnowledge(path))


def test_an_answer_that_is_no_option_is_a_fault_with_its_line(tmp_path: Path) -> None:
    bad = options("h", "¿Qué?", "uno", "dos", "tres").replace('es = ["uno"]', 'es = ["seis"]')
    (fault,) = checked(tmp_path, bad).faults
    assert (fault.kind, fault.where.rpartition(":")[2]) == ("cannot be read", "6")
    assert "'seis' is not among the options" in fault.what


def test_an_answer_that_is_two_options_is_a_fault(tmp_path: Path) -> None:
    bad = options("h", "¿Qué?", "uno", "dos", "tres").replace('["uno"], p', '["uno", "dos"], p')
    (fault,) = checked(tmp_path, bad).faults
    assert fault.kind == "cannot be read"
    assert "one answer must be one option in 'es', got 2: dos, uno" in fault.what


def test_an_answer_without_an_option_in_one_of_the_languages_is_a_fault(tmp_path: Path) -> None:
    bad = options("h", "¿Qué?", "uno", "dos", "tres").replace(
        "answers =", 'options.en = ["two", "three", "one"]\nanswers ='
    )
    (fault,) = checked(tmp_path, bad).faults
    assert fault.kind == "cannot be read"
    assert "'dos' has no option in 'en'" in fault.what


def test_a_question_doubled_in_one_of_its_languages_is_a_fault_that_names_it(
    tmp_path: Path,
) -> None:
    other = FOOD.replace("food-1", "food-2").replace("se desayuna", "se come temprano")
    copy = FOOD.replace("food-1", "food-3")
    found = checked(tmp_path, FOOD, other, copy)

    assert kinds(found) == [
        ("17", "food-2", "doubled question"),
        ("27", "food-3", "doubled question"),
    ]
    in_english, whole = found.faults
    assert "in 'en' it asks the same as question 'food-1' at" in in_english.what
    assert "but not in its other languages" in in_english.what
    assert whole.what.startswith("it asks the same as question 'food-1' at")


def test_an_answer_doubled_in_any_language_is_a_fault_that_names_it(tmp_path: Path) -> None:
    english = FOOD.replace('es = ["pan"]', 'es = ["pan"], en = ["Tamales!"]')
    both = english.replace('es = ["pan"]', 'es = ["tamal"]').replace("food-1", "food-2")
    both = both.replace("desayuna", "cena").replace("breakfast", "dinner")

    assert [(f.question, f.kind, f.what) for f in checked(tmp_path, english, both).faults] == [
        ("food-1", "doubled answer", "'tamales' is a variant in 'en' of 2 answers: 1, 2"),
        ("food-2", "doubled answer", "'tamal' is a variant in 'es' of 2 answers: 1, 2"),
        ("food-2", "doubled answer", "'tamales' is a variant in 'en' of 2 answers: 1, 2"),
    ]


def test_texts_and_answers_that_are_not_in_the_local_language_are_faults(tmp_path: Path) -> None:
    english = (
        FOOD.replace("{ es = ", "{ en = ")
        .replace(', en = ["tamales"]', "")
        .replace('en = "¿Qué se desayuna?", ', "")
    )
    found = checked(tmp_path, english, FOOD.replace('es = ["pan"]', 'en = ["bread"]', 1))
    assert [(f.question, f.kind, f.what) for f in found.faults if "doubled" not in f.kind] == [
        (
            "food-1",
            "not in the local language",
            "the question has no text in 'es'; it has en",
        ),
        (
            "food-1",
            "not in the local language",
            "no variant in 'es': 2 answers (tamales, pan)",
        ),
        ("food-1", "not in the local language", "no variant in 'es': 1 answer (bread)"),
    ]


def test_rows_are_counted_by_reasons_without_their_texts(tmp_path: Path) -> None:
    right = options("h", "¿Qué?", "uno", "dos", "tres")
    bad = [
        right.replace('id = "h"', f'id = "h{k}"').replace('es = ["uno"]', f'es = ["x{k}"]')
        for k in range(3)
    ]
    asked = FOOD.replace("people = 5 }", "people = 50 }")
    assert checked(tmp_path, right, *bad, asked).tally.dropped == {
        "answer is not among the options": 3,
        "more people answered than were asked": 1,
    }


@pytest.mark.parametrize("option", ["dos", ""])
def test_an_option_that_is_empty_or_given_twice_is_a_fault(option: str, tmp_path: Path) -> None:
    bad = options("h", "¿Qué?", "uno", "dos", "tres").replace('["dos", ', f'["{option}", "dos", ')
    (fault,) = checked(tmp_path, bad).faults
    assert fault.kind == "cannot be read"
    assert "all different, none empty" in fault.what


def test_an_option_without_words_is_not_in_the_text_of_a_question(tmp_path: Path) -> None:
    assert checked(tmp_path, options("h", "¿Qué signo?", "+", "uno", "dos")).faults == ()


def test_a_fault_of_a_test_whose_lines_are_not_known_names_its_file(tmp_path: Path) -> None:
    rows = [
        f'{{id = "q{k}", text = {{es = "¿{k}?"}}, options = {{es = ["a{k}", "b{k}", "c{k}"]}}, '
        f'answers = [{{es = ["a{k}"], people = 1}}]}}'
        for k in range(12)
    ]
    faults = checked(tmp_path, f"question = [{', '.join(rows)}]\n").faults
    (position,) = (fault for fault in faults if fault.kind == "given away by position")
    assert position.where == str(tmp_path / "tiny.toml")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (
            HEAD.replace("MEX/Oaxaca", "QQQ/north"),
            r"tiny\.toml:2: the region 'QQQ/north' is of no country",
        ),
        (HEAD.replace('community = "MEX/Oaxaca"\n', ""), "the test must have the key community"),
        (
            HEAD.replace('"es"', '"spanish"'),
            r"tiny\.toml:3: language must be the tag .*\n.*write es",
        ),
        (
            HEAD.replace('"es"', '"oaxacan"'),
            r"tiny\.toml:3: language must be the tag of a language",
        ),
        (HEAD + "name = 1\n", r"tiny\.toml:6: not valid TOML"),
    ],
)
def test_a_test_without_a_known_community_or_language_is_refused(
    head: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        checked(tmp_path, FOOD, head=head)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"tiny\.toml: the file is empty\n.*knowledge new"),
        (b"# later\n", "the file is empty, except for comments"),
        (b'name = "x"\ncommunity = "MEX\n', r"tiny\.toml:2: not valid TOML.*\n.*quotation marks"),
        (b'name = "x"\n# Yucat\xe1n\n', r"tiny\.toml:2: the file is not UTF-8.*\n.*Save as"),
        ('name = "x"'.encode("utf-16"), r"tiny\.toml:1: the file is not UTF-8"),
    ],
)
def test_a_file_that_is_empty_or_damaged_is_refused_with_its_line_and_the_next_step(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        check_knowledge(WrittenKnowledge(path))


def test_doubled_ids_questions_and_answers_are_found(tmp_path: Path) -> None:
    again = FOOD.replace("food-1", "food-2").replace("¿Qué se desayuna?", "¿que se DESAYUNA?")
    twice = FOOD.replace("¿Qué se desayuna?", "¿Qué se cena?")
    shared = (
        FOOD.replace("food-1", "food-3")
        .replace("desayuna", "come")
        .replace("breakfast", "lunch")
        .replace('["pan"]', '["pan", "Tamal"]')
    )
    assert kinds(checked(tmp_path, FOOD, again, twice, shared)) == [
        ("17", "food-2", "doubled question"),
        ("27", "food-1", "doubled id"),
        ("37", "food-3", "doubled answer"),
    ]


def test_half_width_and_full_width_letters_are_found_and_full_width_marks_are_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        {"question": "お昼に何を食べる？", "candidates": ["ﾗｰﾒﾝ", "そば"], "answer": 1},
        {"question": "お昼は何時？", "candidates": ["１２時", "正午"], "answer": "２"},
        {"question": "どこで食べる？（学校）", "candidates": ["教室", "食堂"], "answer": 1},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    faults = check_knowledge(MultipleChoice(path, "JPN", "ja")).faults
    kind = "compatibility letters"
    assert [(f.where[-1], f.kind) for f in faults] == [("1", kind), ("2", kind)]
    assert "'ﾗｰﾒﾝ'" in faults[0].what


def test_a_fault_quotes_a_persian_word_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"question": "چه می\u200cخورند؟", "candidates": ["نان", "برنج"], "answer": "هفت\u200cسنگ"}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    [fault] = check_knowledge(MultipleChoice(path, "IRN", "fa")).faults
    assert fault.what == "'answer' 'هفت\u200cسنگ' is not among the 2 options"


def test_a_question_that_is_null_is_a_fault_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": null, "candidates": ["a", "b"], "answer": 1}\n')
    [fault] = check_knowledge(MultipleChoice(path, "IRN", "fa")).faults
    assert fault.what == "'question' must be text, got nothing"


def test_a_right_option_that_gives_itself_away_is_found(tmp_path: Path) -> None:
    long = options("l", "¿Qué?", "la fiesta de los lunes del cerro en julio", "feria", "baile")
    inside = options("i", "¿Qué es el mole negro?", "mole", "atole", "pozole")
    assert kinds(checked(tmp_path, long, inside)) == [
        ("6", "l", "given away by length"),
        ("11", "i", "given away by the question"),
    ]


def test_right_options_with_one_position_or_length_too_often_are_found(tmp_path: Path) -> None:
    rows = [
        {"question": f"Q{k}?", "candidates": [f"a{k}", f"b{k}", f"c{k}", f"d{k}"], "answer": 3}
        for k in range(12)
    ]
    path = tmp_path / "rows.jsonl"

    def found(changed: list[dict[str, Any]]) -> list[str]:
        path.write_text("".join(json.dumps(row) + "\n" for row in changed), encoding="utf-8")
        return [fault.what for fault in check_knowledge(MultipleChoice(path, "GBR", "en")).faults]

    assert found(rows) == ["the right option is number 3 in 12 of 12 questions (3 expected)"]
    mixed = [row | {"answer": k % 4 + 1} for k, row in enumerate(rows)]
    assert found(mixed) == []
    for k, row in enumerate(mixed):
        options_ = list(row["candidates"])  # type: ignore[call-overload]
        options_[k % 4] += "ccc"
        row["candidates"] = options_
    assert found(mixed) == ["the right option is the longest in 12 of 12 questions (3 expected)"]
    assert found(mixed[:9]) == []  # too few to be sure


def test_options_that_nobody_gave_are_found(tmp_path: Path) -> None:
    found = checked(tmp_path, options("h", "¿Qué?", "uno", "dos", "tres", people=False))
    assert kinds(found) == [("6", "h", "option without people")]
    assert found.faults[0].what == "nobody gave: dos, tres"


def test_texts_in_another_script_are_found(tmp_path: Path) -> None:
    greek = FOOD.replace('es = "¿Qué se desayuna?"', 'es = "Τι τρώνε το πρωί;"')
    word = (
        FOOD.replace("food-1", "food-2")
        .replace("desayuna", "cena")
        .replace("breakfast", "dinner")
        .replace(
            '"pan"',
            f'"p{chr(0x430)}n"',  # a Cyrillic а
        )
    )
    names = options("n", "¿Cuál?", "ウーノ", "ドス", "トレス")  # all options: they may be names
    assert kinds(checked(tmp_path, greek, word, names)) == [
        ("7", "food-1", "wrong script"),
        ("17", "food-2", "mixed scripts"),
    ]


@pytest.mark.parametrize("language", ["es", "en", "fa", "zh-TW"])
@pytest.mark.parametrize("english", [True, False])
def test_the_template_can_be_read_and_is_unfinished(
    language: str, english: bool, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    text = written_template("mine.toml", "mine", "MEX/oaxaca", "Oaxaca", language, english=english)
    path.write_text(text, encoding="utf-8")
    found = check_knowledge(WrittenKnowledge(path))
    assert found.questions == {"MEX/oaxaca": 2}
    unfinished = [fault for fault in found.faults if fault.kind == "unfinished"]
    assert [fault.question for fault in unfinished] == ["food-1", "holiday-1", ""]
    assert unfinished[-1].where == str(path)
    assert derived_works(found.license) == "not known"
    assert max(map(len, text.splitlines())) <= 100


def test_a_file_is_read_by_the_source_of_its_layout(tmp_path: Path) -> None:
    counted = tmp_path / "mine.jsonl"
    counted.write_text('{"id": "1", "annotations": []}\n', encoding="utf-8")
    table = tmp_path / "table.csv"
    table.write_text("question,A,B,answer\nTea?,yes,no,A\n", encoding="utf-8")
    assert isinstance(recognise_knowledge(tmp_path / "a.toml"), WrittenKnowledge)
    assert recognise_knowledge(counted, "MEX", "es").name == "blend"
    assert recognise_knowledge(table, "GBR", "en").name == "multiple_choice"
    with pytest.raises(InvalidInput, match="does not name its community and language"):
        recognise_knowledge(table)


def test_a_folder_of_written_tests_is_one_test_of_several_communities(tmp_path: Path) -> None:
    lima = HEAD.replace("MEX/Oaxaca", "PER/Lima").replace("CC0-1.0", "CC-BY-4.0")
    for name, head in {"oaxaca": HEAD, "lima": lima}.items():
        (tmp_path / f"{name}.toml").write_text(head + FOOD, encoding="utf-8")
    source = recognise_knowledge(tmp_path)
    test = read_knowledge(source)
    assert test.communities == ("MEX/oaxaca", "PER/lima")
    assert {question.id for question in test.questions} == {"food-1"}
    assert (source.name, source.license) == (tmp_path.name, "CC-BY-4.0; CC0-1.0")
    assert check_knowledge(source).faults == ()


def test_an_empty_test_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="no questions"):
        checked(tmp_path, head=HEAD + "question = []\n")


def test_the_code_of_a_language_comes_before_the_name_of_another() -> None:
    """Languages are named En, Ha, Ko, As and Hu, which are codes of others."""
    codes = ("en", "ha", "ko", "as", "hu", "fa", "cmn")
    assert tuple(map(language_tag, codes)) == codes
    assert [language_tag(name) for name in ("Persian", "eng", "Hausa")] == ["fa", "en", "ha"]
    assert language_tag("Oaxacan") is None
