"""How often the intervals of `pluralign adapt` cover what they are about, in planted communities.

Run: ``python benchmarks/coverage_adapt.py [--communities 200]``. The heads of communities are drawn
from a normal distribution. It is either known, or learned from twelve of them, as in every saved
model. Communities differ as far as its shape of scale 1 says, or all twice or half as far, or only
the new ones twice as far. These make a few choices. The people of a community are alike, or each
has a head of their own around the community's. The truth of a margin is that under the head that
20,000 choices of other people of the community lead to; the truth of a share is that of their
choices that the adapted head predicts.

Printed, for each number of people (ten choices each): how often the 95 % interval of a choice's
margin holds the true margin, and its mean width; and how often the intervals of the shares that the
prior and the adapted head predict hold the true shares.

With ``--settings configs/world_values.toml`` (and PLURALIGN_DATA) it measures margins of real data:
each community is left out of the prior, and the truth is the margin under the head that all of its
choices lead to, of which the few are a part: with a scale of 1, and (last column) as the prior
makes it.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import unseen_communities
from rich.console import Console
from rich.table import Table
from scipy.special import expit

from pluralign.core import Estimate, FloatArray, IntArray, PreferencePair, RewardRequest, rng_for
from pluralign.experiments.unseen import draw_order
from pluralign.methods import RidgeConfig, TrainingSet, choose_ridge, pooled_heads
from pluralign.methods.unseen import learn_prior
from pluralign.models.adaptation import measure_adaptation
from pluralign.rewards import DenseFeatures, EncodedPairs, HeadPrior, LinearRewardModel, fit_path

PEOPLE = (2, 5, 20, 60)
EACH = 10
DIMENSIONS = 32
TRAINED = 12
OWN = 0.25
"""Deviation of people's own heads in each dimension, where they differ."""
MANY = 20_000


@dataclass(frozen=True)
class Planted:
    """A trunk that looks features up, and the truth about heads.

    Attributes:
        truth: The distribution of the heads of communities.
        own: Deviation of a person's head from the community's in each dimension.
        known: Pair id -> difference of features.
    """

    truth: HeadPrior
    own: float
    known: dict[str, FloatArray] = field(default_factory=dict)
    fingerprint: str = "planted"
    dimensions: int = DIMENSIONS
    kinds: Mapping[str, slice] = field(default_factory=lambda: {"planted": slice(None)})

    def features(self, requests: list[RewardRequest]) -> FloatArray:
        """Not needed: pairs are looked up."""
        raise NotImplementedError

    def encode_pairs(self, pairs: list[PreferencePair]) -> EncodedPairs:
        """Pairs with their known features."""
        return EncodedPairs(
            tuple(pairs), DenseFeatures(np.stack([self.known[pair.id] for pair in pairs]))
        )

    def head(self, rng: np.random.Generator) -> FloatArray:
        """The head of a community."""
        rank = self.truth.low_D_r.shape[1]
        drawn_D = rng.normal(size=self.dimensions) + self.truth.low_D_r @ rng.normal(size=rank)
        head_D: FloatArray = self.truth.mean_D + drawn_D / np.sqrt(self.truth.ridge)
        return head_D

    def differences(
        self, head_D: FloatArray, people: int, each: int, rng: np.random.Generator
    ) -> FloatArray:
        """Features of the chosen minus the rejected response of people's choices, shape (N, D)."""
        person_P_D = head_D + self.own * rng.normal(size=(people, self.dimensions))
        x_N_D = rng.normal(size=(people * each, self.dimensions))
        margin_N = (x_N_D * np.repeat(person_P_D, each, axis=0)).sum(axis=1)
        sign_N = np.where(rng.random(len(x_N_D)) < expit(margin_N), 1.0, -1.0)
        signed_N_D: FloatArray = x_N_D * sign_N[:, None]
        return signed_N_D

    def choices(
        self, community: str, head_D: FloatArray, people: int, each: int, rng: np.random.Generator
    ) -> list[PreferencePair]:
        """Choices of people of a community."""
        x_N_D = self.differences(head_D, people, each, rng)
        pairs = [
            PreferencePair(
                f"{community} {n}", f"{community} {n}", "a", "b", community,
                rater=f"{community} {n // each}",
            )
            for n in range(len(x_N_D))
        ]  # fmt: skip
        self.known.update({pair.id: x_D for pair, x_D in zip(pairs, x_N_D, strict=True)})
        return pairs


def society(own: float, ridge: float, rng: np.random.Generator) -> Planted:
    """A society; with ridge 20, margins have a deviation of about 1.4 between communities."""
    mean_D = rng.normal(size=DIMENSIONS) * 0.2
    low_D_r = 3 * np.linalg.qr(rng.normal(size=(DIMENSIONS, 2)))[0]
    return Planted(HeadPrior(mean_D, low_D_r, ridge), own)


def learned(planted: Planted, rng: np.random.Generator) -> HeadPrior:
    """The prior that a saved model has of communities, from 30 people of each of twelve."""
    names = [f"~trained{c}" for c in range(TRAINED)]
    pairs = [pair for c in names for pair in planted.choices(c, planted.head(rng), 30, EACH, rng)]
    train = TrainingSet.build(planted.encode_pairs(pairs), names)
    reference = LinearRewardModel(planted, np.zeros(DIMENSIONS))
    return learn_prior(train, reference, 10.0, rng)


@dataclass(frozen=True)
class Found:
    """What was found about one community.

    Attributes:
        inside: Share of its choices whose interval holds the true margin.
        width: Mean width of these intervals, in logits.
        before: Whether the interval of the share that the prior predicts holds the true share.
        held_out: Whether that of the adapted head does.
    """

    inside: float
    width: float
    before: bool
    held_out: bool


def adapted(
    planted: Planted, prior: HeadPrior, people: int, farther: float, rng: np.random.Generator
) -> Found:
    """Adapt to a community, and compare with the truth."""
    mean_D = planted.truth.mean_D
    head_D = mean_D + farther * (planted.head(rng) - mean_D)
    choices = planted.choices("~new", head_D, people, EACH, rng)
    found = measure_adaptation(LinearRewardModel(planted, prior.mean_D, prior=prior), choices)
    others_N_D = planted.differences(head_D, MANY, 1, rng)
    true_D = fit_path(DenseFeatures(others_N_D), [0.01], np.zeros(DIMENSIONS), np.ones(MANY))[0]
    true_N = np.array([planted.known[choice.pair.id] @ true_D for choice in found.choices])
    low_N, high_N = np.array([(c.low, c.high) for c in found.choices]).T
    made_D = prior.head(planted.encode_pairs(choices))
    return Found(
        inside=float(((low_N <= true_N) & (true_N <= high_N)).mean()),
        width=float((high_N - low_N).mean()),
        before=holds(found.before, others_N_D @ prior.mean_D),
        held_out=holds(found.held_out, others_N_D @ made_D),
    )


def holds(share: Estimate | None, margin_N: FloatArray) -> bool:
    """Whether an interval holds the share of the margins above zero."""
    assert share is not None and share.low is not None and share.high is not None
    return share.low <= float((margin_N > 0).mean()) <= share.high


class Distances(NamedTuple):
    """How far communities are apart.

    Attributes:
        ridge: That of the true distribution of heads.
        farther: How many times farther the new communities are from the others' mean.
    """

    ridge: float
    farther: float


SETTINGS = {
    "known": Distances(20.0, 1.0),
    "learned": Distances(20.0, 1.0),
    "learned, all twice as far": Distances(5.0, 1.0),
    "learned, all half as far": Distances(80.0, 1.0),
    "learned, new ones twice as far": Distances(20.0, 2.0),
}
"""Where the prior comes from, and how far communities are apart."""


def rows(communities: int) -> Iterator[list[str]]:
    """A row for each prior, kind of people and number of them; a new society every ten."""
    for own, people_are in ((0.0, "alike"), (OWN, "different")):
        for kind, (ridge, farther) in SETTINGS.items():
            for people in PEOPLE:
                rng = rng_for(0, "adapt", str(own), kind, str(people))
                found: list[Found] = []
                while len(found) < communities:
                    planted = society(own, ridge, rng)
                    prior = planted.truth if kind == "known" else learned(planted, rng)
                    found += [adapted(planted, prior, people, farther, rng) for _ in range(10)]
                yield [people_are, kind, str(people), *told(found)]


def told(found: list[Found]) -> list[str]:
    """Shares in %, and the mean width of intervals of margins."""
    return [
        f"{100 * np.mean([community.inside for community in found]):.1f}",
        f"{np.mean([community.width for community in found]):.2f}",
        f"{100 * np.mean([community.before for community in found]):.1f}",
        f"{100 * np.mean([community.held_out for community in found]):.1f}",
    ]


def real_rows(settings: Path) -> Iterator[list[str]]:
    """A row for each number of choices, spread over people and questions, or of a few of them."""
    given = argparse.Namespace(
        settings=settings, everyone=False, pairs=800, most=None, folds=8, out=Path()
    )
    data = unseen_communities.read(given, seed=7)
    found: dict[tuple[str, int], list[list[float]]] = {}
    for left_out in data.folds:
        seen = data.train.without(np.isin(data.train.community_N, left_out))
        rng = rng_for(7, "prior")
        ridge = choose_ridge(pooled_heads, seen, data.reference, RidgeConfig(), rng).ridge
        prior = learn_prior(seen, data.reference, ridge, rng)
        unscaled = replace(prior, scales=(1.0,), shares=(1.0,))
        for community in left_out:
            own = data.newcomers[community]
            every = own.choices.encoded.take(np.arange(own.pairs))
            whole_D = prior.head(every)
            unscaled_D = unscaled.head(every)
            for kind, k, rows in few_choices(community, own.unit_n):
                few = every.take(rows)
                low_N, high_N = prior.interval(few, prior.given(few))
                inside = [
                    float(((low_N <= true_N) & (true_N <= high_N)).mean())
                    for true_N in (few.margins(unscaled_D), few.margins(whole_D))
                ]
                found.setdefault((kind, k), []).append([*inside, float((high_N - low_N).mean())])
    for (kind, k), each in found.items():
        unscaled_share, share, width = np.mean(each, axis=0)
        told = [f"{100 * unscaled_share:.1f}", f"{width:.2f}", "", "", f"{100 * share:.1f}"]
        yield [kind, settings.stem, str(k), *told]


def few_choices(community: str, unit_n: IntArray) -> Iterator[tuple[str, int, IntArray]]:
    """Rows of 5, 20 and 100 choices: of as many people or questions as there are, or of few."""
    for draw in range(8):
        rng = rng_for(draw, "few choices", community)
        spread = draw_order(unit_n, rng)
        units = rng.permutation(np.unique(unit_n))
        by_unit = np.concatenate([np.flatnonzero(unit_n == unit) for unit in units])
        for k in (1, 5, 20, 100):
            if len(unit_n) >= 2 * k:
                yield "spread", k, spread[:k]
                yield "of few units", k, by_unit[:k]


def main() -> None:
    """Print the table of coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--communities", type=int, default=200)
    parser.add_argument("--settings", type=Path, help="settings file of pluralign run")
    options = parser.parse_args()
    table = Table(title="Coverage of the intervals of `pluralign adapt` that promise 95 %")
    for column in (
        "people",
        "prior",
        "number",
        "margins",
        "width",
        "share, prior",
        "held out",
        "own truth",
    ):
        table.add_column(column)
    given = options.settings
    for row in rows(options.communities) if given is None else real_rows(given):
        table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
