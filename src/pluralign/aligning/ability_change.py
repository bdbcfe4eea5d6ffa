"""General ability of the start model and of every tuned policy, by lm-eval: a claim of its own."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.aligning.result_rows import START_MODEL, MeasuredPolicy, result_row
from pluralign.aligning.tuned_policies import policies
from pluralign.aligning.work import AlignWork
from pluralign.core import MissingExtra
from pluralign.evaluation.general_ability import AbilityTasks, run_lm_eval
from pluralign.metrics import NORMAL_95

ABILITY, ABILITY_CHANGE = "ability", "ability_change"
Row = dict[str, Any]


def need_tasks(work: AlignWork) -> None:
    """Check that lm-eval is there, if this run will need it.

    Raises:
        MissingExtra: If it is not installed.
    """
    if work.settings.evaluate.ability and find_spec("lm_eval") is None:
        raise MissingExtra.named("evals", "lm_eval")


def ability_rows(work: AlignWork) -> list[Row]:
    """Rows of each task's metrics before and after, and of their change; empty without tasks.

    The interval of a change is that of two independent shares. Both models answer the same items,
    so it is rather too wide.
    """
    if not work.settings.evaluate.ability:
        return []
    before = _measured(work, START_MODEL, None)
    rows = list(before.values())
    for name, adapter in policies(work):
        after = _measured(work, name.measured, adapter)
        rows += after.values()
        rows += _changes(name.measured, before, after)
    return rows


def _measured(
    work: AlignWork, policy: MeasuredPolicy, adapter: Path | None
) -> dict[tuple[str, str], Row]:
    """(Task, metric of the task) -> row. Of groups, the subtasks are left out."""
    config, model = work.settings.evaluate, work.settings.model
    label = policy.method if adapter is None else f"{policy.method}/{adapter.name}"
    work.reporter.stage(f"general ability of {label}")
    wanted = AbilityTasks(
        config.ability,
        include_path=config.ability_path,
        limit=config.ability_limit,
        chat_template=config.ability_chat,
        device=getattr(model, "device", None),
        revision=getattr(model, "revision", None),
    )
    out = work.stage_folder("evaluate") / "ability" / label
    found = run_lm_eval(model.name, adapter, wanted, out)
    named = [row for row in found if row["task"] in config.ability]
    rows = {}
    for one in named or found:
        interval = (one["low"], one["high"])
        row = result_row(policy, ABILITY, None, one["value"], interval, one["n"] or 0)
        rows[one["task"], one["metric"]] = row | {"task": f"{one['task']}: {one['metric']}"}
    return rows


def _changes(
    policy: MeasuredPolicy, before: dict[tuple[str, str], Row], after: dict[tuple[str, str], Row]
) -> Iterator[Row]:
    for key, row in after.items():
        was = before[key]
        change = row["value"] - was["value"]
        interval: tuple[float | None, float | None] = (None, None)
        if row["low"] is not None and was["low"] is not None:
            halves = [(one["high"] - one["low"]) / 2 / NORMAL_95 for one in (row, was)]
            reach = NORMAL_95 * float(np.hypot(*halves))
            interval = (change - reach, change + reach)
        found = result_row(policy, ABILITY_CHANGE, None, change, interval, row["n"])
        yield found | {"task": row["task"]}
