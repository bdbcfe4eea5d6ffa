"""Two ways of sampling the same prompts: for how many communities each has an answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import AnyPath, FloatArray, InvalidInput, NotEnoughData, as_path
from pluralign.metrics import covered, distinct_favourites, t_interval
from pluralign.runs.folder import read_rows

_FEWEST = 2
_UPPER = 0.75


def compare_coverage(before: AnyPath, after: AnyPath) -> list[dict[str, Any]]:
    """Compare the answers of two runs of `pluralign align` under the same reward model.

    ``covered`` is the share of communities for which a prompt's answers have at least one in the
    upper quarter of the first run's rewards, and ``favourites`` the number of different favourites
    divided by the number of communities. Only prompts that both runs have answered count.

    Args:
        before: Folder of a run whose answers are scored.
        after: Folder of another one, of the same prompts, communities and number of answers.

    Returns:
        For each metric a row for ``before``, ``after`` and their ``difference``, with the 95 %
        interval over prompts, and ``n`` prompts.

    Raises:
        InvalidInput: If the runs have other communities, or other numbers of answers.
        NotEnoughData: If they share fewer than two prompts.
    """
    first, second = _rewards(as_path(before)), _rewards(as_path(after))
    shared = sorted(first.keys() & second.keys())
    if len(shared) < _FEWEST:
        raise NotEnoughData(
            f"the runs share {len(shared)} prompts with answers that all have rewards",
            where=f"{before}, {after}",
            hint="sample the same file of prompts in both",
        )
    one_P_N_C, two_P_N_C = _stacked(first, shared), _stacked(second, shared)
    if one_P_N_C.shape != two_P_N_C.shape:
        raise InvalidInput(
            f"the runs have (answers, communities) {one_P_N_C.shape[1:]} and {two_P_N_C.shape[1:]}",
            where=f"{before}, {after}",
            hint="set the same sample.n and communities in both",
        )
    least_C = np.quantile(one_P_N_C, _UPPER, axis=(0, 1))
    pairs = {
        "covered": (covered(one_P_N_C, least_C), covered(two_P_N_C, least_C)),
        "favourites": (distinct_favourites(one_P_N_C), distinct_favourites(two_P_N_C)),
    }
    return [
        _row(metric, way, value_P)
        for metric, (one_P, two_P) in pairs.items()
        for way, value_P in (("before", one_P), ("after", two_P), ("difference", two_P - one_P))
    ]


def _rewards(run: Path) -> dict[str, FloatArray]:
    """Prompt -> rewards of its answers, shape (N, C); only prompts whose answers all have one."""
    path = run / "score/rewards.jsonl"
    if not path.is_file():
        raise InvalidInput(
            "the answers of this run are not scored",
            where=str(run),
            hint="run `pluralign align` up to the stage score",
        )
    rows_of: dict[str, list[Mapping[str, Any]]] = {}
    for row in read_rows(path):
        rows_of.setdefault(row["prompt"], []).append(row)
    found: dict[str, FloatArray] = {}
    for prompt, rows in rows_of.items():
        rows.sort(key=lambda row: row["number"])
        values = [[row["reward"][c] for c in sorted(row["reward"])] for row in rows]
        reward_N_C = np.array(values, dtype=np.float64)
        if np.isfinite(reward_N_C).all():
            found[prompt] = reward_N_C
    return found


def _stacked(rewards: Mapping[str, FloatArray], prompts: list[str]) -> FloatArray:
    return np.stack([rewards[prompt] for prompt in prompts])


def _row(metric: str, way: str, value_P: FloatArray) -> dict[str, Any]:
    n = len(value_P)
    mean = float(value_P.mean())
    low, high = t_interval(mean, float(value_P.var(ddof=1) / n), n - 1)
    return {"metric": metric, "way": way, "value": mean, "low": low, "high": high, "n": n}
