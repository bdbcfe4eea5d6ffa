"""A template from another test: texts kept and marked, answers left out, the licence obeyed."""

import json
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, parse_toml
from pluralign.sources import BlendKnowledge, MultipleChoice, WrittenKnowledge, read_knowledge
from pluralign.sources.knowledge_adapted import NewTest, adapted_test
from pluralign.sources.knowledge_checks import check_knowledge
from pluralign.sources.license_terms import Derived, derived_works

LIMA = NewTest("lima.toml", "lima", "PER", "Peru", "es")
SNACK = {
    "id": "f-1",
    "topic": "Food",
    "question": 'میان وعده "بچه‌ها" چیست؟',
    "en_question": "What do children eat in Iran?",
    "annotations": [{"answers": ["میوه"], "en_answers": ["fruit"], "count": 3}],
    "idks": {},
}


def region(folder: Path, name: str = "Iran") -> Path:
    path = folder / f"{name}.jsonl"
    rows = [SNACK, SNACK | {"id": "f-2", "annotations": []}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def choices(folder: Path) -> MultipleChoice:
    path = folder / "ck.csv"
    path.write_text("id,question,A,B,answer\nq1,Bebida?,té,café,B\n", encoding="utf-8")
    return MultipleChoice(path, "MEX", "es")


def test_texts_are_kept_and_marked_and_answers_are_not_copied(tmp_path: Path) -> None:
    path = region(tmp_path)
    adapted = adapted_test(BlendKnowledge(path), path, None, LIMA)
    (row,) = parse_toml(adapted.text)["question"]
    assert row["id"] == "f-1"
    assert row["text"]["es"] == row["text"]["en"] == "REPLACE: What do children eat in Iran?"
    assert "fruit" not in adapted.text and "میوه" not in adapted.text
    assert adapted.tally.dropped == {"nobody gave an answer": 1}
    own = tmp_path / "own.toml"
    own.write_text(adapted.text, encoding="utf-8")
    (fault,) = check_knowledge(WrittenKnowledge(own)).faults
    assert fault.kind == "unfinished"


def test_options_are_kept_without_a_hint_at_the_right_one(tmp_path: Path) -> None:
    source = choices(tmp_path)
    own = tmp_path / "own.toml"
    own.write_text(adapted_test(source, source.path, "CC0-1.0", LIMA).text, encoding="utf-8")
    (question,) = read_knowledge(WrittenKnowledge(own)).questions
    assert question.options["es"] == ("REPLACE: té", "REPLACE: café")
    assert question.options["en"][0] == "REPLACE: option 1 in English"
    assert question.weights == (1, 1)


def test_a_share_alike_licence_is_that_of_the_new_test(tmp_path: Path) -> None:
    path = region(tmp_path)
    shared = adapted_test(BlendKnowledge(path), path, None, LIMA)
    assert parse_toml(shared.text)["license"] == "CC-BY-SA-4.0"
    assert "blend (Iran.jsonl), licence CC-BY-SA-4.0" in shared.text
    source = choices(tmp_path)
    free = adapted_test(source, source.path, "CC-BY-4.0", LIMA)
    assert parse_toml(free.text)["license"].startswith("REPLACE")


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (None, r"ck\.csv: the licence of the test is not stated"),
        ("CC-BY-ND-4.0", r"ck\.csv: the licence of the test, 'CC-BY-ND-4.0', forbids tests"),
        ("terms of the survey", r"ck\.csv: it is not known whether the licence"),
    ],
)
def test_a_licence_that_does_not_allow_it_is_refused(
    stated: str | None, message: str, tmp_path: Path
) -> None:
    source = choices(tmp_path)
    with pytest.raises(InvalidInput, match=message):
        adapted_test(source, source.path, stated, LIMA)


def test_another_licence_than_the_stated_one_is_refused(tmp_path: Path) -> None:
    path = region(tmp_path)
    with pytest.raises(InvalidInput, match=r"states the licence 'CC-BY-SA-4.0', but 'MIT'"):
        adapted_test(BlendKnowledge(path), path, "MIT", LIMA)


def test_questions_of_several_communities_are_refused(tmp_path: Path) -> None:
    region(tmp_path)
    region(tmp_path, "Mexico")
    with pytest.raises(InvalidInput, match="must be of one community, got 2 communities: IRN, MEX"):
        adapted_test(BlendKnowledge(tmp_path), tmp_path, None, LIMA)


@pytest.mark.parametrize(
    ("name", "derived"),
    [
        ("MIT", "allowed"),
        ("CC0-1.0", "allowed"),
        ("Creative Commons Attribution 4.0 International", "allowed"),
        ("CC BY-SA 4.0", "under the same licence"),
        ("ODbL-1.0", "under the same licence"),
        ("cc-by-nc-nd-4.0", "forbidden"),
        ("CC BY 4.0, no derived benchmark", "forbidden"),
        ("Creative Commons Attribution-NoDerivatives", "forbidden"),
        ("mit Genehmigung", "not known"),
        ("", "not known"),
    ],
)
def test_licences_are_known_by_their_names(name: str, derived: Derived) -> None:
    assert derived_works(name) == derived
