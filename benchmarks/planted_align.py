"""Policies on a planted society: reward models of people, their judge, and the true tastes.

Run: python benchmarks/planted_align.py [--seeds 3] [--n 16] [--prompts 300] [--out RUNS]

Takes about six minutes for each seed on one core. A small model learns to write the society's
replies. For each seed, two reward models are fitted to the choices of different halves of the
people; the first chooses and teaches, the second judges. The planted tastes, which no model has
seen, measure last: gains over the start model's answers, in spreads of the true utility, with the
standard error over seeds.

The first table has five ways of following a community, the second what happens to the communities
when one answer is for all of them: joint policies, blends, and a router. A prompt declares the
community that asks; its first topic decides which, in 85 % of the prompts, and chance in the rest.
With ``--out`` the runs are kept, with the truth as ``true_gain`` in their results.

Learning rates of `OFFLINE` methods are those with the highest judged gain on seed 100, out of
`RATES` (``--development`` prints them); the seeds of the tables are others. Online methods take
longer, and nothing was chosen for them.
"""

import argparse
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import pluralign
from pluralign.aligning import run_align
from pluralign.aligning.planted import build_planted_writer, planted_prompts
from pluralign.aligning.result_rows import MeasuredPolicy, mean_row
from pluralign.aligning.routers import load_router
from pluralign.core import FloatArray, RewardRequest, Steer
from pluralign.metrics import best_of_n
from pluralign.runs.folder import RunFolder, read_rows
from pluralign.simulation import PlantedReward, SocietySource, default_society
from pluralign.simulation.bank import PROMPTS

COMMUNITIES = ("~river", "~hill", "~coast")
ONLINE = {"epochs": 1, "batch": 32, "learning_rate": 1e-3}
TUNED: dict[str, dict[str, Any]] = {
    "raft": {"learning_rate": 3e-3},
    "dpo": {"learning_rate": 3e-3},
    "orpo": {"learning_rate": 1e-2},
    "grpo": ONLINE,
    "rloo": ONLINE,
}
"""Method -> its settings of training."""
OFFLINE = ("raft", "dpo", "orpo")
"""Methods whose learning rate is chosen."""
RATES = (1e-3, 3e-3, 1e-2)
DEVELOPMENT = 100
"""The seed on which learning rates are chosen."""
COMBINED = "raft"
"""The method whose adapters are combined."""
PRICED = ("reward_gain", "judged_gain", "kl", "length_ratio")
"""Metrics of the first table."""
Gains = dict[tuple[str, int, str], float]
"""(Policy, n, column) -> gain."""


def main() -> None:
    """Run all seeds, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--out", type=Path, help="folder in which the runs are kept")
    parser.add_argument("--development", action="store_true", help="try learning rates")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "writer").is_dir():
            build_planted_writer(folder / "writer")
        write_prompts(folder / "prompts.jsonl", given.prompts)
        if given.development:
            try_rates(folder, given.n)
            return
        alone: dict[tuple[str, int, str], list[float]] = defaultdict(list)
        together: dict[tuple[str, int, str], list[float]] = defaultdict(list)
        for seed in range(given.seeds):
            fit_halves(folder / f"seed-{seed}", seed)
            add(alone, gains_alone(folder, seed, given.n))
            add(together, gains_together(folder, seed, given.n))
    columns = ("model", "judge", "truth", "others", "kl", "length_ratio")
    head = ("reward model", "judge", "truth", "truth of others", "KL, nats", "length ratio")
    print_table("one community", dict(zip(columns, head, strict=True)), alone)
    columns = ("model", "judge", "truth", "worst_judge", "worst")
    head = ("reward model", "judge", "truth", "worst, judge", "worst, truth")
    print_table("all communities", dict(zip(columns, head, strict=True)), together)


def write_prompts(path: Path, n: int) -> None:
    """Prompts that declare the community that asks."""
    topics = {prompt: k for k, own in enumerate(PROMPTS.values()) for prompt in own}
    rng = np.random.default_rng(0)
    rows = []
    for k, prompt in enumerate(planted_prompts(n)):
        first = next(single for single in topics if prompt.startswith(single))
        by_topic = topics[first] % len(COMMUNITIES)
        asking = by_topic if rng.random() < 0.85 else int(rng.integers(len(COMMUNITIES)))
        rows.append({"id": f"p{k}", "prompt": prompt, "community": COMMUNITIES[asking]})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def fit_halves(folder: Path, seed: int) -> None:
    """Fit the reward model and the judge to different halves of a society's people."""
    pairs = [p for p in SocietySource(seed=seed).pairs() if p.community in COMMUNITIES]
    people = np.random.default_rng(seed).permutation(sorted({str(p.rater) for p in pairs}))
    first = set(people[::2].tolist())
    halves = {
        "model": [p for p in pairs if p.rater in first],
        "judge": [p for p in pairs if p.rater not in first],
    }
    for name, half in halves.items():
        if not (folder / name).is_dir():
            model = pluralign.fit(half, method="full", encoder="hash")
            pluralign.save_model(model, folder / name)


def settings_of(folder: Path, seed: int, n: int, **more: Any) -> dict[str, Any]:
    """Settings of a run; tables that are given are added to."""
    own = folder / f"seed-{seed}"
    settings: dict[str, Any] = {
        "seed": seed,
        "communities": list(COMMUNITIES),
        "model": {"name": str(folder / "writer"), "device": "cpu"},
        "reward": {"model": str(own / "model"), "judge": str(own / "judge")},
        "prompts": {"path": str(folder / "prompts.jsonl")},
        "sample": {"n": n, "max_new_tokens": 24},
        "tune": {"epochs": 6, "batch": 16, "accumulation": 1, "group": 8},
        "route": {"kinds": []},
    }
    for name, value in more.items():
        is_table = isinstance(value, dict)
        settings[name] = settings.get(name, {}) | value if is_table else value
    return settings


def gains_alone(folder: Path, seed: int, n: int) -> Gains:
    """Gains of best of n, and of an adapter for each community by every method."""
    found: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    names = {"reward_gain": "model", "judged_gain": "judge"}
    for method, tune in TUNED.items():
        run = folder / f"seed-{seed}" / method
        begin_with(run, folder / f"seed-{seed}" / next(iter(TUNED)))
        more = {"methods": ["best-of-n", method], "tune": tune}
        outcome = run_align(settings_of(folder, seed, n, **more), run)
        true_rows = []
        for label, steer in ((f"{method}/{home}", home) for home in COMMUNITIES):
            gain_P_C = true_gains(run, label)
            true_rows += rows_of_truth(method, steer, gain_P_C)
            for column, home in enumerate(COMMUNITIES):
                by = "truth" if home == steer else "others"
                found[method, 0, by].append(float(gain_P_C[:, column].mean()))
        add_truth(run, [*true_rows, *true_rows_of_choices(run, n)])
        for row in outcome.results:
            own = row["community"] is None or row["steer"] in (None, row["community"])
            kept = row["method"] == method or method == next(iter(TUNED))
            if own and kept and row["metric"] in PRICED:
                column = names.get(row["metric"], row["metric"])
                found[row["method"], row["candidates"] or 0, column].append(row["value"])
    means = {key: float(np.mean(values)) for key, values in found.items()}
    return means | true_gains_of_choices(folder / f"seed-{seed}" / next(iter(TUNED)), n)


def gains_together(folder: Path, seed: int, n: int) -> Gains:
    """Gains of policies that serve all communities with the adapters of one method."""
    own = folder / f"seed-{seed}"
    tune = TUNED[COMBINED]
    more = {
        "methods": ["best-of-n", COMBINED],
        "tune": tune | {"kinds": ["specific", "joint"]},
        "palette": {"combine": ["weights", "outputs", "drafts"]},
        "route": {"kinds": ["centroid", "logistic"]},
    }
    begin_with(own / "together", own / COMBINED)
    rows = run_align(settings_of(folder, seed, n, **more), own / "together").results
    found = combined_gains(own / "together", rows, "")
    worst_off = {"select": {"aggregate": "worst-off"}, "tune": tune | {"kinds": ["joint"]}}
    begin_with(own / "worst-off", own / COMBINED)
    rows = run_align(
        settings_of(folder, seed, n, methods=[COMBINED], **worst_off), own / "worst-off"
    ).results
    return found | combined_gains(own / "worst-off", rows, ", worst-off") | routed_gains(own)


def combined_gains(run: Path, rows: Iterable[Mapping[str, Any]], suffix: str) -> Gains:
    """Mean and worst gain over communities: own adapters, and every policy for all of them."""
    rows = list(rows)
    found: Gains = {}
    own = {home: true_gains(run, f"{COMBINED}/{home}") for home in COMMUNITIES if not suffix}
    if own:
        gains = [own[home][:, k].mean() for k, home in enumerate(COMMUNITIES)]
        found |= summed_up("own adapters", rows, COMBINED, None, gains)
    labels = {"joint": f"{COMBINED}/joint"}
    if not suffix:
        combines = ("weights", "outputs", "drafts")
        labels |= {name: f"{COMBINED}/palette-{name}" for name in combines}
    for name, label in labels.items():
        gains = true_gains(run, label).mean(axis=0).tolist()
        method = COMBINED if name == "joint" else f"{COMBINED}+{name}"
        steer = "joint" if name == "joint" else None
        found |= summed_up(f"{name}{suffix}", rows, method, steer, gains)
    return found


def summed_up(
    name: str,
    rows: list[Mapping[str, Any]],
    method: str,
    steer: str | None,
    true_C: list[float],
) -> Gains:
    """Mean and worst over communities of one policy, or of each community's own."""
    found = {(name, 0, "truth"): float(np.mean(true_C)), (name, 0, "worst"): float(min(true_C))}
    for metric, column in (("reward_gain", "model"), ("judged_gain", "judge")):
        gains = [
            row["value"]
            for row in rows
            if row["method"] == method
            and row["metric"] == metric
            and (row["steer"] == (steer or row["community"]) or "+" in method)
        ]
        found[name, 0, column] = float(np.mean(gains))
        if column == "judge":
            found[name, 0, "worst_judge"] = float(min(gains))
    return found


def routed_gains(own: Path) -> Gains:
    """Gains for the community that asks: by its own adapter, the router, and one for all."""
    run = own / "together"
    prompts = {row["id"]: row for row in read_rows(own.parent / "prompts.jsonl")}
    router = load_router(run, COMBINED)
    assert router is not None
    tested = [
        row["prompt"] for row in read_rows(run / f"evaluate/{COMBINED}/{COMMUNITIES[0]}.jsonl")
    ]
    asking_P = np.array([COMMUNITIES.index(prompts[id_]["community"]) for id_ in tested])
    gain_S_P_C = np.array([true_gains(run, f"{COMBINED}/{home}") for home in COMMUNITIES])
    gain_S_P = gain_S_P_C[:, np.arange(len(asking_P)), asking_P]
    routes = [router.route_prompt(prompts[id_]["prompt"]).community for id_ in tested]
    routed_P = np.array(
        [
            0.0 if picked is None else gain_S_P[COMMUNITIES.index(picked), p]
            for p, picked in enumerate(routes)
        ]
    )
    declared_P = gain_S_P[asking_P, np.arange(len(asking_P))]
    found: Gains = {}
    for name, gain_P in (
        ("declared adapter", declared_P),
        ("routed adapter", routed_P),
        ("a wrong adapter", gain_S_P[(asking_P + 1) % 3, np.arange(len(asking_P))]),
    ):
        by_home = [float(gain_P[asking_P == k].mean()) for k in range(len(COMMUNITIES))]
        found |= {(name, 0, "truth"): float(gain_P.mean()), (name, 0, "worst"): min(by_home)}
    right = np.mean([picked == COMMUNITIES[k] for picked, k in zip(routes, asking_P, strict=True)])
    return found | {("share routed rightly", 0, "truth"): float(right)}


def begin_with(run: Path, earlier: Path) -> None:
    """Begin a run with all of another: with other settings, it makes again what they change."""
    if run != earlier and not run.is_dir():
        shutil.copytree(earlier, run)


def try_rates(folder: Path, n: int) -> None:
    """Print the judged gain of each offline method by learning rate, on the development seed."""
    own = folder / f"seed-{DEVELOPMENT}"
    fit_halves(own, DEVELOPMENT)
    print(f"{'method':<8}" + "".join(f"{rate:>10g}" for rate in RATES))
    for method in OFFLINE:
        cells = []
        for rate in RATES:
            run = own / f"{method}-{rate:g}"
            begin_with(run, own / f"raft-{RATES[0]:g}")
            more = {"methods": [method], "tune": {"learning_rate": rate}}
            rows = run_align(settings_of(folder, DEVELOPMENT, n, **more), run).results
            gains = [
                row["value"]
                for row in rows
                if row["metric"] == "judged_gain" and row["steer"] == row["community"]
            ]
            cells.append(float(np.mean(gains)))
        print(f"{method:<8}" + "".join(f"{cell:>+10.2f}" for cell in cells), flush=True)


def true_gains(run: Path, label: str) -> FloatArray:
    """Gain of a policy by the planted tastes, for each test prompt and community, shape (P, C)."""
    truth = PlantedReward(default_society(0))
    start: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(run / "sample/candidates.jsonl"):
        start[row["prompt"]].append(row["text"])
    rows = read_rows(run / f"evaluate/{label}.jsonl")
    columns = []
    for home in COMMUNITIES:
        before = [utility(truth, start[row["prompt"]], home) for row in rows]
        after = [utility(truth, row["texts"], home) for row in rows]
        gain_P = [now.mean() - then.mean() for now, then in zip(after, before, strict=True)]
        columns.append(np.array(gain_P) / np.concatenate(before).std())
    return np.stack(columns, axis=1)


def rows_of_truth(method: str, steer: str, gain_P_C: FloatArray) -> list[dict[str, Any]]:
    """Rows of results by the planted tastes."""
    policy = MeasuredPolicy(method, steer)
    columns = enumerate(COMMUNITIES)
    return [mean_row(policy, "true_gain", home, gain_P_C[:, k]) for k, home in columns]


def true_rows_of_choices(run: Path, n: int) -> list[dict[str, Any]]:
    """Rows of results of best of n by the planted tastes."""
    rows = []
    for chooser, home, size, gain_P in true_choices(run, n):
        if chooser in COMMUNITIES:
            policy = MeasuredPolicy("best-of-n", chooser, size)
            rows.append(mean_row(policy, "true_gain", home, gain_P))
    return rows


def add_truth(run: Path, rows: list[dict[str, Any]]) -> None:
    """Add rows by the planted tastes to the results of a run, from which charts are drawn."""
    kept = [row for row in read_rows(run / "results.jsonl") if row["metric"] != "true_gain"]
    RunFolder(run).write_rows("results.jsonl", kept + rows)


def true_gains_of_choices(run: Path, n: int) -> Gains:
    """Gains of best of n by the planted tastes, for the community that chose and for all others."""
    gains: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    for chooser, home, size, gain_P in true_choices(run, n):
        method = "best-of-n" if chooser in COMMUNITIES else chooser
        by = "others" if chooser in COMMUNITIES and chooser != home else "truth"
        gains[method, size, by].append(float(gain_P.mean()))
    return {key: float(np.mean(values)) for key, values in gains.items()}


def true_choices(run: Path, n: int) -> Iterator[tuple[str, str, int, FloatArray]]:
    """Who chooses, for whom it is measured, of how many, and the gain for each prompt."""
    answers = read_rows(run / "sample/candidates.jsonl")
    rewards = {
        (r["prompt"], r["number"]): r["reward"] for r in read_rows(run / "score/rewards.jsonl")
    }
    answers.sort(key=lambda row: (row["prompt"], row["number"]))
    texts = [row["text"] for row in answers]
    words_P_N = np.array([len(text.split()) for text in texts], float).reshape(-1, n)
    scores = {"longest": words_P_N, "shortest": -words_P_N}
    for chooser in COMMUNITIES:
        chosen = [rewards[row["prompt"], row["number"]][chooser] for row in answers]
        score_P_N = np.array(chosen, dtype=np.float64).reshape(-1, n)
        scores[chooser] = np.where(np.isnan(score_P_N), -1e6, score_P_N)
    truth = PlantedReward(default_society(0))
    sizes = [2**k for k in range(1, n.bit_length()) if 2**k < n] + [n]
    for home in COMMUNITIES:
        true_P_N = utility(truth, texts, home).reshape(-1, n)
        value_P_N = true_P_N / true_P_N.std()
        for chooser, score_P_N in scores.items():
            for size in sizes:
                gain_P = best_of_n(score_P_N, value_P_N, size) - value_P_N.mean(axis=1)
                yield chooser, home, size, gain_P


def utility(truth: PlantedReward, texts: list[str], home: str) -> FloatArray:
    """What a community truly thinks of answers, shape (N,)."""
    return np.asarray(truth.score([RewardRequest("?", text) for text in texts], Steer.to(home)))


def add(all_seeds: dict[tuple[str, int, str], list[float]], gains: Gains) -> None:
    """Add the gains of one seed."""
    for key, value in gains.items():
        all_seeds[key].append(value)


def print_table(
    title: str, columns: Mapping[str, str], gains: Mapping[tuple[str, int, str], list[float]]
) -> None:
    """Print a row for each policy and n."""
    print()
    row = "{:<24} {:>4}" + len(columns) * " {:>14}"
    print(row.format(title, "n", *columns.values()))
    for policy, n in sorted(dict.fromkeys((policy, n) for policy, n, _ in gains), key=_place):
        cells = [shown(gains.get((policy, n, column), [])) for column in columns]
        print(row.format(policy, n or "", *cells), flush=True)


def _place(row: tuple[str, int]) -> tuple[bool, int]:
    """Best of n by n first, then all others in the order in which they were measured."""
    return not row[1], row[1]


def shown(values: list[float]) -> str:
    """Mean and standard error over seeds."""
    if not values:
        return "-"
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):+.2f} ± {error:.2f}"


if __name__ == "__main__":
    main()
