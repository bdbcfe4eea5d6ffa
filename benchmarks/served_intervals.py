"""Coverage of a server's intervals in simulation, where other people can be drawn.

    python benchmarks/served_intervals.py

For each seed, people of communities of 20, 60 and 200 raters and of a world panel compare replies.
As in a run with ``repeats = 5``, a reference and full fine-tuning are fitted five times, each
without another 20 % of the raters. Of each probe, a pair of replies that nobody was asked about,
the interval is that of `subsample_half_width` around the margin of the first fit. It should cover
the margin that such a fit has on average over people who might have taken part: the mean over fits
on fresh people. It need not cover the margin that was planted: a fit on few people is pulled
towards the reference, and an encoder does not see all that was planted; no spread between fits
shows that.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from pluralign.core import WORLD, BoolArray, FloatArray, rng_for
from pluralign.encoders import HashEncoder
from pluralign.methods import RidgeConfig, TrainingSet, fit_full
from pluralign.metrics import subsample_error, subsample_half_width
from pluralign.rewards import EmbeddingTrunk, EncodedPairs, LinearRewardModel, fit_bradley_terry
from pluralign.simulation import PlantedTaste, Probe, SimulatedCommunity, Society
from pluralign.sources import split_by

HELD_OUT = 0.2
PANEL = 200
TASTE = {
    "formal": 0.7,
    "warm": 0.6,
    "direct": -0.8,
    "family": 0.9,
    "faith": 0.7,
    "money": -0.5,
    "caution": 0.5,
}
OTHERS = {
    "brief": 0.9,
    "direct": 0.8,
    "humour": 0.6,
    "formal": -0.4,
    "family": -0.6,
    "money": 0.5,
    "caution": -0.5,
}
SIZES = {"~few": 20, "~some": 60, "~many": 200}
FRESH = 1_000_000
"""First seed of the people from whom the expected fit is estimated."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The settings that every fit of the benchmark shares."""

    trunk: EmbeddingTrunk
    probes: tuple[Probe, ...]
    probe_P_D: FloatArray
    each: int
    ridge: float

    def encoded(self, seed: int) -> EncodedPairs:
        """The comparisons of newly drawn people."""
        people = SIZES | {WORLD.id: PANEL}
        pairs = society(seed).pairs(
            {id_: n * self.each for id_, n in people.items()}, rng_for(seed, "pairs")
        )
        return self.trunk.encode_pairs(pairs)

    def margins(self, encoded: EncodedPairs, seed: int) -> FloatArray:
        """Margins of the probes under a fit without a random subset of the people, shape (C, P)."""
        split = split_by("rater", encoded.pairs, HELD_OUT, rng_for(seed, "split"))
        train = TrainingSet.build(encoded.take(split.train), tuple(SIZES))
        panel_N_D = train.encoded.of([WORLD.id]).features
        reference = LinearRewardModel(self.trunk, fit_bradley_terry(panel_N_D, self.ridge))
        model = fit_full(train, reference, RidgeConfig(self.ridge), rng_for(seed, "fit"))
        margin_C_P: FloatArray = model.heads() @ self.probe_P_D.T
        return margin_C_P


def society(seed: int) -> Society:
    """Three communities with one taste, and a majority with another; a seed draws the people."""
    same = [
        SimulatedCommunity(
            id_, PlantedTaste(TASTE), n_raters=n, population=1, reliability=1.5, taste_sd=0.4
        )
        for id_, n in SIZES.items()
    ]
    majority = SimulatedCommunity(
        "~others", PlantedTaste(OTHERS), population=7, reliability=1.5, taste_sd=0.4
    )
    return Society((*same, majority), panel=PANEL, seed=seed)


def bench(each: int, ridge: float) -> Bench:
    trunk, probes = EmbeddingTrunk(HashEncoder()), tuple(society(0).probe(2))
    probe_P_D = trunk.features([p.positive for p in probes]) - trunk.features(
        [p.negative for p in probes]
    )
    return Bench(trunk, probes, probe_P_D.astype(np.float64), each, ridge)


def per_seed(hit_S_P: BoolArray) -> tuple[float, float]:
    """A share, and its standard error over seeds, because the probes of one seed are dependent."""
    share_S = hit_S_P.mean(axis=1)
    return float(share_S.mean()), float(share_S.std(ddof=1) / np.sqrt(len(share_S)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--fresh", type=int, default=200, help="samples of people behind the expected fit"
    )
    parser.add_argument("--each", type=int, default=10, help="pairs for each rater, on average")
    parser.add_argument("--ridge", type=float, default=1.0)
    options = parser.parse_args()
    at = bench(options.each, options.ridge)
    fresh_F_C_P = np.stack(
        [at.margins(at.encoded(seed), seed) for seed in range(FRESH, FRESH + options.fresh)]
    )
    fits_S_B_C_P = []
    for seed in range(options.seeds):
        encoded = at.encoded(seed)
        fits_S_B_C_P.append([at.margins(encoded, seed + FRESH * k) for k in range(options.repeats)])
    print(
        f"{options.seeds} seeds, {options.repeats} fits each, {options.each} pairs a rater, ridge "
        f"{options.ridge:g}, "
        f"{len(at.probes)} probes; the expected fit is a mean over {options.fresh} samples of "
        "fresh people"
    )
    tell(at, fresh_F_C_P, np.array(fits_S_B_C_P).swapaxes(0, 1))


def tell(at: Bench, fresh_F_C_P: FloatArray, value_B_S_C_P: FloatArray) -> None:
    """Print the table."""
    print(
        f"{'raters':>6}  {'covers expected fit':>19}  {'mean width':>10}  {'est./true error':>15}  "
        f"{'covers planted':>14}  {'planted':>7}  {'expected':>8}"
    )
    for c, (id_, raters) in enumerate(SIZES.items()):
        value_B_S_P, fresh_F_P = value_B_S_C_P[:, :, c], fresh_F_C_P[:, c]
        planted_P = np.array([planted(probe, id_) for probe in at.probes])
        expected_P, half_S_P = fresh_F_P.mean(axis=0), subsample_half_width(value_B_S_P, HELD_OUT)
        told_P = np.sqrt((subsample_error(value_B_S_P, HELD_OUT) ** 2).mean(axis=0))
        share, error = per_seed(np.abs(value_B_S_P[0] - expected_P) <= half_S_P)
        of_planted, _ = per_seed(np.abs(value_B_S_P[0] - planted_P) <= half_S_P)
        print(
            f"{raters:>6}  {share:>12.1%} ± {error:>4.1%}  {2 * half_S_P.mean():>10.2f}  "
            f"{(told_P / fresh_F_P.std(axis=0, ddof=1)).mean():>15.2f}  {of_planted:>14.1%}  "
            f"{np.abs(planted_P).mean():>7.2f}  {np.abs(expected_P).mean():>8.2f}"
        )
    print(
        "widths and margins in logits; planted, expected: mean size of the margin; ±: one "
        "standard error over seeds"
    )


def planted(probe: Probe, community: str) -> float:
    """The margin of a probe in its community's own taste, in logits of a typical rater."""
    shown, opposite = society(0).utilities(
        [probe.positive.response, probe.negative.response], community
    )
    return float(1.5 * (shown - opposite))


if __name__ == "__main__":
    main()
