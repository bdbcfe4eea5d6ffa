"""What a person's choices changed, against runs that never saw the person."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.core import InvalidInput, InvalidSettings
from pluralign.experiments import Influence, Outcome, influence, withdraw
from pluralign.runs import RunFolder
from pluralign.settings import resolve

Go = Callable[..., Outcome]
Rows = list[dict[str, Any]]
Tables = dict[str, Any]
Write = Callable[..., Path]
SEED = 3


@pytest.fixture(scope="module")
def big(rows: Rows) -> Rows:
    """Pairs of a society with three more people, who each gave many choices."""
    found = [dict(row) for row in rows]
    of = {"~hill": 0, "~coast": 0, "~world": 0}
    for row in found:
        community = row["community"]
        if community in of and of[community] < 12:
            of[community] += 1
            row["rater"] = f"big{community}"
    return found


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, big: Rows, write_rows: Write) -> Tables:
    path = write_rows(tmp_path_factory.mktemp("influence") / "all.jsonl", big)
    return {
        "name": "tiny", "seed": SEED, "repeats": 2, "min_pairs": 1, "min_raters": 2,
        "methods": ["reference", "full", "scpo", "scpo-filter-only", "pooled", "adaptive"],
        "reference": {"fit_on": "pooled", "ridge": 1.0}, "fit": {"ridge": 2.0},
        "split": {"draw": "hash", "test": 0.3},
        # Influence keeps the components of the run; one that never saw a person fits its own.
        "trunk": {"encoder": "hash", "components": 0},
        "intervals": {"draws": 100}, "pairs": {"source": "jsonl", "path": str(path)},
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(go: Go, settings: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("influence") / "run"
    go(settings, folder)
    return folder


@pytest.fixture(scope="module")
def learned(run: Path) -> list[Influence]:
    """All people, by one step on ``full``."""
    return influence(run, method="full").people


def moved(one: Path, other: Path, method: str, community: str, seeds: list[int]) -> float:
    """Mean size of the change of margins from one run to the other."""
    each = []
    for seed in seeds:
        judged, margins = RunFolder(one).read_predictions(seed, method)
        again, others = RunFolder(other).read_predictions(seed, method)
        rows = judged.community_N == community
        assert judged.pair_N[rows].tolist() == again.pair_N[again.community_N == community].tolist()
        each.append(margins[community][rows] - others[community][again.community_N == community])
    return float(np.abs(np.concatenate(each)).mean())


@pytest.mark.parametrize("method", ["full", "scpo", "pooled", "adaptive"])
def test_a_person_changed_the_difference_to_a_run_that_never_saw_them(
    go: Go,
    run: Path,
    settings: Tables,
    big: Rows,
    tmp_path: Path,
    write_rows: Write,
    learned: list[Influence],
    method: str,
) -> None:
    rater = next(one.rater for one in learned if one.community == "~hill")
    others = [row for row in big if row["rater"] != rater]
    path = write_rows(tmp_path / "others.jsonl", others)
    tables = settings | {"pairs": {"source": "jsonl", "path": str(path)}}
    go(tables | {"methods": [method]}, tmp_path / "never")
    (one,) = influence(run, [rater], method).people
    exact = moved(run, tmp_path / "never", method, "~hill", list(one.pairs))
    assert one.changes.moved.value == pytest.approx(exact, rel=1e-6)
    assert exact > 0


@pytest.mark.parametrize("method", ["full", "pooled"])
def test_one_step_for_all_agrees_with_a_refit_within_a_tenth(run: Path, method: str) -> None:
    steps = {(one.rater, one.community): one for one in influence(run, method=method).people}
    raters = [rater for rater, _ in list(steps)[:3]]
    found = influence(run, raters, method)
    assert found.refitted
    for one in found.people:
        step = steps[one.rater, one.community]
        assert step.pairs == one.pairs
        assert step.changes.moved.value == pytest.approx(one.changes.moved.value, rel=0.1)
        assert step.changes.turned.n == one.changes.turned.n


def test_the_people_with_the_most_choices_changed_the_most(
    big: Rows, learned: list[Influence]
) -> None:
    most = {rater for rater, n in Counter(row["rater"] for row in big).items() if n > 6}
    first = [one.rater for one in learned if one.community != "~world"][:1]
    assert set(first) <= most
    sizes = [one.changes.moved.value for one in learned]
    assert sizes == sorted(sizes, reverse=True)


def test_the_pairs_are_those_of_other_people_and_show_nobodys_choice(
    run: Path, learned: list[Influence]
) -> None:
    rater = learned[0].rater
    (one,) = influence(run, [rater], "full").people
    assert len(one.examples) == 5
    assert all(pair.margin >= 0 for pair in one.examples)
    assert len({(p.prompt, p.preferred, p.other) for p in one.examples}) == 5
    changes = [abs(pair.margin - pair.without) for pair in one.examples]
    assert max(changes) == pytest.approx(one.changes.largest)


def test_own_test_pairs_are_left_out_where_people_are_on_both_sides(
    go: Go, settings: Tables, tmp_path: Path
) -> None:
    split = {"split": {"by": "question", "draw": "hash", "test": 0.3}, "repeats": 1}
    go(settings | split | {"methods": ["full"]}, tmp_path / "run")
    judged, _ = RunFolder(tmp_path / "run").read_predictions(SEED, "full")
    of_hill = judged.cluster_N[judged.community_N == "~hill"]
    for one in influence(tmp_path / "run").people:
        if one.community == "~hill":
            others = int((of_hill != one.rater).sum())
            assert one.changes.turned.n == others


def test_a_person_of_the_reference_changes_other_communities_too(
    run: Path, learned: list[Influence]
) -> None:
    rater = next(one.rater for one in learned if one.community == "~world")
    (one,) = influence(run, [rater], "full").people
    assert one.elsewhere["~hill"] > 0


def test_a_person_no_model_learned_from_is_named_with_the_reason(run: Path, big: Rows) -> None:
    seen = {one.rater for one in influence(run, method="full").people}
    tested = next(row["rater"] for row in big if row["rater"] not in seen)
    found = influence(run, [tested])
    assert not found.people
    assert "no model of the run learned from their choices" in found.not_measured[tested]


def test_a_person_whose_community_has_nobody_else_to_test_learns_that_models_learned_from_them(
    go: Go, settings: Tables, big: Rows, tmp_path: Path, write_rows: Write
) -> None:
    alone = [row | {"rater": "alone"} if row["community"] == "~coast" else row for row in big]
    path = write_rows(tmp_path / "alone.jsonl", alone)
    tables = settings | {"pairs": {"source": "jsonl", "path": str(path)}, "methods": ["full"]}
    go(tables | {"min_raters": 1}, tmp_path / "run")
    found = influence(tmp_path / "run", ["alone"])
    assert not found.people
    assert found.not_measured["alone"].startswith("models learned from their choices, but nobody")


def test_people_methods_and_data_that_do_not_fit_are_refused(
    run: Path, settings: Tables, big: Rows, tmp_path: Path, write_rows: Write
) -> None:
    with pytest.raises(InvalidInput, match="no pair of this run is by the rater 'zz'"):
        influence(run, ["zz"])
    with pytest.raises(InvalidInput, match="only weighs pairs"):
        influence(run, method="adaptive")
    with pytest.raises(InvalidInput, match="'reference' must be a method of the run that steers"):
        influence(run, ["big~hill"], "reference")
    path = write_rows(tmp_path / "fewer.jsonl", big[:-1])
    other = resolve(settings | {"pairs": {"source": "jsonl", "path": str(path)}})
    with pytest.raises(InvalidInput, match="the data have changed"):
        influence(run, ["big~hill"], settings=other)


def test_a_model_that_cannot_be_fitted_again_as_it_was_is_refused(
    run: Path, settings: Tables
) -> None:
    """What changed the model otherwise, another version or other settings, is no person's doing."""
    other = resolve(settings | {"fit": {"ridge": 5.0}})
    for raters in (["big~hill"], None):
        with pytest.raises(InvalidInput, match="full cannot be fitted again as it was in the run"):
            influence(run, raters, "full", settings=other)


def test_a_folder_of_another_kind_of_run_is_refused_by_withdrawals_too(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text('{"settings": {}, "data": {}}', encoding="utf-8")
    for work in (influence, withdraw):
        with pytest.raises(InvalidInput, match="no finished run of reward models here"):
            work(tmp_path, ["r1"])


def test_a_run_without_raters_has_nobody_to_take_out(
    go: Go, settings: Tables, big: Rows, tmp_path: Path, write_rows: Write
) -> None:
    nobody = [{k: v for k, v in row.items() if k != "rater"} for row in big]
    path = write_rows(tmp_path / "nobody.jsonl", nobody)
    tables = settings | {"pairs": {"source": "jsonl", "path": str(path)}, "methods": ["full"]}
    go(tables | {"split": {"by": "question"}, "repeats": 1}, tmp_path / "run")
    with pytest.raises(InvalidInput, match="have no raters"):
        influence(tmp_path / "run")


def test_trained_parts_are_refused_before_anything_is_read(run: Path) -> None:
    trained = resolve({
        "pairs": {"source": "society"},
        "trunk": {"kind": "transformer", "model": "minilm", "community": "lora"},
        "methods": ["full"],
    })  # fmt: skip
    with pytest.raises(InvalidSettings, match="trained parts of a transformer"):
        influence(run, ["big~hill"], settings=trained)


def test_the_command_prints_people_and_what_they_did_not_change(
    run: Path, learned: list[Influence]
) -> None:
    rater = learned[0].rater
    named = CliRunner().invoke(app, ["influence", str(run), "--rater", rater])
    assert named.exit_code == 0, named.output
    assert "not changed: the preferred response on" in named.stderr
    assert named.stdout.splitlines()[1].startswith(rater)
    every = CliRunner().invoke(app, ["influence", str(run), "--json", "--method", "full"])
    found = json.loads(every.stdout)
    assert [row["rater"] for row in found["people"]] == [one.rater for one in learned]
    assert found["refitted"] is False
    assert found["people"][0]["changes"]["moved"]["n_raters"] > 1
