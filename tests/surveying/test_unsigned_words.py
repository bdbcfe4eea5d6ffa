"""A scored test of knowledge reports the languages whose words no native reader has signed."""

import json
from pathlib import Path

from pluralign.surveying import run_knowledge, score_folder

ROW = {"id": "Al-en-01", "topic": "Food", "question": "صبحانه چه می‌خورند؟",
       "en_question": "What is eaten at breakfast?", "idks": {},
       "annotations": [{"answers": ["نان"], "en_answers": ["bread"], "count": 3}]}  # fmt: skip


def test_scores_report_the_languages_of_unsigned_words(tmp_path: Path) -> None:
    test = tmp_path / "Iran.jsonl"
    test.write_text(json.dumps(ROW, ensure_ascii=False) + "\n", encoding="utf-8")
    settings = {"test": {"path": str(test)}, "model": {"kind": "simulated"}}
    run_knowledge(settings | {"languages": ["fa"]}, tmp_path / "run")
    outcome = score_folder(tmp_path / "run")
    assert outcome.record["notes"][0] == (
        "machine-written words around the questions that no native reader has signed: fa"
    )
