"""Policies on a planted society: reward models of people, their judge, and the true tastes.

Run: python benchmarks/planted_align.py [--seeds 3] [--n 16] [--prompts 300]. Takes about two
minutes for each seed on one core. A small model learns to write the society's replies. For each
seed, two reward models are fitted to the choices of different halves of the people; the first
chooses and teaches, the second judges. The last columns are the planted tastes, which no model has
seen: the gain over the start model's answers, in spreads of the true utility, averaged over
communities, with the standard error over seeds.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np

import pluralign
from pluralign.aligning import run_align
from pluralign.aligning.planted import build_planted_writer, planted_prompts
from pluralign.core import RewardRequest, Steer
from pluralign.metrics import best_of_n
from pluralign.runs.folder import read_rows
from pluralign.simulation import PlantedReward, SocietySource, default_society

COMMUNITIES = ("~river", "~hill", "~coast")
_ROW = "{:<10} {:>4}" + 6 * " {:>16}"
_TUNED = ("raft", "dpo", "orpo", "grpo", "rloo")


def main() -> None:
    """Run all seeds, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--prompts", type=int, default=300)
    given = parser.parse_args()
    gains: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build_planted_writer(folder / "writer")
        rows = [json.dumps({"prompt": prompt}) for prompt in planted_prompts(given.prompts)]
        (folder / "prompts.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
        for seed in range(given.seeds):
            for key, value in gains_of(folder, seed, given.n).items():
                gains[key].append(value)
    head = ("reward model", "judge", "truth", "truth of others", "KL, nats", "length ratio")
    print(_ROW.format("method", "n", *head))
    columns = ("model", "judge", "truth", "others", "kl", "length_ratio")
    for method, n in dict.fromkeys((method, n) for method, n, _ in gains):
        cells = [_shown(gains.get((method, n, by), [])) for by in columns]
        print(_ROW.format(method, n or "", *cells))


def gains_of(folder: Path, seed: int, n: int) -> dict[tuple[str, int, str], float]:
    """(Way to choose, n, judge) -> gain, averaged over communities."""
    out = folder / f"seed-{seed}"
    for name, half in _halves(seed).items():
        pluralign.save_model(pluralign.fit(half, method="full", encoder="hash"), out / name)
    outcome = run_align(
        {
            "seed": seed,
            "communities": list(COMMUNITIES),
            "model": {"name": str(folder / "writer"), "device": "cpu"},
            "reward": {"model": str(out / "model"), "judge": str(out / "judge")},
            "prompts": {"path": str(folder / "prompts.jsonl")},
            "sample": {"n": n, "max_new_tokens": 24},
            "methods": ["best-of-n", *_TUNED],
            "tune": {"epochs": 6, "batch": 16, "accumulation": 1, "learning_rate": 1e-3},
        },
        out / "run",
    )
    found: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    names = {"reward_gain": "model", "judged_gain": "judge"}
    for row in outcome.results:
        column = names.get(row["metric"], row["metric"])
        if row["community"] is None or row["steer"] in (None, row["community"]):
            found[row["method"], row["candidates"] or 0, column].append(row["value"])
    for key, value in (_true_gains(out / "run", n) | _true_gains_of_tuned(out / "run")).items():
        found[key].append(value)
    return {key: float(np.mean(values)) for key, values in found.items()}


def _halves(seed: int) -> dict[str, list[pluralign.PreferencePair]]:
    pairs = [p for p in SocietySource(seed=seed).pairs() if p.community in COMMUNITIES]
    people = np.random.default_rng(seed).permutation(sorted({str(p.rater) for p in pairs}))
    first = set(people[::2].tolist())
    return {
        "model": [p for p in pairs if p.rater in first],
        "judge": [p for p in pairs if p.rater not in first],
    }


def _true_gains(run: Path, n: int) -> dict[tuple[str, int, str], float]:
    """Gains by the planted tastes, for the community that chose and for all others."""
    answers = read_rows(run / "sample/candidates.jsonl")
    rewards = {
        (r["prompt"], r["number"]): r["reward"] for r in read_rows(run / "score/rewards.jsonl")
    }
    answers.sort(key=lambda row: (row["prompt"], row["number"]))
    requests = [RewardRequest("?", row["text"]) for row in answers]
    truth = PlantedReward(default_society(0))
    words_P_N = np.array([len(row["text"].split()) for row in answers], float).reshape(-1, n)
    gains: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    for home in COMMUNITIES:
        true_P_N = np.asarray(truth.score(requests, Steer.to(home))).reshape(-1, n)
        value_P_N = true_P_N / true_P_N.std()
        for chooser in COMMUNITIES:
            chosen = [rewards[row["prompt"], row["number"]][chooser] for row in answers]
            score_P_N = np.array(chosen, dtype=np.float64).reshape(-1, n)
            by = "truth" if chooser == home else "others"
            for size, gain in _curve(score_P_N, value_P_N):
                gains["best-of-n", size, by].append(gain)
        for method, sign in (("longest", 1), ("shortest", -1)):
            for size, gain in _curve(sign * words_P_N, value_P_N):
                gains[method, size, "truth"].append(gain)
    return {key: float(np.mean(values)) for key, values in gains.items()}


def _true_gains_of_tuned(run: Path) -> dict[tuple[str, int, str], float]:
    """The same of tuned policies, on the test prompts."""
    truth = PlantedReward(default_society(0))
    start: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(run / "sample/candidates.jsonl"):
        start[row["prompt"]].append(row["text"])
    gains: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    for method, own in product(_TUNED, COMMUNITIES):
        rows = read_rows(run / f"evaluate/{method}/{own}.jsonl")
        for home in COMMUNITIES:
            before = [_utility(truth, start[row["prompt"]], home) for row in rows]
            after = [_utility(truth, row["texts"], home) for row in rows]
            gain = [now.mean() - then.mean() for now, then in zip(after, before, strict=True)]
            by = "truth" if home == own else "others"
            gains[method, 0, by].append(float(np.mean(gain) / np.concatenate(before).std()))
    return {key: float(np.mean(values)) for key, values in gains.items()}


def _utility(truth: PlantedReward, texts: list[str], home: str) -> np.ndarray:
    return np.asarray(truth.score([RewardRequest("?", text) for text in texts], Steer.to(home)))


def _curve(score_P_N: np.ndarray, value_P_N: np.ndarray) -> list[tuple[int, float]]:
    n = score_P_N.shape[1]
    score_P_N = np.where(np.isnan(score_P_N), -1e6, score_P_N)
    sizes = [2**k for k in range(1, n.bit_length()) if 2**k < n] + [n]
    gains = [best_of_n(score_P_N, value_P_N, size) - value_P_N.mean(axis=1) for size in sizes]
    return [(size, float(gain.mean())) for size, gain in zip(sizes, gains, strict=True)]


def _shown(values: list[float]) -> str:
    if not values:
        return "-"
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):+.2f} ± {error:.2f}"


if __name__ == "__main__":
    main()
