"""What a run leaves behind: the contract, and numbers that do not depend on chance or order."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from pluralign.core import InvalidSettings, Steer, requests_of, rng_for
from pluralign.evaluation import test_pairs
from pluralign.experiments import Outcome, reward_run, run_experiment
from pluralign.methods import choose_ridge
from pluralign.models import open_model
from pluralign.rewards import load_card
from pluralign.runs import RunFolder, read_rows
from pluralign.settings import resolve
from pluralign.simulation import SocietySource

Go = Callable[..., Outcome]
Tables = dict[str, Any]
Rows = list[dict[str, Any]]
COMMUNITIES = ["~coast", "~hill", "~isle", "~marsh", "~river"]
COLUMNS = [
    "metric",
    "method",
    "steer",
    "community",
    "subset",
    "value",
    "low",
    "high",
    "n",
    "n_raters",
]


@pytest.fixture(scope="module")
def run(go: Go, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """Two repeats of a small experiment with every method."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    tables = {
        "name": "tiny", "seed": 3, "repeats": 2, "min_pairs": 1, "min_raters": 2,
        "pairs": {"source": "society", "each": 60, "thin": 12, "world": 150},
        "reference": {"fit_on": ["~world"]},
        "trunk": {"encoder": "hash"},
        "intervals": {"draws": 100},
        "curves": {"fractions": [0.5], "methods": ["full", "scpo"]},
        "sensitivity": {"tau": [0.5, 0.9], "ridge": [1.0]},
    }  # fmt: skip
    return out, go(tables, out)


@pytest.fixture
def go_on(go: Go, tables: Tables, tmp_path: Path, write_rows: Callable[..., Path]) -> Go:
    """Runs the small experiment on rows of a file, with other settings where given."""

    def run_on(rows: Rows, name: str = "out", **changed: object) -> Outcome:
        path = write_rows(tmp_path / f"{name}.jsonl", rows)
        pairs = {"source": "jsonl", "path": str(path)}
        return go(tables | {"pairs": pairs} | changed, tmp_path / name)

    return run_on


def test_results_match_the_contract(run: tuple[Path, Outcome]) -> None:
    rows = read_rows(run[0] / "results.jsonl")
    assert rows == run[1].results
    for row in rows:
        assert list(row) == COLUMNS
        assert row["metric"] == "pairwise_accuracy"
        assert row["subset"] in {"all", "contested"}
        assert (row["steer"] is None) == (row["method"] in {"reference", "length"})
        assert row["steer"] in {None, *COMMUNITIES}
        assert row["community"] in {"~world", *COMMUNITIES}
        assert 0 <= row["value"] <= 1
        assert (row["low"] is None) == (row["high"] is None)
        assert row["low"] is None or 0 <= row["low"] <= row["value"] <= row["high"] <= 1
        assert isinstance(row["n"], int) and row["n"] >= 1
        assert isinstance(row["n_raters"], int) and 1 <= row["n_raters"] <= row["n"]


def test_every_method_is_measured_under_every_steer_on_everybody(run: tuple[Path, Outcome]) -> None:
    rows = [
        (r["method"], r["steer"], r["community"]) for r in run[1].results if r["subset"] == "all"
    ]
    methods = run[1].record["settings"]["methods"]
    steers = {m: [None] if m in {"reference", "length"} else COMMUNITIES for m in methods}
    people = ["~world", *COMMUNITIES]
    assert sorted(rows, key=str) == sorted(
        ((m, s, c) for m in methods for s in steers[m] for c in people), key=str
    )


def test_the_reference_is_wrong_on_every_contested_pair(run: tuple[Path, Outcome]) -> None:
    rows = [r for r in run[1].results if r["method"] == "reference" and r["subset"] == "contested"]
    assert rows
    assert {r["value"] for r in rows} == {0.0}


def test_the_record_describes_the_run(run: tuple[Path, Outcome]) -> None:
    record = json.loads((run[0] / "record.json").read_text())
    assert record == run[1].record
    assert record["seeds"] == [3, 4]
    split = {
        "by": "rater",
        "test": 0.2,
        "train": None,
        "draw": "random",
        "test_where": {},
    }
    assert record["settings"]["split"] == split
    assert {"pluralign", "python", "numpy"} <= set(record["versions"])
    assert len(record["data"]["fingerprint"]) == 64
    (source,) = record["data"]["sources"]
    assert (source["name"], source["read"], source["kept"], source["dropped"]) == (
        "society",
        402,
        402,
        {},
    )
    assert source["license"]
    assert record["people"]["~isle"]["pairs"] == 12
    assert record["communities"] == {
        "steered": COMMUNITIES,
        "reference": ["~world"],
        "left_out": {},
    }
    assert record["seconds"]["total"] > 0
    assert {r["aggregate"] for r in record["outcome"]} == {"average", "worst"}
    assert set(record["ridges"]["3"]) >= {"reference", "full", "scpo", "pooled"}


def test_an_ablation_is_fitted_with_the_ridge_of_its_method(
    go: Go, tables: dict[str, Any], tmp_path: Path
) -> None:
    methods = ["scpo", "scpo-filter-only"]
    go(tables | {"methods": methods, "fit": {"ridge": 0.25}}, tmp_path / "run")
    go(tables | {"methods": methods, "scpo": {"ridge": 0.25}}, tmp_path / "set")
    margins = [
        RunFolder(tmp_path / name).read_predictions(3, "scpo-filter-only")[1]["~hill"]
        for name in ("run", "set")
    ]
    assert margins[0].tolist() == margins[1].tolist()


def test_a_thin_community_is_noted(run: tuple[Path, Outcome]) -> None:
    found = [note for note in run[1].record["notes"] if "too narrow" in note]
    assert len(found) == 1 and "~isle" in found[0]


def test_saved_models_give_the_margins_recorded(run: tuple[Path, Outcome]) -> None:
    pairs = {p.id: p for p in SocietySource(each=60, thin=12, world=150).pairs()}
    for method in ("reference", "scpo", "adaptive"):
        table = pyarrow.parquet.read_table(run[0] / "predictions" / "seed-4" / f"{method}.parquet")
        columns = table.to_pydict()
        model = open_model(run[0] / "models" / "seed-4" / method)
        judged = [pairs[id_] for id_ in columns["pair"]]
        assert columns["community"] == [p.community for p in judged]
        assert columns["rater"] == [p.rater for p in judged]
        chosen, rejected = requests_of(judged)
        for name, steer in [
            ("reference", None),
            *((f"margin:{c}", Steer.to(c)) for c in model.communities),
        ]:
            margin_N = model.score(chosen, steer) - model.score(rejected, steer)
            np.testing.assert_allclose(columns[name], margin_N, atol=1e-4)


def test_results_can_be_had_again_from_the_predictions(run: tuple[Path, Outcome]) -> None:
    credit = []
    for seed in (3, 4):
        columns = pyarrow.parquet.read_table(
            run[0] / "predictions" / f"seed-{seed}" / "scpo.parquet"
        ).to_pydict()
        here = zip(columns["community"], columns["margin:~hill"], strict=True)
        credit += [(np.sign(margin) + 1) / 2 for community, margin in here if community == "~hill"]
    (row,) = [
        r for r in run[1].results
        if (r["method"], r["steer"]) == ("scpo", "~hill")
        and (r["community"], r["subset"]) == ("~hill", "all")
    ]  # fmt: skip
    assert row["value"] == pytest.approx(np.mean(credit))


def test_no_rater_is_on_both_sides(run: tuple[Path, Outcome]) -> None:
    pairs = list(SocietySource(each=60, thin=12, world=150).pairs())
    columns = pyarrow.parquet.read_table(
        run[0] / "predictions" / "seed-3" / "full.parquet"
    ).to_pydict()
    tested = set(columns["pair"])
    raters = set(columns["rater"])
    assert not raters & {p.rater for p in pairs if p.id not in tested}


def test_a_card_gives_the_accuracy_for_each_community(run: tuple[Path, Outcome]) -> None:
    card = load_card(run[0] / "models" / "seed-3" / "scpo")
    assert card["method"] == "scpo"
    assert card["reference_fitted_on"] == ["~world"]
    assert len(str(card["data_fingerprint"])) == 64
    assert set(card["ridges"]) == {"reference", "scpo"}  # type: ignore[call-overload]
    assert card["licenses"] == ["CC0-1.0 (simulated)"]
    accuracy = card["accuracy"]
    assert isinstance(accuracy, dict)
    assert set(accuracy) == set(COMMUNITIES)
    assert set(accuracy["~hill"]) == {"value", "low", "high", "n", "n_raters"}


def test_studies_are_written_where_asked_for(run: tuple[Path, Outcome]) -> None:
    studies = {path.stem: read_rows(path) for path in (run[0] / "studies").iterdir()}
    assert set(studies) == {"curve-pairs", "curve-raters", "sensitivity"}
    curve = [r for r in studies["curve-raters"] if r["metric"] == "pairwise_accuracy"]
    assert {(r["method"], r["fraction"]) for r in curve} == {
        (m, f) for m in ("full", "scpo") for f in (0.5, 1.0)
    }
    assert all(r["train_units"] >= 1 for r in curve)
    needed = {
        r["method"]: r["value"] for r in studies["curve-pairs"] if r["metric"] == "fraction_needed"
    }
    assert 0 < needed["full"] <= 1
    changed = {
        (r["method"], r.get("tau"), r.get("ridge"), r["subset"]) for r in studies["sensitivity"]
    }
    assert {
        ("scpo", 0.5, None, "all"),
        ("scpo", 0.9, None, "contested"),
        ("full", None, 1.0, "all"),
    } <= changed


def test_the_whole_of_the_curve_is_the_run_itself(run: tuple[Path, Outcome]) -> None:
    rows = read_rows(run[0] / "studies" / "curve-pairs.jsonl")
    (whole,) = [r for r in rows if r["method"] == "full" and r.get("fraction") == 1.0]
    (first,) = [
        r for r in read_rows(run[0] / "repeats.jsonl")
        if (r["seed"], r["method"], r["aggregate"], r["subset"]) == (3, "full", "average", "all")
    ]  # fmt: skip
    assert whole["value"] == pytest.approx(first["value"])


def test_each_repeat_is_reported_by_itself(run: tuple[Path, Outcome]) -> None:
    assert {r["seed"] for r in read_rows(run[0] / "repeats.jsonl")} == {3, 4}


def test_the_same_settings_give_the_same_results(go: Go, tables: Tables, tmp_path: Path) -> None:
    for out in ("a", "b"):
        go(tables, tmp_path / out)
    assert (tmp_path / "a" / "results.jsonl").read_bytes() == (
        tmp_path / "b" / "results.jsonl"
    ).read_bytes()


def test_the_order_of_the_rows_changes_nothing(go_on: Go, rows: Rows) -> None:
    changed = {
        "methods": ["reference", "full", "scpo", "pooled", "adaptive"],
        "fit": {},
        "reference": {"fit_on": ["~world"]},
    }
    shuffled = [rows[i] for i in rng_for(0, "order").permutation(len(rows))]
    first, second = go_on(rows, "a", **changed), go_on(shuffled, "b", **changed)
    for a, b in zip(first.results, second.results, strict=True):
        assert [a[k] for k in COLUMNS[:5]] == [b[k] for k in COLUMNS[:5]]
        assert [a[k] for k in COLUMNS[5:]] == pytest.approx([b[k] for k in COLUMNS[5:]], abs=1e-6)


def test_another_name_for_a_community_changes_no_number(go_on: Go, rows: Rows) -> None:
    names = {
        "~coast": "CHL",
        "~hill": "GBR",
        "~isle": "MEX",
        "~marsh": "NZL",
        "~river": "ZAF",
        "~world": "~world",
    }
    renamed = [
        row | {"community": names[row["community"]]} for row in rows
    ]  # the same order, sorted
    first, second = go_on(rows, "a"), go_on(renamed, "b")
    for a, b in zip(first.results, second.results, strict=True):
        assert (a["method"], names[a["community"]], a["value"], a["n"]) == (
            b["method"],
            b["community"],
            b["value"],
            b["n"],
        )


def test_a_community_without_test_raters_is_reported_and_not_measured(
    go_on: Go, rows: Rows
) -> None:
    lonely = [row | {"rater": "solo"} if row["community"] == "~isle" else row for row in rows]
    outcome = go_on(lonely, communities=["~isle", "~hill"])
    assert "seed 3: ~isle has no test pairs; it is not measured" in outcome.record["notes"]
    assert "~isle" not in {r["community"] for r in outcome.results}
    assert "~isle" in {r["steer"] for r in outcome.results}


def test_where_no_community_steered_to_can_be_measured_only_others_are(
    go_on: Go, rows: Rows
) -> None:
    lonely = [
        row if row["community"] == "~world" else row | {"rater": row["community"]} for row in rows
    ]
    outcome = go_on(lonely, min_raters=1, curves={"fractions": [0.5]})
    assert {r["community"] for r in outcome.results} == {"~world"}
    assert outcome.summary == []


def test_a_reference_can_be_loaded_from_another_run(go: Go, tables: Tables, tmp_path: Path) -> None:
    tables["communities"] = ["~hill", "~coast"]
    first = go(tables, tmp_path / "first")
    model = str(tmp_path / "first" / "models" / "seed-3" / "reference")
    again = go(tables | {"reference": {"model": model}}, tmp_path / "second")
    assert again.results == [r for r in first.results if r["community"] in tables["communities"]]
    assert again.record["communities"]["reference"] == []


def test_a_reference_that_read_prompts_otherwise_is_refused(
    go: Go, tables: Tables, tmp_path: Path
) -> None:
    go(tables, tmp_path / "first")
    model = str(tmp_path / "first" / "models" / "seed-3" / "reference")
    with pytest.raises(InvalidSettings, match=r"fitted with trunk\.interaction = 0\.5"):
        go(tables | {"reference": {"model": model}}, tmp_path / "second", "trunk.interaction=0.1")
    assert not (tmp_path / "second").exists()


@pytest.mark.slow
def test_right_to_left_emoji_and_very_long_texts_are_run(go_on: Go, rows: Rows) -> None:
    odd = [dict(row) for row in rows]
    odd[0]["chosen"] = "שלום " * 20_000
    odd[1]["rejected"] = "👩‍👩‍👧😀" * 12_500
    odd[2]["prompt"] = "\u202eمرحبا بالعالم\u202c " * 6_000
    outcome = go_on(odd)
    assert outcome.record["data"]["pairs"] == len(odd)
    assert all(np.isfinite(r["value"]) for r in outcome.results)


def test_rows_that_cannot_be_used_are_counted_in_the_record(
    go: Go,
    tables: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    write_rows: Callable[..., Path],
) -> None:
    bad = [
        {"prompt": "Tea?", "chosen": "Yes", "rejected": "Yes"},
        {"prompt": " ", "chosen": "Yes", "rejected": "No"},
        {"prompt": "Tea?", "chosen": "", "rejected": "No"},
        {"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "strength": "strong"},
        {"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "community": "Mexcio"},
        {"prompt": "Tea?", "chosen": "Yes"},
        rows[0],
    ]
    path = write_rows(tmp_path / "pairs.jsonl", [*rows, *bad])
    with path.open("a") as file:
        file.write("{broken\n")
    pairs = {"source": "jsonl", "path": str(path), "skip_bad": True}
    (source,) = go(tables | {"pairs": pairs}, tmp_path / "out").record["data"]["sources"]
    assert (source["read"], source["kept"]) == (len(rows) + 8, len(rows))
    assert source["dropped"] == {
        "chosen equals rejected": 1, "empty prompt": 1, "empty response": 1,
        "strength is not a number": 1, "unresolved label: Mexcio": 1, "missing column rejected": 1,
        "duplicate id": 1, "not JSON": 1,
    }  # fmt: skip


def test_the_limit_is_counted_in_the_record(go: Go, tables: Tables, tmp_path: Path) -> None:
    (source,) = go(tables | {"limit": 300}, tmp_path / "out").record["data"]["sources"]
    assert (source["read"], source["kept"], source["made"], sum(source["left_out"].values())) == (
        402,
        402,
        300,
        102,
    )


def test_a_run_takes_text_for_its_folder_and_shows_itself_in_a_line(
    tables: Tables, tmp_path: Path, cache: Path
) -> None:
    settings = tables | {"methods": ["reference", "full"]}
    outcome = run_experiment(resolve(settings), str(tmp_path / "run"), cache=str(cache))
    assert (tmp_path / "run" / "record.json").is_file()
    assert repr(outcome) == (
        f"Outcome(tiny: {len(outcome.results)} results of 2 methods (full, reference))"
    )


def test_a_settings_file_runs_as_what_it_resolves_to(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(
        'name = "tiny"\nmethods = ["reference", "full"]\nmin_pairs = 1\nmin_raters = 2\n'
        '[pairs]\nsource = "society"\neach = 40\nthin = 10\nworld = 100\n'
        '[reference]\nfit_on = ["~world"]\n[trunk]\nencoder = "hash"\n[intervals]\ndraws = 100\n',
        encoding="utf-8",
    )
    whole = run_experiment(resolve(file), tmp_path / "resolved", cache=cache)
    for given in (str(file), file):
        outcome = run_experiment(given, str(tmp_path / "file"), fresh=True, cache=cache)
        assert outcome.results == whole.results


def test_with_one_community_the_ridge_of_full_fine_tuning_is_that_of_the_pooled_model(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = []

    def counted(heads: Any, *rest: Any) -> Any:
        chosen.append(heads.__name__)
        return choose_ridge(heads, *rest)

    monkeypatch.setattr("pluralign.experiments.linear_bench.choose_ridge", counted)
    tables = {
        "name": "one", "repeats": 1, "min_pairs": 1, "min_raters": 2, "communities": ["~hill"],
        "pairs": {"source": "society", "each": 60, "thin": 12, "world": 150},
        "reference": {"fit_on": ["~world"]}, "trunk": {"encoder": "hash"},
        "intervals": {"draws": 100}, "methods": ["reference", "full", "pooled"],
    }  # fmt: skip
    go(tables, tmp_path / "one")
    assert len(chosen) == 1  # for both methods, and for the prior of the saved models


def test_margins_of_very_many_communities_are_never_all_in_memory(
    go: Go, tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = go(tables, tmp_path / "usual")
    for module in (test_pairs, reward_run):
        monkeypatch.setattr(module, "MOST_CELLS", 100)
    bounded = go(tables, tmp_path / "bounded")
    (file, *_) = (tmp_path / "bounded" / "predictions").rglob("full.parquet")
    assert pyarrow.parquet.ParquetFile(file).num_row_groups > 1
    seed = int(file.parent.name.removeprefix("seed-"))
    _, margins = RunFolder(tmp_path / "bounded").read_predictions(seed, "full")
    _, others = RunFolder(tmp_path / "usual").read_predictions(seed, "full")
    assert not isinstance(margins, dict)
    assert list(margins) == list(others)
    for steer, margin_N in margins.items():
        assert margin_N == pytest.approx(others[steer], abs=1e-12)
    assert bounded.results == usual.results
    assert bounded.summary == usual.summary
    assert bounded.comparisons == usual.comparisons
