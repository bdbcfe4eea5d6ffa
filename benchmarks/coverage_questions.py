"""How often intervals cover the truth where questions vary, alone or together with raters.

Run: ``python benchmarks/coverage_questions.py [--societies 600] [--stems FOLDER]``. Three tables:

* Raters who judge 15 questions each, where every question is judged by few or many of them: the
  accuracy, a paired difference, and how far people agree. The truth is about other raters on the
  same questions (a run split by rater), or about other raters and other questions (by both).
* ``--stems`` takes the folder of a finished run (``pluralign run configs/global_opinions.toml``):
  its question stems, of which one has 24 % of the pairs, are the population, and stems are drawn
  from them, for the average over communities and for the community with the most pairs.
* Rank correlations of two maps of communities.

Printed: the share of intervals that contain the truth, and the median width, for our interval and
for the percentile bootstrap that it replaced.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import ndtr
from scipy.stats import rankdata

from pluralign.core import Estimate, FloatArray, IntArray, rng_for
from pluralign.evaluation import TestPairs, own_margins
from pluralign.methods.culturespa.culture_map import CultureMap, agreement_with_people
from pluralign.metrics import Clusters, correct, group_means, human_ceiling
from pluralign.runs import RewardRun, open_run

RATERS = (10, 20, 50)
STEMS = (20, 50, 150)
COMMUNITIES = (5, 8, 15, 25)
PAIRS = 15
DRAWS = 400
SPREAD = 0.6
"""Deviation of raters, and of questions, on the probit scale."""
Bounds = tuple[float, float]
Ends = tuple[float, float]


@dataclass(frozen=True)
class Judged:
    """The test pairs of a society, and the number that is to be found.

    Attributes:
        value_N: Credit of each pair, or difference in credit, shape (N,).
        community_N: Community of each pair, shape (N,); each counts the same.
        cluster_N: Rater of each pair, or stem where there are no raters, shape (N,).
        truth: The number.
        question_N: Question of each pair, shape (N,); None where it is the cluster.
        both: Whether the truth is about other raters and other questions.
    """

    value_N: FloatArray
    community_N: IntArray
    cluster_N: IntArray
    truth: float
    question_N: IntArray | None = None
    both: bool = False


def ours(judged: Judged, bounds: Bounds) -> Ends:
    """The interval of the package."""
    clusters = Clusters(cluster_N=judged.cluster_N, question_N=judged.question_N, both=judged.both)
    means = group_means(judged.value_N[:, None], judged.community_N, clusters, bounds=bounds)
    return ends(means.average())


def ends(estimate: Estimate) -> Ends:
    """Both ends of an interval."""
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def percentile(judged: Judged, rng: np.random.Generator) -> Ends:
    """The middle 95 % of bootstrap means: clusters are drawn for all communities at once."""
    cluster_N = np.unique(judged.cluster_N, return_inverse=True)[1]
    community_N = np.unique(judged.community_N, return_inverse=True)[1]
    clusters = cluster_N.max() + 1
    sum_K_C, size_K_C = np.zeros((2, clusters, community_N.max() + 1))
    np.add.at(sum_K_C, (cluster_N, community_N), judged.value_N)
    np.add.at(size_K_C, (cluster_N, community_N), 1)
    count_B_K = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=DRAWS)
    # A community may have no pair in a draw.
    with np.errstate(invalid="ignore"):
        mean_B_C = (count_B_K @ sum_K_C) / (count_B_K @ size_K_C)
    low, high = np.quantile(np.nanmean(mean_B_C, axis=1), [0.025, 0.975])
    return float(low), float(high)


def told(kind: str, count: int, truth_S: FloatArray, *methods: list[Ends]) -> list[str]:
    """A row of a table: coverage and median width of the intervals of each method."""
    line = [kind, str(count)]
    for found in methods:
        low_S, high_S = np.array(found).T
        inside_S = (low_S <= truth_S + 1e-12) & (truth_S - 1e-12 <= high_S)
        line.append(f"{100 * inside_S.mean():.1f} ({np.median(high_S - low_S):.3f})")
    return line


def told_of(kind: str, count: int, societies: Iterable[Judged], bounds: Bounds) -> list[str]:
    """The row of societies of one kind."""
    rng = rng_for(0, "percentile")
    found = [(s.truth, ours(s, bounds), percentile(s, rng)) for s in societies]
    truths, own, old = zip(*found, strict=True)
    return told(kind, count, np.array(truths), list(own), list(old))


def dealt_questions(raters: int, questions: int, rng: np.random.Generator) -> IntArray:
    """Question of each pair: each rater's differ, and each is judged by equally many raters."""
    order_Q = rng.permutation(questions)
    dealt_N: IntArray = order_Q[np.arange(raters * PAIRS) % questions]
    return dealt_N


def shared_questions(
    raters: int, each: int, both: bool, differs: bool, societies: int
) -> Iterator[Judged]:
    """Raters with 15 pairs each, and questions that ``each`` raters judge.

    The chance of a credit depends on the rater and on the question (probit). Where ``differs``, two
    models differ on 30 % of the pairs, and the credit says which of them is right.
    """
    rng = rng_for(0, "questions", str(raters), str(each), str(both), str(differs))
    questions, middle = raters * PAIRS // each, 0.15 if differs else 0.4
    rater_N = np.repeat(np.arange(raters), PAIRS)
    together_N = np.zeros(len(rater_N), dtype=np.int64)
    for _ in range(societies):
        question_N = dealt_questions(raters, questions, rng)
        own_Q = middle + SPREAD * rng.normal(size=questions)
        latent_N = own_Q[question_N] + SPREAD * rng.normal(size=raters)[rater_N]
        value_N = (rng.random(len(latent_N)) < ndtr(latent_N)).astype(float)
        truth = float(ndtr(own_Q / np.hypot(1, SPREAD)).mean())
        if both:
            truth = float(ndtr(middle / np.sqrt(1 + 2 * SPREAD**2)))
        if differs:
            value_N = (2 * value_N - 1) * (rng.random(len(value_N)) < 0.3)
            truth = 0.3 * (2 * truth - 1)
        yield Judged(value_N, together_N, rater_N, truth, question_N, both)


def question_rows(societies: int) -> Iterator[list[str]]:
    """Accuracies and differences of raters who share few or many questions."""
    for differs in (False, True):
        for both in (False, True):
            for each in (2, 10):
                kind = "difference" if differs else "accuracy"
                kind += f"; {'other' if both else 'same'} questions; {each} raters a question"
                for raters in RATERS:
                    found = shared_questions(raters, each, both, differs, societies)
                    yield told_of(kind, raters, found, (-1.0 if differs else 0.0, 1.0))


def agreement_rows(societies: int) -> Iterator[list[str]]:
    """Human agreement; its truth is the mean over all societies."""
    for each in (2, 5):
        for raters in RATERS:
            rng = rng_for(0, "agreement", str(raters), str(each))
            found = [agreement(raters, each, rng) for _ in range(societies)]
            truth_S = np.full(societies, np.mean([estimate.value for estimate in found]))
            kind = f"agreement of people; {each} raters a question"
            yield [*told(kind, raters, truth_S, [ends(e) for e in found]), ""]


def agreement(raters: int, each: int, rng: np.random.Generator) -> Estimate:
    """Agreement of people who differ in how far they side with the others."""
    rater_N = np.repeat(np.arange(raters), PAIRS)
    items = raters * PAIRS // each
    item_N = dealt_questions(raters, items, rng)
    sides_G = np.maximum(0, 1 + rng.normal(size=raters))
    chance_N = ndtr(0.8 * rng.normal(size=items)[item_N] * sides_G[rater_N])
    return human_ceiling(item_N, (rng.random(len(item_N)) < chance_N).astype(int), rater_N)


Population = tuple[FloatArray, FloatArray]
"""Sums of credits and numbers of pairs by stem and community, each of shape (K, C)."""


def stem_population(run: RewardRun, methods: tuple[str, ...]) -> Population:
    """The stems of a run over its repeats: credits, or differences between two methods."""
    found = [[run.margins(method, seed) for seed in run.seeds] for method in methods]
    judged = TestPairs.join([test for test, _ in found[0]])
    credit_M_N = [
        np.concatenate([correct(own_margins(margins, test)) for test, margins in repeats])
        for repeats in found
    ]
    value_N = credit_M_N[0] if len(methods) == 1 else credit_M_N[0] - credit_M_N[1]
    kept_N = np.isin(judged.community_N, sorted(found[0][0][1]))
    stems, stem_N = np.unique(judged.cluster_N[kept_N], return_inverse=True)
    communities, community_N = np.unique(judged.community_N[kept_N], return_inverse=True)
    sum_K_C, size_K_C = np.zeros((2, len(stems), len(communities)))
    np.add.at(sum_K_C, (stem_N, community_N), value_N[kept_N])
    np.add.at(size_K_C, (stem_N, community_N), 1)
    return sum_K_C, size_K_C


def drawn_stems(population: Population, stems: int, societies: int) -> Iterator[Judged]:
    """Societies of stems drawn from a population with replacement."""
    sum_K_C, size_K_C = population
    rng = rng_for(0, "stems", str(stems), str(sum_K_C.shape))
    truth_C = sum_K_C.sum(axis=0) / size_K_C.sum(axis=0)
    for _ in range(societies):
        row_G = rng.integers(len(sum_K_C), size=stems)
        # One stem alone gives a community no interval.
        told_C = (size_K_C[row_G] > 0).sum(axis=0) > 1
        stem_M, community_M = np.nonzero(size_K_C[row_G] * told_C)
        size_M = size_K_C[row_G][stem_M, community_M]
        mean_M = sum_K_C[row_G][stem_M, community_M] / size_M
        cell_N = np.repeat(np.arange(len(size_M)), size_M.astype(int))
        truth = float(truth_C[np.unique(community_M)].mean())
        yield Judged(mean_M[cell_N], community_M[cell_N], stem_M[cell_N], truth)


def stem_rows(run: RewardRun, societies: int) -> Iterator[list[str]]:
    """The average over communities, and the community with the most pairs."""
    for methods in (("full",), ("full", "reference")):
        sum_K_C, size_K_C = stem_population(run, methods)
        largest = int(size_K_C.sum(axis=0).argmax())
        asked_K = size_K_C[:, largest] > 0
        one = sum_K_C[asked_K, largest, None], size_K_C[asked_K, largest, None]
        for place, population in (("average", (sum_K_C, size_K_C)), ("one community", one)):
            size_K = population[1].sum(axis=1)
            kind = f"{' - '.join(methods)}; {place}; largest stem {size_K.max() / size_K.sum():.0%}"
            for stems in STEMS:
                drawn = drawn_stems(population, stems, societies)
                yield told_of(kind, stems, drawn, (1.0 - len(methods), 1.0))


def maps(communities: int, noise: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """How alike communities are in three dimensions, and the same with noise, shape (C, C)."""
    place_C_3 = rng.normal(size=(communities, 3))
    places = (place_C_3, place_C_3 + noise * rng.normal(size=place_C_3.shape))
    first, second = (-np.linalg.norm(p[:, None] - p[None], axis=2) for p in places)
    return first, second


def rank_correlation(first_C_C: FloatArray, second_C_C: FloatArray, chosen_C: IntArray) -> float:
    """Spearman's correlation of two maps on some communities, which may have been drawn twice."""
    i, j = np.triu_indices(len(chosen_C), 1)
    a, b = chosen_C[i], chosen_C[j]
    ranks = [rankdata(likeness[a, b][a != b]) for likeness in (first_C_C, second_C_C)]
    if min(len(np.unique(rank)) for rank in ranks) < 2:
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def our_correlation(first_C_C: FloatArray, second_C_C: FloatArray) -> Ends:
    """The interval of the package."""
    names = tuple(f"c{c:02}" for c in range(len(first_C_C)))
    found = CultureMap(
        communities=names,
        alike_C_C=first_C_C,
        low_C_C=first_C_C,
        high_C_C=first_C_C,
        n_C_C=first_C_C,
        place_C_2=np.zeros((len(names), 2)),
    )
    people = {
        name: dict(zip(names, row, strict=True))
        for name, row in zip(names, second_C_C.tolist(), strict=True)
    }
    return ends(agreement_with_people(found, people))


def drawn_correlation(
    first_C_C: FloatArray, second_C_C: FloatArray, rng: np.random.Generator
) -> Ends:
    """The middle 95 % of the correlations of drawn communities."""
    size = len(first_C_C)
    drawn = [
        rank_correlation(first_C_C, second_C_C, rng.integers(size, size=size))
        for _ in range(DRAWS // 2)
    ]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def rank_rows(societies: int) -> Iterator[list[str]]:
    """Rank correlations; their truth is that of 700 communities."""
    rng = rng_for(0, "ranks")
    for noise in (0.5, 1.0, 3.0):
        truth = rank_correlation(*maps(700, noise, rng), np.arange(700))
        for communities in COMMUNITIES:
            drawn = [maps(communities, noise, rng) for _ in range(societies)]
            own = [our_correlation(*pair) for pair in drawn]
            old = [drawn_correlation(*pair, rng) for pair in drawn]
            truth_S = np.full(societies, truth)
            yield told(f"rank correlation {truth:.2f}", communities, truth_S, own, old)


def show(title: str, counted: str, rows: Iterable[list[str]]) -> None:
    table = Table(title=title)
    for column in ("number", counted, "ours", "percentile"):
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    Console(width=140).print(table)


def main() -> None:
    """Print the tables of coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--societies", type=int, default=600)
    parser.add_argument("--stems", type=Path, help="folder of a run on published shares")
    options = parser.parse_args()
    title = "Coverage of intervals that promise 95 % (median width): "
    rows = [*question_rows(options.societies), *agreement_rows(options.societies)]
    show(f"{title}questions that raters share", "raters", rows)
    if options.stems is not None:
        run = open_run(options.stems)
        assert isinstance(run, RewardRun)
        show(f"{title}question stems", "stems", stem_rows(run, options.societies))
    show(f"{title}rank correlations", "communities", rank_rows(max(1, options.societies // 3)))


if __name__ == "__main__":
    main()
