"""Communities that nobody trained on: the deal, the draws, what methods get, and the rows."""

import argparse
import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pluralign.core import FloatArray, PreferencePair, rng_for
from pluralign.encoders import HashEncoder
from pluralign.experiments.unseen import (
    CONTEXT,
    NEW,
    OWN,
    SEEN,
    SHUFFLED,
    SWAPPED,
    ServedCommunity,
    Shots,
    adapted_margins,
    contexts,
    deal,
    draw_order,
    newcomer,
    serve,
    training_rows,
)
from pluralign.experiments.unseen_rows import NEW_NEW, Judges, curve_rows, trained_rows
from pluralign.methods import MapConfig, TrainingSet, choice_margins, learn_map
from pluralign.methods.adapting import OneHead
from pluralign.rewards import EmbeddingTrunk, EncodedPairs, LinearRewardModel

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "unseen_communities.py"
TRUNK = EmbeddingTrunk(HashEncoder(256))
WORDS = ("sea", "hill", "tea", "rain", "song", "bread")


def a_society(communities: int = 6, each: int = 120, odd: bool = False) -> list[PreferencePair]:
    """Communities that prefer the earlier word; the last one, if odd, the later word."""
    pairs, rng = [], rng_for(0, "society")
    for c in range(communities):
        for i in range(each):
            first, second = sorted(rng.choice(len(WORDS), 2, replace=False).tolist())
            chosen, rejected = WORDS[first], WORDS[second]
            if odd and c == communities - 1:
                chosen, rejected = rejected, chosen
            pairs.append(
                PreferencePair(
                    f"{c}/{i}", f"Question {i % 20}?", chosen, rejected, f"~c{c}", f"~c{c}/{i % 7}"
                )
            )
    return pairs


class Dealt:
    """A dealt society, its last community left out."""

    def __init__(self, odd: bool) -> None:
        pairs = a_society(odd=odd)
        self.encoded = TRUNK.encode_pairs(pairs)
        self.dealt = deal(pairs, seed=1)
        ids = [f"~c{c}" for c in range(6)]
        everybody = training_rows(pairs, self.dealt, without=())
        self.all = TrainingSet.build(self.encoded.take(everybody), ids)
        rows = training_rows(pairs, self.dealt, without=["~c5"])
        self.seen = TrainingSet.build(self.encoded.take(rows), ids[:5])
        self.newcomers = [newcomer(c, self.all, self.encoded, self.dealt, TRUNK) for c in ids]
        self.reference = LinearRewardModel(TRUNK, np.zeros(TRUNK.dimensions))


@pytest.fixture(scope="module")
def odd() -> Dealt:
    return Dealt(odd=True)


def pairs_of(training: TrainingSet) -> list[PreferencePair]:
    return list(training.encoded.pairs)


def test_no_person_and_no_stem_is_on_both_sides(odd: Dealt) -> None:
    for own in odd.newcomers:
        told, asked = pairs_of(own.choices), own.test.pairs
        assert not {p.stem for p in told} & {p.stem for p in asked}
        assert not {p.rater for p in told} & {p.rater for p in asked}
        new = {p.stem for p, is_new in zip(asked, own.new_N, strict=True) if is_new}
        assert new
        assert not new & {p.stem for p in odd.all.encoded.pairs}


def test_a_seen_stem_was_answered_by_another_community(odd: Dealt) -> None:
    own = odd.newcomers[5]
    seen = {p.stem for p, is_new in zip(own.test.pairs, own.new_N, strict=True) if not is_new}
    assert seen
    assert seen <= {p.stem for p in odd.seen.encoded.pairs}


def test_the_deal_has_its_shares_and_does_not_depend_on_the_order_of_pairs(odd: Dealt) -> None:
    pairs = list(odd.encoded.pairs)
    parts = {part: {p.stem for p, q in zip(pairs, odd.dealt.part_N, strict=True) if q == part}
             for part in (CONTEXT, SEEN, NEW)}  # fmt: skip
    assert [len(stems) for stems in parts.values()] == [12, 4, 4]
    turned = deal(pairs[::-1], seed=1)
    assert turned.part_N[::-1].tolist() == odd.dealt.part_N.tolist()
    assert turned.gives_N[::-1].tolist() == odd.dealt.gives_N.tolist()


def test_pairs_without_people_are_given_and_judged_by() -> None:
    pair = PreferencePair("1", "Q", "A", "B", "MEX")
    dealt = deal([pair], seed=0)
    assert dealt.gives_N.all()
    assert dealt.judges_N.all()


def test_a_drawn_order_takes_one_pair_of_each_unit_before_a_second() -> None:
    unit_N = np.array([4] * 10 + [2] * 3 + [9])
    order = draw_order(unit_N, rng_for(0))
    assert sorted(order.tolist()) == list(range(14))
    assert sorted(unit_N[order[:3]].tolist()) == [2, 4, 9]
    assert sorted(unit_N[order[3:5]].tolist()) == [2, 4]
    assert draw_order(np.zeros(0, dtype=int), rng_for(0)).size == 0


def test_draws_are_nested_and_controls_are_what_they_say(odd: Dealt) -> None:
    own, others = odd.newcomers[5], odd.newcomers[:5]
    asked = [
        Shots(OWN, 2),
        Shots(OWN, 5),
        Shots(SHUFFLED, 10_000),
        Shots(SWAPPED, 5),
    ]
    two, five, shuffled, swapped = contexts(own, others, asked, draw=3, seed=0)
    assert pairs_of(five)[:2] == pairs_of(two)
    assert {p.community for p in pairs_of(swapped)} < {c.id for c in others}
    assert len(pairs_of(shuffled)) == own.pairs
    as_told = {p.id: p.chosen for p in own.choices.encoded.pairs[: own.pairs]}
    same = [as_told[p.id] == p.chosen for p in pairs_of(shuffled)]
    assert 0.2 < np.mean(same) < 0.8
    again = list(contexts(own, others, asked, draw=3, seed=0))
    assert [pairs_of(c) for c in again] == [pairs_of(c) for c in (two, five, shuffled, swapped)]


def test_own_choices_help_an_odd_community_and_controls_do_not(odd: Dealt) -> None:
    config = MapConfig(ranks=(0,), ridges=(0.1,), mean_ridges=(1.0,))
    shared = learn_map(odd.seen, odd.reference, config, rng_for(0))
    asked = [
        Shots(OWN, 0),
        Shots(OWN, 40),
        Shots(SWAPPED, 40),
        Shots(SHUFFLED, 40),
    ]
    found = serve(shared, odd.newcomers[5], odd.newcomers[:5], asked, draws=4, seed=0)
    none, own, swapped, shuffled = found.credit_N_S.mean(axis=0).tolist()
    assert none < 0.1
    assert own > 0.9
    assert swapped < 0.1
    assert shuffled < own
    assert found.loss_N_S[:, 1].mean() < found.loss_N_S[:, 0].mean()


def test_margins_are_those_of_each_adapted_model(odd: Dealt) -> None:
    config = MapConfig(ranks=(0,), ridges=(1.0,), mean_ridges=(1.0,))
    shared, own = learn_map(odd.seen, odd.reference, config, rng_for(0)), odd.newcomers[5]
    told = list(contexts(own, [], [Shots(OWN, 0), Shots(OWN, 5)], draw=0, seed=0))
    expected = [choice_margins(shared.adapt(choices), own.test) for choices in told]
    np.testing.assert_allclose(adapted_margins(shared, told, own.test), np.stack(expected, axis=1))
    one = OneHead(odd.reference, np.arange(TRUNK.dimensions, dtype=float))
    found = adapted_margins(one, told, own.test)
    np.testing.assert_array_equal(found[:, 0], found[:, 1])


def a_test(sizes: dict[str, int], stems: int = 12) -> tuple[EncodedPairs, np.ndarray]:
    pairs = [
        PreferencePair(f"{c}/{i}", f"Q{i % stems}", "A", "B", c)
        for c, n in sizes.items()
        for i in range(n)
    ]
    return TRUNK.encode_pairs(pairs), np.ones(len(pairs), dtype=bool)


def planted(credit_N: np.ndarray, *asked: Shots) -> ServedCommunity:
    column = np.repeat(credit_N[:, None].astype(float), len(asked), axis=1)
    return ServedCommunity(asked, column, column, np.zeros(len(asked)))


def test_each_community_counts_the_same_and_the_worst_is_named() -> None:
    judges = Judges.of([a_test({"MEX": 120, "KEN": 24, "PER": 4})])
    credit_N = (judges.community_N == "MEX").astype(float)
    (row,) = [r for r in curve_rows(judges, {"a": planted(credit_N, Shots(OWN, 0))})
              if r["metric"] == "accuracy"]  # fmt: skip
    assert row["value"] == pytest.approx(1 / 3)
    assert row["worst_community"] == "KEN"  # PER has too few stems to be named
    assert row["low"] < row["value"] < row["high"]


def test_a_pair_of_several_deals_is_counted_once() -> None:
    test, new_N = a_test({"MEX": 60, "KEN": 24})
    judges = Judges.of([(test, new_N), (test, new_N)])
    credit_N = (judges.community_N == "MEX").astype(float)
    rows = curve_rows(judges, {"a": planted(credit_N, Shots(OWN, 0))})
    row = next(r for r in rows if r["metric"] == "accuracy")
    assert (row["value"], row["n"]) == (pytest.approx(0.5), 84)


def test_the_first_number_above_the_reference_needs_an_interval_above_0() -> None:
    judges = Judges.of([a_test({f"~{c}": 48 for c in range(8)})])
    rng, n = rng_for(0), len(judges.community_N)
    asked = (Shots(OWN, 0), Shots(OWN, 5), Shots(OWN, 50))
    reference = planted(rng.random(n) < 0.5, *asked)
    columns = [reference.credit_N_S[:, 0], rng.random(n) < 0.52, rng.random(n) < 0.9]
    credit_N_S = np.stack([c.astype(float) for c in columns], axis=1)
    better = ServedCommunity(asked, credit_N_S, credit_N_S, np.zeros(3))
    rows = list(curve_rows(judges, {"reference": reference, "better": better}))
    first = {r["method"]: r["value"] for r in rows if r["metric"] == "first_above"}
    assert first == {"reference": None, "better": 50}
    gained = [r for r in rows if r["metric"] == "over_none" and r["choices"] == 50]
    assert {r["method"]: r["low"] > 0 for r in gained} == {"reference": False, "better": True}
    assert {r["cell"] for r in rows} == {NEW_NEW}
    trained = list(trained_rows(judges, {"reference": reference, "better": better}))
    assert {r["metric"] for r in trained} == {"accuracy", "loss", "over_reference"}


@pytest.mark.slow
def test_the_benchmark_runs_goes_on_and_refuses_another_folder(tmp_path: Path) -> None:
    settings = tmp_path / "society.toml"
    settings.write_text(
        'name = "society"\nmin_pairs = 50\n[pairs]\nsource = "society"\neach = 120\nworld = 200\n'
        '[trunk]\nencoder = "hash"\n[reference]\nfit_on = ["~world"]\n'
    )
    command = [
        *(sys.executable, str(BENCHMARK), str(settings), "--out", str(tmp_path / "out")),
        *("--draws", "2", "--folds", "2", "--choices", "0", "5", "--controls", "5", "--everyone"),
        *("--methods", "reference", "pooled", "ridge"),
    ]
    first = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "seed 7, fold 2/2 ridge: learned" in first
    rows = (tmp_path / "out" / "rows.jsonl").read_text()
    cells = {json.loads(line)["cell"] for line in rows.splitlines()}
    assert cells == {"new x seen", "new x new", "seen x new"}
    (tmp_path / "out" / "seed-7" / "fold-0" / "ridge.npz").unlink()
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    done = next(line for line in again.splitlines() if "learned" in line)
    assert done.startswith("seed 7, fold 1/2 ridge")
    assert (tmp_path / "out" / "rows.jsonl").read_text() == rows
    other = [*command, "--draws", "3"]
    refused = subprocess.run(other, capture_output=True, text=True, check=False)
    assert "made with other data or arguments" in refused.stderr


def test_neither_the_reference_nor_a_seen_stem_of_the_curves_knows_communities_of_the_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, rows = tmp_path / "society.toml", tmp_path / "pairs.jsonl"
    settings.write_text(
        'name = "society"\nmin_pairs = 10\nmin_raters = 5\n'
        '[pairs]\nsource = "jsonl"\npath = "pairs.jsonl"\n'
        '[trunk]\nencoder = "hash"\n[reference]\nfit_on = "pooled"\n'
    )
    with rows.open("w") as file:
        for pair in a_society():
            # Half of the stems are asked in two communities only.
            few = f" {int(pair.community[2:]) // 2}" if "Question 1" in pair.stem else ""
            row = {"prompt": pair.stem + few, "chosen": pair.chosen, "rejected": pair.rejected}
            row |= {"community": pair.community, "rater": pair.rater}
            file.write(json.dumps(row) + "\n")
    spec = importlib.util.spec_from_file_location("unseen_communities", BENCHMARK)
    assert spec is not None and spec.loader is not None
    curves = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "unseen_communities", curves)
    spec.loader.exec_module(curves)
    args = argparse.Namespace(
        settings=settings, out=tmp_path / "out", choices=[0], controls=[], draws=1, folds=2,
        methods=["reference"], most=None, pairs=None, seed=7, everyone=True,
    )  # fmt: skip
    data = curves.read(args, 7)
    asked: list[tuple[set[str], FloatArray]] = []

    def spy(seen: TrainingSet, reference: LinearRewardModel, rng: np.random.Generator) -> OneHead:
        asked.append(({p.community for p in seen.encoded.pairs}, reference.reference_D))
        return OneHead(reference, reference.reference_D)

    monkeypatch.setitem(curves.LEARNERS, "reference", spy)
    curves.dealt_data(args, 7)
    assert len(data.folds) == 2 and len(asked) == 3
    for fold, (seen, head_D) in zip(data.folds, asked, strict=False):
        assert not seen & set(fold)
        others = data.train.without(np.isin(data.train.community_N, fold))
        assert np.array_equal(head_D, others.refitted(data.reference).reference_D)
        assert not np.array_equal(head_D, data.reference.reference_D)
        known = {p.stem for p in others.encoded.pairs}
        for community in fold:
            own = data.newcomers[community]
            judged = zip(own.test.pairs, own.new_N, strict=True)
            assert all(p.stem in known for p, is_new in judged if not is_new)
    assert np.array_equal(asked[-1][1], data.reference.reference_D)


@pytest.mark.slow
def test_curves_that_are_killed_and_go_on_have_the_bytes_of_curves_in_one_piece(
    tmp_path: Path,
) -> None:
    settings = tmp_path / "society.toml"
    settings.write_text(
        'name = "society"\nmin_pairs = 50\n[pairs]\nsource = "society"\neach = 60\nworld = 100\n'
        '[trunk]\nencoder = "hash"\n[reference]\nfit_on = ["~world"]\n'
    )

    def command(out: str) -> list[str]:
        return [
            *(sys.executable, str(BENCHMARK), str(settings), "--out", str(tmp_path / out)),
            *("--draws", "2", "--folds", "2", "--choices", "0", "5", "--controls", "5"),
            *("--methods", "reference", "pooled", "--everyone"),
        ]

    subprocess.run(command("whole"), stdout=subprocess.DEVNULL, check=True)
    killed_N = [
        kill_after(command("killed"), fits, wait)
        for fits, wait in ((0, 0.5), (1, 0.0), (1, 0.02), (1, 0.1))
    ]
    assert any(killed_N)  # a fast machine may be done before the signal
    subprocess.run(command("killed"), stdout=subprocess.DEVNULL, check=True)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert (killed / "rows.jsonl").read_bytes() == (whole / "rows.jsonl").read_bytes()
    # Nothing is left of files that were being written.
    assert files_under(killed) == files_under(whole)


def kill_after(command: list[str], fits: int, wait: float) -> bool:
    """Kill a run of the curves when it has written so many results, and a little later.

    Returns:
        Whether it was still running.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while fits and (line := process.stdout.readline()):
            fits -= "learned" in line
        time.sleep(wait)
        process.kill()
    assert process.returncode in {0, -signal.SIGKILL}
    return process.returncode != 0


def files_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
