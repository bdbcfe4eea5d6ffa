"""Coverage of the intervals of a judge's gains, on a planted society with other people each time.

Run: python benchmarks/judge_coverage.py [--seeds 40] [--raters 30] [--prompts 84]

Each seed draws a society's people, the prompts and the answers. A policy takes the answer of four
that the community's planted taste likes best, so the judge has no part in the choice. The judge is
fitted five times, each time without another fifth of its people, and the first fit's gain gets an
interval over prompts alone, and one over prompts and people. Both should contain the gain that is
expected over people and prompts, which is the mean over all seeds. How often they contain the true
gain, in spreads of the planted utility, is shown next to it: a judge of few people errs towards no
taste at all, which no interval shows.
"""

import argparse

import numpy as np

import pluralign
from pluralign.aligning.people_intervals import PeopleBehind, fits_row
from pluralign.aligning.planted import planted_prompts
from pluralign.aligning.result_rows import MeasuredPolicy
from pluralign.core import FloatArray, PreferencePair, RewardRequest, Steer
from pluralign.metrics import RewardScale
from pluralign.rewards import LinearRewardModel
from pluralign.simulation import PlantedReward, SocietySource, default_society
from pluralign.simulation.bank import TRAITS
from pluralign.simulation.texts import draft, write

COMMUNITIES = ("~hill", "~coast")
FITS, HELD_OUT, ANSWERS = 5, 0.2, 4


def main() -> None:
    """Run all seeds, and print the coverage for each community."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--raters", type=int, default=30)
    parser.add_argument("--prompts", type=int, default=84)
    given = parser.parse_args()
    rows = [one_seed(seed, given.raters, given.prompts) for seed in range(given.seeds)]
    print(f"{given.raters} people of each community, {given.prompts} prompts, {given.seeds} seeds")
    for community in COMMUNITIES:
        own = [row[community] for row in rows]
        truth = np.mean([row["truth"] for row in own])
        expected = np.mean([row["value"] for row in own])
        both = [row["low"] <= expected <= row["high"] for row in own]
        alone = [abs(row["value"] - expected) <= row["half_prompts"] for row in own]
        true = [row["low"] <= truth <= row["high"] for row in own]
        widths = {
            key: np.mean([row[key] for row in own]) for key in ("half_prompts", "half_people")
        }
        print(
            f"{community}: expected gain {expected:+.2f}, truth {truth:+.2f}; contained by the "
            f"interval over prompts {np.mean(alone):.0%}, over prompts and people "
            f"{np.mean(both):.0%} (the truth {np.mean(true):.0%}); half widths over prompts "
            f"{widths['half_prompts']:.2f}, over people {widths['half_people']:.2f}",
            flush=True,
        )


def one_seed(seed: int, raters: int, prompts: int) -> dict[str, dict[str, float]]:
    """The row of the judged gain of each community's policy, and its true gain."""
    rng = np.random.default_rng(seed)
    asked = [planted_prompts(400)[k] for k in rng.choice(400, prompts, replace=False)]
    texts = write(list(TRAITS), draft(list(TRAITS), prompts * ANSWERS, rng))
    answers = [RewardRequest(asked[k // ANSWERS], text) for k, text in enumerate(texts)]
    judges = fits(seed, raters, rng)
    found = {}
    for community in COMMUNITIES:
        steer = Steer.to(community)
        true_P_N = PlantedReward(default_society()).score(answers, steer).reshape(prompts, -1)
        best_P = true_P_N.argmax(axis=1)
        shaped = [
            gains(judge.score(answers, steer).reshape(prompts, -1), best_P) for judge in judges
        ]
        people = PeopleBehind({community: raters}, HELD_OUT)
        policy = MeasuredPolicy("best", community)
        row = fits_row(policy, "judged_gain", community, np.array(shaped), people)
        found[community] = row | {"truth": gains(true_P_N, best_P).mean()}
    return found


def gains(reward_P_N: FloatArray, best_P: FloatArray) -> FloatArray:
    """Reward of the chosen answer less the mean, in spreads of all rewards, shape (P,)."""
    chosen_P = np.take_along_axis(reward_P_N, best_P[:, None], axis=1)[:, 0]
    gain_P: FloatArray = (chosen_P - reward_P_N.mean(axis=1)) / RewardScale.of(
        reward_P_N.ravel()
    ).spread
    return gain_P


def fits(seed: int, raters: int, rng: np.random.Generator) -> list[LinearRewardModel]:
    """Judges of the same people, each fitted without another fifth of them."""
    pairs = [p for p in SocietySource(seed=seed).pairs() if p.community in COMMUNITIES]
    people = {c: sorted({str(p.rater) for p in pairs if p.community == c}) for c in COMMUNITIES}
    kept = {c: rng.permutation(own)[:raters].tolist() for c, own in people.items()}
    models = []
    for _ in range(FITS):
        left = round((1 - HELD_OUT) * raters)
        own = {rater for group in kept.values() for rater in rng.permutation(group)[:left].tolist()}
        models.append(pluralign.fit(_of(pairs, own), method="full", encoder="hash"))
    return models


def _of(pairs: list[PreferencePair], raters: set[str]) -> list[PreferencePair]:
    return [pair for pair in pairs if pair.rater in raters]


if __name__ == "__main__":
    main()
