import json
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, Tally
from pluralign.sources import JsonlPairs

FOREIGN = {
    "polis": {"comment-id": 1, "agrees": 2, "disagrees": 0, "comment-body": "More trees"},
    "arena": {
        "model_a": "x",
        "model_b": "y",
        "winner": "tie",
        "conversation_a": [],
        "conversation_b": [],
    },
    "label_studio": {"id": 1, "data": {}, "annotations": []},
    "argilla": {"id": 1, "fields": {}, "responses": {}},
    "potato": {"user_id": "u", "instance_id": 1, "label_annotations": {}},
    "prism": {"utterance_id": "ut1", "interaction_id": "i1", "model_response": "Yes"},
    "coval": {
        "prompt_id": "p",
        "prompt": "Tea?",
        "responses": [{"messages": []}] * 2,
        "metadata": {},
    },
    "wvs": {"V1": 5, "V2": 484, "V259": 1.0},
    "global_opinions": {"question": "Q", "selections": {}, "options": []},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_the_source_for_a_file_of_another_layout_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file.jsonl").write_text(json.dumps(FOREIGN[name]) + "\n", "utf-8")
    with pytest.raises(InvalidInput) as caught:
        list(JsonlPairs(tmp_path / "file.jsonl").pairs())
    assert f'source = "{name}"' in str(caught.value.hint)


def test_rewardbench_2_needs_no_source_of_its_own(tmp_path: Path) -> None:
    row = {
        "id": "7", "prompt": "Name a planet.", "chosen": ["Mars",
        "Venus"], "rejected": ["The Moon"], "num_correct": 2,
        "num_incorrect": 1, "total_completions": 3, "models": ["m1"], "subset": "Ties",
        "additional_metadata": {},
    }  # fmt: skip
    (tmp_path / "test.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    tally = Tally()
    pairs = list(JsonlPairs(tmp_path / "test.jsonl").pairs(tally))
    assert [(pair.chosen, pair.rejected) for pair in pairs] == [
        ("Mars", "The Moon"),
        ("Venus", "The Moon"),
    ]
    assert {pair.extra["subset"] for pair in pairs} == {"Ties"}
    assert (tally.read, tally.kept) == (1, 1)
