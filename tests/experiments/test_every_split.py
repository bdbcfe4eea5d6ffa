"""Every way to split, and every kind of source, from settings to results."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pluralign.experiments import Outcome
from pluralign.runs import read_rows
from pluralign.simulation import SocietySource

Go = Callable[..., Outcome]
Tables = dict[str, Any]


def judged_in(outcome: Outcome, folder: Path) -> set[str]:
    import pyarrow.parquet

    return set(
        pyarrow.parquet.read_table(folder / "predictions" / "seed-3" / "full.parquet")[
            "pair"
        ].to_pylist()
    )


@pytest.mark.parametrize("by", ["rater", "question", "stem", "both"])
def test_no_unit_is_on_both_sides(go: Go, tables: Tables, tmp_path: Path, by: str) -> None:
    tables["pairs"] |= {"each": 150, "world": 400}
    outcome = go(tables | {"split": {"by": by, "test": 0.3}}, tmp_path / "out")
    pairs = list(SocietySource(each=150, thin=12, world=400).pairs())
    test = judged_in(outcome, tmp_path / "out")
    units = {
        "rater": ["rater"],
        "question": ["question"],
        "stem": ["stem"],
        "both": ["rater", "question"],
    }[by]
    for unit in units:
        on_test = {getattr(p, unit) for p in pairs if p.id in test}
        if by != "both":
            assert not on_test & {getattr(p, unit) for p in pairs if p.id not in test}
    if by == "both":
        left_out = [note for note in outcome.record["notes"] if "on neither side" in note]
        assert len(left_out) == 2
    assert outcome.results


def test_where_shares_were_published_questions_are_resampled_and_people_are_not_counted(
    go: Go,
    tables: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    write_rows: Callable[..., Path],
) -> None:
    nobody = [{k: v for k, v in row.items() if k != "rater"} for row in rows]
    path = write_rows(tmp_path / "pairs.jsonl", nobody)
    for by in ("question", "stem"):
        changed = tables | {"pairs": {"source": "jsonl", "path": str(path)}, "split": {"by": by}}
        outcome = go(changed, tmp_path / by)
        assert {r["n_raters"] for r in outcome.results} == {None}
        assert outcome.record["people"]["~hill"] == {"pairs": 40, "raters": None}
        assert read_rows(tmp_path / by / "people.jsonl") == []


def test_each_repeat_tests_another_source(
    go: Go,
    tables: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    write_rows: Callable[..., Path],
) -> None:
    prompts = sorted({row["prompt"] for row in rows})
    half = len(prompts) // 2
    first = [row for row in rows if row["prompt"] in prompts[: half + 1]]
    second = [{**row, "id": f"b{row['id']}"} for row in rows if row["prompt"] in prompts[half:]]
    sources = [write_rows(tmp_path / f"{n}.jsonl", part) for n, part in ((1, first), (2, second))]
    joined = [{"source": "jsonl", "path": str(path)} for path in sources]
    split = {"split": {"by": "source"}, "repeats": 2}
    out = tmp_path / "out"
    outcome = go(tables | split | {"pairs": joined}, out)
    judged = judged_in(outcome, out)
    assert judged == {row["id"] for row in first if row["prompt"] != prompts[half]}
    assert any("test source, training stem" in note for note in outcome.record["notes"])


def test_given_files_are_the_two_sides(
    go: Go,
    tables: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    write_rows: Callable[..., Path],
) -> None:
    write_rows(tmp_path / "train.jsonl", rows[0::2])
    write_rows(tmp_path / "test.jsonl", rows[1::2])
    del tables["pairs"]
    changed = tables | {"split": {"by": "files", "train": "train.jsonl", "test": "test.jsonl"}}
    outcome = go(changed, tmp_path / "out")
    assert judged_in(outcome, tmp_path / "out") == {row["id"] for row in rows[1::2]}
    assert [s["kept"] for s in outcome.record["data"]["sources"]] == [
        len(rows[0::2]),
        len(rows[1::2]),
    ]


def test_ids_used_in_both_files_stay_apart(
    go: Go,
    tables: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    write_rows: Callable[..., Path],
) -> None:
    write_rows(tmp_path / "train.jsonl", rows)
    write_rows(tmp_path / "test.jsonl", rows)
    del tables["pairs"]
    outcome = go(
        tables | {"split": {"by": "files", "train": "train.jsonl", "test": "test.jsonl"}},
        tmp_path / "out",
    )
    assert judged_in(outcome, tmp_path / "out") == {f"1:{row['id']}" for row in rows}


def test_prism_runs_on_its_published_raters(go: Go, tables: Tables, tmp_path: Path) -> None:
    people = {f"u{i}": ("MEX", "GBR", "NZL")[i % 3] for i in range(60)}
    survey = [
        {"user_id": user, "location": {"reside_countryISO": place}}
        for user, place in people.items()
    ]
    utterances = [
        {
            "utterance_id": f"{user}/{i}/{j}", "interaction_id": f"{user}/{i}",
            "user_id": user, "model_name": "m", "user_prompt": f"What about {i}?",
            "model_response": f"{word} {i} {user}", "score": score,
        }
        for user in people for i in range(3)
        for j, (word, score) in enumerate([("tea", 80), ("milk", 40), ("rain", 10)])
    ]  # fmt: skip
    for name, table in (("survey", survey), ("utterances", utterances)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
    tables |= {
        "pairs": {"source": "prism", "path": str(tmp_path)},
        "reference": {"fit_on": ["GBR"]},
    }
    outcome = go(tables | {"split": {"by": "prism"}}, tmp_path / "out")
    assert outcome.record["data"]["pairs"] == 60 * 3 * 3
    assert len(judged_in(outcome, tmp_path / "out")) == 9 * 3 * 3  # nine of sixty raters
    assert {r["steer"] for r in outcome.results} == {None, "MEX", "NZL"}


def test_shares_of_a_survey_run_end_to_end(go: Go, tables: Tables, tmp_path: Path) -> None:
    questions = [
        {
            "Q_id": f"Q{i}",
            "question": f"How important is {word} in your life?",
            "option_lst": ["Very", "Rather", "Not"],
        }
        for i, word in enumerate(
            ["family", "work", "friends", "tea", "rain", "music", "faith", "money"], 1
        )
    ]
    by_country = {
        country: {q["Q_id"]: {"1": 0.5 + shift, "2": 0.3, "3": 0.2 - shift} for q in questions}
        for country, shift in (("USA", 0.1), ("MEX", -0.35), ("NZL", 0.0))
    }
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    (tmp_path / "country_proportions.json").write_text(json.dumps(by_country))
    tables |= {
        "pairs": {"source": "shares", "path": str(tmp_path)},
        "reference": {"fit_on": ["USA"]},
    }
    outcome = go(tables | {"split": {"by": "question", "test": 0.25}}, tmp_path / "out")
    assert {r["n_raters"] for r in outcome.results} == {None}
    assert {r["steer"] for r in outcome.results} == {None, "MEX", "NZL"}


def test_several_sources_join(
    go: Go,
    tables: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    write_rows: Callable[..., Path],
) -> None:
    world = write_rows(tmp_path / "world.jsonl", [r for r in rows if r["community"] == "~world"])
    hill = write_rows(
        tmp_path / "hill.jsonl",
        [r | {"community": None} for r in rows if r["community"] == "~hill"],
    )
    several = [
        {"source": "jsonl", "path": str(world), "license": "CC0"},
        {"source": "jsonl", "path": str(hill), "community": "~hill", "license": "CC-BY-4.0"},
    ]
    outcome = go(tables | {"pairs": several}, tmp_path / "out")
    assert [(s["kept"], s["license"]) for s in outcome.record["data"]["sources"]] == [
        (100, "CC0"),
        (40, "CC-BY-4.0"),
    ]
    assert {r["steer"] for r in outcome.results} == {None, "~hill"}
