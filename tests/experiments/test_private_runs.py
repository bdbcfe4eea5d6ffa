from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput, InvalidSettings, Tally, flip_probability
from pluralign.experiments import Outcome, influence, run_experiment
from pluralign.models import open_model
from pluralign.rewards import LinearRewardModel
from pluralign.runs import RewardRun, open_run
from pluralign.settings import resolve
from pluralign.simulation import SocietySource
from pluralign.sources import PrivatePairs, load_pairs, read_ledger

METHODS = ["reference", "full", "scpo", "adaptive"]


def settings(**tables: Any) -> dict[str, Any]:
    return {
        "pairs": {"source": "society", "each": 200, "thin": 20, "world": 300},
        "methods": METHODS,
        "communities": ["~hill"],
        "reference": {"fit_on": ["~world"]},
        "trunk": {"encoder": "hash"},
        "intervals": {"draws": 200},
        **tables,
    }


def run(out: Path, **tables: Any) -> Outcome:
    return run_experiment(resolve(settings(**tables)), out)


def accuracy(outcome: Outcome, method: str) -> dict[str, Any]:
    (row,) = [
        r for r in outcome.results
        if r["method"] == method and r["community"] == "~hill" and r["subset"] == "all"
        and r["steer"] in {None, "~hill"}
    ]  # fmt: skip
    return row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("private")


@pytest.fixture(scope="module")
def open_choices(folder: Path) -> Outcome:
    return run(folder / "open")


def test_a_run_under_an_epsilon_without_flips_equals_a_run_without_privacy(
    folder: Path, open_choices: Outcome
) -> None:
    private = run(folder / "sure", privacy={"epsilon": 60.0, "seed": 1})
    for method in METHODS:
        one, other = accuracy(private, method), accuracy(open_choices, method)
        assert one["value"] == pytest.approx(other["value"], abs=1e-9)
        assert one["n"] == other["n"]


def test_a_private_run_states_how_its_choices_were_reported_and_its_numbers_corrected(
    folder: Path,
) -> None:
    private = run(folder / "private", privacy={"epsilon": 2.0, "seed": 1})
    assert {r["subset"] for r in private.results} == {"all"}
    assert private.record["privacy"] == [
        {
            "source": "society", "position": 0, "epsilon": 2.0, "flip": flip_probability(2.0),
            "per": "label", "seeded": True,
        }
    ]  # fmt: skip
    assert any("with probability 11.9%" in note for note in private.record["notes"])
    assert any("are corrected" in note for note in private.record["notes"])


def test_the_corrected_interval_is_wider_and_has_the_accuracy_on_the_choices(folder: Path) -> None:
    society = SocietySource(each=2000, thin=20, world=300)
    tables = settings(methods=["reference"], privacy={"epsilon": 1.0, "seed": 3})
    private = run_experiment(resolve({**tables, "pairs": society}), folder / "large")
    plain = run_experiment(resolve({**tables, "pairs": society, "privacy": {}}), folder / "plain")
    one, other = accuracy(private, "reference"), accuracy(plain, "reference")
    assert one["low"] < other["value"] < one["high"]
    assert one["high"] - one["low"] > 1.2 * (other["high"] - other["low"])


def test_one_source_may_be_private_and_another_not(folder: Path) -> None:
    ledger = folder / "ledger.jsonl"
    world = {"source": "society", "each": 20, "thin": 20, "world": 300, "seed": 5}
    hill = {"source": "society", "each": 200, "thin": 20, "world": 20}
    hill["privacy"] = {"epsilon": 4.0, "ledger": str(ledger)}
    resolved = resolve(settings(pairs=[world, hill], methods=["reference", "full"]))
    outcome = run_experiment(resolved, folder / "mixed")
    assert [p["position"] for p in outcome.record["privacy"]] == [1]
    assert outcome.record["data"]["sources"][1]["settings"]["privacy"]["epsilon"] == 4.0
    drawn = sum(account.draws for account in read_ledger(ledger))
    again = run_experiment(resolved, folder / "mixed again")
    assert again.results == outcome.results
    assert sum(account.draws for account in read_ledger(ledger)) == drawn


def test_flips_follow_pairs_to_training_and_test(folder: Path) -> None:
    loaded = load_pairs(resolve(settings(privacy={"epsilon": 1.0, "seed": 0})).sources, 10_000, 0)
    assert {pair.flip for pair in loaded.pairs} == {flip_probability(1.0)}
    (source,) = resolve(settings(privacy={"epsilon": 1.0, "seed": 0})).sources
    assert isinstance(source, PrivatePairs)
    tally = Tally()
    n = len(list(source.pairs(tally)))
    flipped = next(v for k, v in tally.notes.items() if k.startswith("reports that are"))
    assert flipped / n == pytest.approx(source.flip, abs=0.05)


@pytest.mark.parametrize(
    ("privacy", "message"),
    [
        ({"epsilon": 0}, "greater than 0"),
        ({"epsilon": 1, "per": "pair"}, "'label' or 'person'"),
        ({"epsilon": 1, "los": "plain"}, "unknown key"),
        ({"per": "person", "seed": 1}, "per and seed must be set together with epsilon"),
    ],
)
def test_privacy_that_cannot_be_is_refused(privacy: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        resolve(settings(privacy=privacy))


def test_a_run_for_the_audit_writes_margins_of_training_pairs_of_other_people_than_the_test(
    folder: Path,
) -> None:
    run(folder / "audited", privacy={"audit": True}, methods=["reference", "full"])
    opened = open_run(folder / "audited")
    assert isinstance(opened, RewardRun)
    found = opened.seen_margins("full", 0)
    assert found is not None
    trained, margin_N = found
    tested, _ = opened.margins("full", 0)
    assert set(trained.community_N) == {"~hill"}
    assert set(trained.cluster_N).isdisjoint(tested.cluster_N)
    assert len(margin_N) == len(trained)
    assert (margin_N > 0).mean() > 0.6


def test_a_run_without_the_setting_has_no_margins_of_training_pairs(
    folder: Path, open_choices: Outcome
) -> None:
    opened = open_run(folder / "open")
    assert isinstance(opened, RewardRun)
    assert opened.seen_margins("full", 0) is None
    assert not list((folder / "open").rglob("*.seen.parquet"))


def test_nothing_that_choices_taught_without_noise_is_saved_with_a_private_model(
    folder: Path,
) -> None:
    """The prior of new communities has the head of all choices, and its directions."""
    run(
        folder / "people",
        pairs={"source": "society", "each": 400, "thin": 20, "world": 300},
        methods=["person-means", "pooled"],
        **{"person-means": {"epsilon": 4.0, "dimensions": 2}},
    )
    models = folder / "people" / "models" / "seed-0"
    private, pooled = (open_model(models / name) for name in ("person-means", "pooled"))
    assert isinstance(private, LinearRewardModel) and isinstance(pooled, LinearRewardModel)
    assert private.prior is None and pooled.prior is not None
    digests = {"data_fingerprint", "behind"}
    assert digests <= pooled.about.keys() and not digests & private.about.keys()
    with pytest.raises(InvalidInput, match="cannot be adapted") as refused:
        private.adapt([], "KEN")
    assert "other than person-means" in str(refused.value.hint)
    with pytest.raises(InvalidInput, match="steers without noise") as noisy:
        influence(folder / "people", ["r1"], "person-means")
    assert noisy.value.hint == "use pooled"
