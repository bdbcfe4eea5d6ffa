import json
import subprocess
import sys
from pathlib import Path

import pluralign.sources
from pluralign.sources import JsonlPairs, ShareTable, report_on


def test_a_report_counts_pairs_people_and_languages_by_community(tmp_path: Path) -> None:
    row = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"}
    rows = [
        row | {"community": "MEX", "rater": "a", "language": "es"},
        row | {"community": "MEX", "rater": "b"},
        row | {"community": "GBR"},
        row | {"chosen": "No"},
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    report = report_on(JsonlPairs(tmp_path / "p.jsonl", license="CC0"))
    assert (report.name, report.license, report.questions) == ("jsonl", "CC0", None)
    assert report.pairs == {"GBR": 1, "MEX": 2}
    assert report.people == {"GBR": None, "MEX": 2}
    assert report.languages == {"es": 1, "not stated": 2}
    assert (report.tally.read, report.tally.kept, report.tally.dropped) == (
        4,
        3,
        {"chosen equals rejected": 1},
    )


def test_a_survey_reports_its_questions_and_counts_pairs_as_the_source_does(tmp_path: Path) -> None:
    questions = [{"Q_id": f"Q{i}", "question": f"{i}?", "option_lst": ["a", "b"]} for i in (1, 2)]
    shares = {
        "MEX": {"Q1": {"1": 0.6, "2": 0.4}, "Q2": {"1": 0.5, "2": 0.5}},
        "GBR": {"Q1": {"1": 1.0}},
    }
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    (tmp_path / "country_proportions.json").write_text(json.dumps(shares))
    source = ShareTable(tmp_path)
    report = report_on(source)
    assert report.questions == {"GBR": 1, "MEX": 2}
    assert report.people == {"GBR": None, "MEX": None}
    assert (report.tally.made, report.tally.left_out["equal shares"]) == (
        len(list(source.pairs())),
        1,
    )


def test_every_source_describes_itself_in_one_line() -> None:
    sources = [item for item in vars(pluralign.sources).values() if hasattr(item, "about")]
    assert len(sources) >= 12
    names = {(hasattr(item, "pairs"), item.name) for item in sources}  # of pairs, or of tests
    assert len(names) == len(sources)
    assert all("\n" not in item.about and len(item.about) < 100 for item in sources)


def test_importing_the_sources_is_free() -> None:
    heavy = "('torch', 'datasets', 'pyarrow', 'pandas')"
    code = f"import sys, pluralign.sources; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )
