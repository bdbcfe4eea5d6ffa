"""Predict a country's answers from other countries' answers to the same questions: no model.

    python benchmarks/other_communities.py PART_OF_GLOBALOPINIONQA.csv [DRAWS]

Prints the similarity (one minus a distance or divergence) of the uniform distribution, of the mean
of the other countries, and of the other countries weighted by nearness on k questions, for the
countries that were asked most questions. Options are those published, answers such as "DK/Refused"
among them, so that the numbers compare with those of GPO (arXiv 2310.11523).
"""

import ast
import csv
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from pluralign.core import FloatArray, rng_for
from pluralign.evaluation.surveys import mean_of_others, nearest_others
from pluralign.metrics import jensen_shannon_distance, wasserstein

COUNTRIES, ASKED_OF = 24, 4
SHOTS = (5, 10, 20, 50)


def read(path: Path) -> list[dict[str, list[float]]]:
    """Country -> shares, for each question; samples that are not national are left out."""
    csv.field_size_limit(10**9)
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            text = row["selections"]
            shares = ast.literal_eval(text[text.index("{") : text.rindex("}") + 1])
            named = {c: s for c, s in shares.items() if "(" not in c and c != "Australia"}
            found.append({c: s for c, s in named.items() if sum(s) > 0})
    return found


def table(items: list[dict[str, list[float]]]) -> tuple[list[str], FloatArray, FloatArray]:
    """Countries by number of questions, shares (C, Q, O), and numbers of options (Q,).

    Questions that were asked in fewer than four countries are left out.
    """
    often = Counter(c for item in items for c in item)
    countries = [c for c, _ in often.most_common()]
    items = [item for item in items if len(item) >= ASKED_OF]
    widest = max(len(s) for item in items for s in item.values())
    probs = np.zeros((len(countries), len(items), widest))
    sizes = np.array([len(next(iter(item.values()))) for item in items])
    for q, item in enumerate(items):
        for c, shares in item.items():
            probs[countries.index(c), q, : len(shares)] = np.array(shares) / sum(shares)
    return countries, probs, sizes


def closeness(p_N_O: FloatArray, q_N_O: FloatArray, size_N: FloatArray) -> FloatArray:
    """One minus three distances: of Jensen and Shannon (base e), its square in bits, of earth."""
    bits = jensen_shannon_distance(p_N_O, q_N_O)
    moved = wasserstein(p_N_O, q_N_O) * (p_N_O.shape[1] - 1) / (size_N - 1)
    return 1 - np.stack([bits * np.sqrt(np.log(2)), bits**2, moved])


def main() -> None:
    countries, probs, sizes = table(read(Path(sys.argv[1])))
    draws = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    uniform = (np.arange(probs.shape[2]) < sizes[:, None]) / sizes[:, None]
    mean = mean_of_others(probs)
    found: dict[str, list[FloatArray]] = {}
    for c in range(COUNTRIES):
        asked = np.flatnonzero(probs[c].sum(axis=1) > 0)
        own = probs[c, asked], sizes[asked]
        rows = {"uniform": uniform[asked], "mean of others, 0 shots": mean[c, asked]}
        for name, told in rows.items():
            found.setdefault(name, []).append(closeness(own[0], told, own[1]).mean(axis=1))
        order = [rng_for(d, "context", countries[c]).permutation(asked) for d in range(draws)]
        for k in SHOTS:
            scores = []
            for questions in order:
                context = np.isin(np.arange(probs.shape[1]), questions[:k])
                rest = questions[SHOTS[-1] :]
                told_Q_O = nearest_others(probs, c, context)
                scores.append(closeness(probs[c, rest], told_Q_O[rest], sizes[rest]).mean(axis=1))
            name = f"nearest others, {k} shots"
            found.setdefault(name, []).append(np.mean(scores, axis=0))
    print(f"{COUNTRIES} countries, {len(sizes)} questions, {draws} draws")
    print(f"{'':28}{'1 - JS':>9}{'1 - JSD':>9}{'1 - EMD':>9}  worst")
    for name, scores_C in found.items():
        scores = np.array(scores_C)
        worst = int(scores[:, 0].argmin())
        cells = "".join(f"{value:9.4f}" for value in scores.mean(axis=0))
        print(f"{name:28}{cells}  {countries[worst]} {scores[worst, 0]:.3f}")


if __name__ == "__main__":
    main()
