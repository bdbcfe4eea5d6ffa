import json
from pathlib import Path

import pytest

from pluralign.core import Tally, read_answer
from pluralign.sources import read_answers

LONG = "Perhaps 1, perhaps 3. " * 10_000


@pytest.mark.parametrize(
    "text",
    [
        f"<think>{LONG}</think>2",
        f"{LONG}</think>\n\n2",
        f"<think>{LONG}</think>Answer: 2\n\n" + "Because of my family and my friends. " * 1000,
        f"<|channel|>analysis<|message|>{LONG}<|end|>"
        "<|start|>assistant<|channel|>final<|message|>2<|return|>",
    ],
    ids=["opened", "unopened", "long answer", "harmony"],
)
def test_of_an_enormous_thought_the_answer_is_kept(tmp_path: Path, text: str) -> None:
    row = {"model": "m", "strategy": "s", "country": None, "question_id": "Q1", "answer": text}
    (tmp_path / "a.jsonl").write_text(json.dumps(row), encoding="utf-8")
    tally = Tally()
    (answer,) = read_answers([tmp_path / "a.jsonl"], tally)
    assert len(answer.text) < 10_000
    assert sum(tally.flagged.values()) == 1
    assert read_answer(answer.text, ("a", "b", "c", "d"), ("1", "2", "3", "4")) == 1
