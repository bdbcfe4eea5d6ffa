"""Fitting and evaluating in Python: the numbers of a run, and messages in a notebook's words."""

import inspect
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import pluralign
from pluralign.core import InvalidInput, InvalidSettings, NotEnoughData, PreferencePair
from pluralign.experiments import Outcome
from pluralign.models import open_model
from pluralign.notebook import Evaluation, Pairs
from pluralign.rewards import LengthReward, LinearRewardModel
from pluralign.simulation import SocietySource
from pluralign.sources import PrivatePairs

SEED = 3
SOURCE = {"each": 60, "thin": 12, "world": 150}
SMALL = {"min_pairs": 1, "min_raters": 2}


def tables_of(by: str, fit_on: Any) -> dict[str, Any]:
    return {
        **SMALL,
        "seed": SEED,
        "methods": ["reference", "full", "scpo", "adaptive"],
        "pairs": {"source": "society", **SOURCE},
        "split": {"by": by, "test": 0.3},
        "reference": {} if fit_on is None else {"fit_on": fit_on},
        "trunk": {"encoder": "hash"},
        "intervals": {"draws": 100},
    }


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return pluralign.read_pairs(SocietySource(**SOURCE))


@pytest.fixture(scope="module")
def sides(pairs: Pairs) -> tuple[Pairs, Pairs]:
    return pluralign.split(pairs, test=0.3, seed=SEED)


@pytest.fixture(scope="module")
def model(sides: tuple[Pairs, Pairs]) -> LinearRewardModel:
    found = pluralign.fit(sides[0], "scpo", reference="~world", encoder="hash", seed=SEED, **SMALL)
    assert isinstance(found, LinearRewardModel)
    return found


@pytest.fixture(scope="module")
def evaluation(model: LinearRewardModel, sides: tuple[Pairs, Pairs]) -> Evaluation:
    return pluralign.evaluate(model, sides[1], seed=SEED, draws=100)


@pytest.mark.parametrize("by", ["rater", "question"])
@pytest.mark.parametrize("fit_on", [["~world"], None])
def test_the_numbers_are_those_of_a_run(
    by: Any, fit_on: Any, go: Callable[..., Outcome], tmp_path: Path, pairs: Pairs
) -> None:
    outcome = go(tables_of(by, fit_on), tmp_path / "run")
    train, test = pluralign.split(pairs, by=by, test=0.3, seed=SEED)
    kept = ("value", "low", "high", "n", "n_raters")
    for method in ("full", "scpo", "adaptive"):
        model = pluralign.fit(train, method, reference=fit_on, encoder="hash", seed=SEED, **SMALL)
        saved = open_model(tmp_path / "run" / "models" / f"seed-{SEED}" / method)
        np.testing.assert_array_equal(model.heads(), saved.heads())
        rows = {
            (r["community"], r["subset"]): [r[k] for k in kept]
            for r in outcome.results
            if r["method"] == method and r["steer"] == r["community"]
        }
        gains = {
            (r["community"] or "average", r["subset"]): [r[k] for k in kept]
            for r in outcome.comparisons
            if r["method"] == method and r["baseline"] == "reference" and "aggregate" not in r
        }
        averages = {
            r["subset"]: [r[k] for k in kept]
            for r in outcome.summary
            if r["method"] == method and r["aggregate"] == "average"
        }
        for row in pluralign.evaluate(model, test, seed=SEED, draws=100).rows:
            if row.steer is None:
                continue
            found = [getattr(row.accuracy, k) for k in kept]
            gain = [getattr(row.gain, k) for k in kept]
            where = row.community, row.subset
            assert found == (averages[row.subset] if row.community == "average" else rows[where])
            assert gain == gains[where]


def test_another_seed_and_encoder_give_another_model(sides: tuple[Pairs, Pairs]) -> None:
    same = {"reference": "~world", "encoder": "hash", **SMALL}
    first, again = (pluralign.fit(sides[0], "adaptive", seed=1, **same) for _ in range(2))
    other = pluralign.fit(sides[0], "adaptive", seed=2, **same)
    np.testing.assert_array_equal(first.heads(), again.heads())
    assert not np.array_equal(first.heads(), other.heads())


def test_communities_and_reference_may_be_named_as_people_write_them() -> None:
    made = []
    for k, (community, yes) in enumerate([("MEX", "Yes"), ("USA", "No")] * 40):
        other = "No" if yes == "Yes" else "Yes"
        made.append(PreferencePair(str(k), f"Tea {k % 5}?", yes, other, community, rater=str(k)))
    model = pluralign.fit(
        made, "full", reference="United States", communities="Mexico", encoder="hash"
    )
    assert model.communities == ("MEX",)
    assert model.about["reference_fitted_on"] == ["USA"]
    yes, no = model.score([("Tea 1?", "Yes"), ("Tea 1?", "No")], "Mexico")
    assert yes > no


def test_a_saved_model_is_a_reference_by_itself_or_by_its_path(
    sides: tuple[Pairs, Pairs], go: Callable[..., Outcome], tmp_path: Path
) -> None:
    go(tables_of("rater", ["~world"]), tmp_path / "run")
    folder = tmp_path / "run" / "models" / f"seed-{SEED}" / "reference"
    options = {"communities": ["~hill"], "seed": SEED}
    by_path = pluralign.fit(sides[0], "full", reference=str(folder), **options)
    by_model = pluralign.fit(sides[0], "full", reference=open_model(folder), **options)
    np.testing.assert_array_equal(by_path.reference_D, open_model(folder).reference_D)
    np.testing.assert_array_equal(by_path.heads(), by_model.heads())
    with pytest.raises(InvalidInput, match="its own encoder"):
        pluralign.fit(sides[0], "full", reference=folder, encoder="hash", **options)


def test_settings_of_a_file_are_taken(sides: tuple[Pairs, Pairs]) -> None:
    same = {"reference": "~world", "encoder": "hash", "fit": {"ridge": 1.0}, **SMALL}
    mild, strict = (
        pluralign.fit(sides[0], "scpo", scpo={"tau": tau}, **same) for tau in (1.0, 0.3)
    )
    assert strict.about["settings"] == {"tau": 0.3}
    assert not np.array_equal(mild.heads(), strict.heads())


def test_methods_without_a_steer_are_fitted_too(sides: tuple[Pairs, Pairs]) -> None:
    reference = pluralign.fit(sides[0], "reference", encoder="hash", **SMALL)
    length = pluralign.fit(sides[0], "length", encoder="hash", **SMALL)
    assert reference.communities == length.communities == ()
    for model in (reference, length):
        shown = repr(pluralign.evaluate(model, sides[1], draws=100))
        assert "gain" not in shown
        assert "not steered" not in shown


@pytest.mark.parametrize(
    ("arguments", "where", "hint"),
    [
        ({"method": "scop"}, "fit: methods", "did you mean 'scpo'?"),
        ({"reference": "~wrld"}, "fit: reference", 'set reference = ["~world"] or "pooled"'),
        ({"communities": "~hil"}, "fit: communities", 'set communities = ["~hill"]'),
        ({"communities": "Atlantis"}, "fit: communities", "write MEX"),
        ({"reference": "no/such/folder"}, "fit: reference", "the path of a model"),
        ({"reference": 3}, "fit: reference", 'reference="USA"'),
        ({"min_piars": 3}, "fit: min_piars", "did you mean 'min_pairs'"),
        ({"scpo": {"tua": 0.3}}, "fit: scpo.tua", "did you mean 'tau'?"),
        ({"seed": -1}, "fit: seed", None),
        (
            {
                "method": "scpo",
                "encoder": None,
                "trunk": {"kind": "transformer", "model": "minilm"},
            },
            "fit: trunk",
            "use pluralign run",
        ),
    ],
)
def test_an_error_names_the_wrong_argument(
    arguments: dict[str, Any], where: str, hint: str | None, sides: tuple[Pairs, Pairs]
) -> None:
    with pytest.raises((InvalidInput, InvalidSettings)) as caught:
        pluralign.fit(sides[0], **({"encoder": "hash"} | SMALL | arguments))
    assert caught.value.where == where
    assert hint is None or hint in str(caught.value.hint)


def test_too_few_people_are_counted_with_the_way_out(sides: tuple[Pairs, Pairs]) -> None:
    with pytest.raises(NotEnoughData, match="no community has 200 pairs and 10 raters") as caught:
        pluralign.fit(sides[0], encoder="hash")
    assert "lower min_pairs or min_raters, or name communities" in str(caught.value.hint)


def test_training_pairs_among_the_test_pairs_are_warned_about(
    model: LinearRewardModel, sides: tuple[Pairs, Pairs]
) -> None:
    train, test = sides
    mixed = [*test, *train[:7]]
    with pytest.warns(UserWarning, match=f"7 of {len(mixed)} test pairs were training pairs"):
        found = pluralign.evaluate(model, mixed, draws=100)
    assert "7 of" in repr(found)
    renamed = [replace(pair, id=f"other {pair.id}") for pair in train[:7]]
    with pytest.warns(UserWarning, match="7 of 7"):
        pluralign.evaluate(model, renamed, draws=100)


def test_held_out_pairs_of_new_people_are_measured_in_silence(
    model: LinearRewardModel, sides: tuple[Pairs, Pairs]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pluralign.evaluate(model, sides[1], draws=100)
    assert not any("training" in note for note in found.notes)


def test_people_on_both_sides_and_unknown_training_pairs_are_noted(
    model: LinearRewardModel, pairs: Pairs
) -> None:
    train, test = pluralign.split(pairs, by="question", seed=SEED)
    fitted = pluralign.fit(train, "full", reference="~world", encoder="hash", **SMALL)
    notes = pluralign.evaluate(fitted, test, draws=100).notes
    assert any("not about new people" in note for note in notes)
    forgotten = replace(model, training=None)
    notes = pluralign.evaluate(forgotten, test, draws=100).notes
    assert any("training pairs of this model are not known" in note for note in notes)


def test_an_evaluation_prints_as_a_table_of_a_terminals_width(evaluation: Evaluation) -> None:
    lines = repr(evaluation).splitlines()
    table = lines[2 : lines.index("", 2)]
    assert max(map(len, table)) <= 85
    assert table[0].split("  ")[-1] == "people"
    assert [line.split()[0] for line in table[1:]] == [
        *("Coast", "Hill", "Isle", "Marsh", "River", "World", "average")
    ]
    assert "not steered to" in next(line for line in table if line.startswith("World"))
    assert evaluation._repr_html_().count("<tr>") == len(table)


def test_an_evaluation_is_a_table_for_other_tools(evaluation: Evaluation) -> None:
    rows = evaluation.to_arrow().to_pylist()
    assert len(rows) == len(evaluation.rows)
    assert {row["subset"] for row in rows} == {"all", "contested"}
    hill = next(r for r in rows if (r["community"], r["subset"]) == ("~hill", "all"))
    assert hill["accuracy"] == evaluation["~hill"].accuracy.value
    assert hill["accuracy"] - hill["reference"] == pytest.approx(hill["gain"])
    assert (hill["name"], hill["pairs"]) == ("Hill", evaluation["~hill"].accuracy.n)
    pytest.importorskip("pandas")
    assert list(evaluation.to_pandas().columns) == list(rows[0])


def test_an_evaluation_is_a_chart_of_its_communities(evaluation: Evaluation) -> None:
    pytest.importorskip("altair")
    spec = evaluation.plot("es").to_dict()
    (points,) = spec["datasets"].values()
    accuracies = [point["value"] for point in points]
    assert accuracies == sorted(accuracies)
    assert {point["name"] for point in points} >= {"Hill", "Coast"}
    assert "average" not in {point["name"] for point in points}
    hill = next(point for point in points if point["name"] == "Hill")
    found = evaluation["~hill"]
    assert (hill["low"], hill["base"]) == (found.accuracy.low, found.reference.value)
    assert len(spec["layer"]) == 3, "intervals, points, and ticks at the reference"


def test_a_row_is_found_by_id_and_name_and_prints_in_a_line(evaluation: Evaluation) -> None:
    assert evaluation["average"].community == "average"
    assert repr(evaluation["~hill"]).startswith("Hill, all pairs: accuracy 0.")
    with pytest.raises(Exception, match="not steered to '~hil'"):
        evaluation["~hil"]


def test_a_fitted_model_explains_with_its_own_training_pairs(
    model: LinearRewardModel, sides: tuple[Pairs, Pairs]
) -> None:
    pair = next(p for p in sides[0] if p.community == "~hill")
    found = model.explain(pair.prompt, pair.chosen, pair.rejected, "~hill")
    assert found.nearest[0].pair == pair
    assert found.nearest[0].similarity == pytest.approx(1)


def test_the_baseline_of_length_explains_as_other_models_do(sides: tuple[Pairs, Pairs]) -> None:
    model = pluralign.fit(sides[0], "length", reference="~world", encoder="hash", **SMALL)
    found = model.explain("Tea?", "A long answer.", "No.", "~hill", nearest=1)
    assert found.margin > 0
    assert found.nearest == ()
    with pytest.raises(InvalidInput, match="not for a LengthReward"):
        model.explain("Tea?", "A long answer.", "No.", pairs=list(sides[0]))


def test_type_checkers_know_the_calls_of_a_fitted_model() -> None:
    returned = get_type_hints(pluralign.fit)["return"]
    for model in (LinearRewardModel, LengthReward):
        for call in ("score", "score_all", "explain"):
            known = inspect.signature(getattr(returned, call)).parameters
            assert list(known) == list(inspect.signature(getattr(model, call)).parameters)


def test_a_model_of_pairs_without_raters_is_measured_over_stems(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"Tea {k}?",
            "chosen": "Yes" if k % 3 else "No",
            "rejected": "Maybe",
            "community": c,
        }
        for k in range(30)
        for c in ("MEX", "USA")
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    train, test = pluralign.split(str(path), by="question")
    model = pluralign.fit(train, "full", reference="USA", encoder="hash", min_pairs=1)
    found = pluralign.evaluate(model, test, draws=100)
    assert found["MEX"].accuracy.n_raters is None
    assert "intervals over question stems" in repr(found)


def test_a_fitted_model_can_be_saved_opened_and_started_from_again(
    model: LinearRewardModel, sides: tuple[Pairs, Pairs], tmp_path: Path
) -> None:
    pluralign.save_model(model, str(tmp_path / "mine"))
    opened = pluralign.open_model(str(tmp_path / "mine"))
    np.testing.assert_array_equal(opened.heads(), model.heads())
    assert opened.about["people"].keys() == {*model.communities, "~world"}
    assert opened.about["in_data"]["~world"]["role"] == "reference"
    again = pluralign.fit(sides[0], "full", reference=tmp_path / "mine", communities="~hill")
    np.testing.assert_array_equal(again.reference_D, model.reference_D)
    pluralign.save_model(again, tmp_path / "again")
    assert pluralign.open_model(tmp_path / "again").communities == ("~hill",)


def test_a_model_whose_trunk_has_no_name_is_not_saved(
    model: LinearRewardModel, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="does not know how its trunk can be opened again"):
        pluralign.save_model(replace(model, described={}), tmp_path / "mine")


def test_arguments_that_changed_places_are_named(
    model: LinearRewardModel, sides: tuple[Pairs, Pairs]
) -> None:
    with pytest.raises(InvalidInput, match="model must be a reward model, got Pairs") as caught:
        pluralign.evaluate(sides[1], model)  # type: ignore[arg-type]
    assert caught.value.hint == "write evaluate(model, pairs)"
    with pytest.raises(InvalidInput, match="draws must be a number >= 100, got 1"):
        pluralign.evaluate(model, sides[1], draws=1)


def test_one_community_has_no_average_and_no_people_no_column(
    sides: tuple[Pairs, Pairs],
) -> None:
    train, test = sides
    one = pluralign.fit(train, "full", reference="~world", communities="~hill", encoder="hash")
    assert "average" not in repr(pluralign.evaluate(one, test, draws=100))
    nobody = [replace(pair, rater=None) for pair in test]
    assert "people" not in repr(pluralign.evaluate(one, nobody, draws=100))


def test_private_choices_are_fitted_and_measured_as_reports_and_not_made_private_too_late(
    sides: tuple[Pairs, Pairs],
) -> None:
    how = {"reference": "~world", "communities": "~hill", "encoder": "hash"}
    with pytest.raises(InvalidSettings, match="cannot be reported any more") as caught:
        pluralign.fit(sides[0], "full", privacy={"epsilon": 1.0}, **how)
    assert caught.value.hint is not None and "PrivatePairs" in caught.value.hint
    private = PrivatePairs(SocietySource(**SOURCE), epsilon=2.0, seed=1)
    train, test = pluralign.split(pluralign.read_pairs(private), by="rater")
    reported = pluralign.evaluate(pluralign.fit(train, "full", **SMALL, **how), test, draws=100)
    assert {pair.flip for pair in test} == {private.flip}
    assert "contested" not in repr(reported)
