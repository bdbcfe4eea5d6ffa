"""Conditions that are registered before the rewards are seen, and judged when a run ends."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pluralign._version import __version__
from pluralign.core import DamagedFile, InvalidSettings, Reporter
from pluralign.metrics import NORMAL_95
from pluralign.runs.folder import RunFolder
from pluralign.runs.policy_rows import JOINT
from pluralign.settings.pass_file import PassCondition, PassConditions, PassFile
from pluralign.settings.validation import validated

REGISTERED = "registered.json"
_SEEN = "score/rewards.jsonl"
Verdict = Literal["passed", "failed", "cannot be judged"]
Row = Mapping[str, Any]
_NEEDED = {
    "survey": "set evaluate.survey",
    "ability": "set evaluate.ability",
    "judged": "set reward.judge",
}


def register_conditions(
    folder: RunFolder, wanted: PassFile | None, reporter: Reporter
) -> dict[str, Any] | None:
    """Write the conditions of a run with their digest and the time, before rewards are seen.

    Conditions that are registered stay those of the run, also if it is resumed without naming them.

    Args:
        folder: The folder of the run.
        wanted: The conditions that the settings name; None where they name none.
        reporter: Receives a note with the digest.

    Returns:
        The content of ``registered.json``; None for a run without conditions.

    Raises:
        InvalidSettings: If other conditions are registered, or answers have rewards already.
        DamagedFile: If the registered conditions were altered.
    """
    registered = folder.read_json(REGISTERED)
    if registered is None and (folder.path / REGISTERED).exists():
        raise DamagedFile(
            "the registered conditions were altered",
            where=str(folder.path / REGISTERED),
            hint="begin a new run in another folder",
        )
    if wanted is None:
        return registered
    where = "evaluate.pass_file"
    if registered is None:
        if (folder.path / _SEEN).exists():
            raise InvalidSettings(
                "conditions must be registered before the answers have rewards, and here they do",
                where=where,
                hint="begin a new run in another folder, or add --fresh to replace this one",
            )
        registered = {
            "name": wanted.conditions.name,
            "digest": wanted.digest,
            "registered": datetime.now(UTC).isoformat(timespec="seconds"),
            "pluralign": __version__,
            "conditions": wanted.conditions.model_dump(mode="json")["condition"],
        }
        folder.write_json(REGISTERED, registered)
    elif registered["digest"] != wanted.digest:
        raise InvalidSettings(
            f"the conditions have changed since they were registered on {registered['registered']}:"
            f" their SHA-256 was {registered['digest']}, and is {wanted.digest}",
            where=where,
            hint="give the registered file, or begin a new run in another folder",
        )
    reporter.note(f"conditions {registered['name']}: SHA-256 {registered['digest']}")
    return registered


def judge_conditions(registered: Row, results: Sequence[Row]) -> dict[str, Any]:
    """Judge the registered conditions for every policy: the content of ``pass.json``.

    Of best of n, the choice among the most answers is judged.

    Args:
        registered: Content of ``registered.json``.
        results: Rows of ``results.jsonl``.
    """
    tables = {"name": registered["name"], "condition": registered["conditions"]}
    conditions = validated(PassConditions, tables, REGISTERED).condition
    policies = []
    for method, steer, candidates in _policies(results):
        own = [
            row
            for row in results
            if (row["method"], row["steer"], row["candidates"]) == (method, steer, candidates)
        ]
        judged = [
            _judged(condition, (steer, candidates), own)
            for condition in conditions
            if condition.method in (None, method)
        ]
        if judged:
            policies.append(
                {
                    "method": method,
                    "steer": steer,
                    "candidates": candidates,
                    "verdict": _together([one["verdict"] for one in judged]),
                    "conditions": judged,
                }
            )
    about = {key: registered[key] for key in ("name", "digest", "registered")}
    return about | {"policies": policies}


def _policies(results: Sequence[Row]) -> list[tuple[str, str, int | None]]:
    """Method, steer and candidates of every policy that follows a reward."""
    most = max((row["candidates"] or 0 for row in results), default=0)
    found = [
        (row["method"], row["steer"], row["candidates"])
        for row in results
        if row["metric"] == "reward_gain"
        and row["steer"] is not None
        and row["candidates"] in (None, most)
    ]
    return list(dict.fromkeys(found))


def _judged(
    condition: PassCondition, policy: tuple[str, int | None], own: Sequence[Row]
) -> dict[str, Any]:
    """A condition with the number that decides, the worst one where there are several."""
    steer, candidates = policy
    about = condition.model_dump(mode="json") | {"name": condition.words}
    found = [
        (_verdict(condition, row), row)
        for row in own
        if row["metric"] == condition.metric and _counts(row, condition, steer)
    ]
    if not found:
        reason = f"the results have no {condition.metric} of it"
        if candidates is not None:
            reason += ": it chooses among the start model's answers"
        elif (needed := _NEEDED.get(condition.metric.split("_")[0])) is not None:
            reason += f": {needed}"
        return about | {"verdict": "cannot be judged", "reason": reason, "value": None}
    verdict = _together([one for one, _ in found])
    deciding = [row for one, row in found if one == verdict]
    sign = 1 if condition.comparison == ">=" else -1
    row = min(deciding, key=lambda row: sign * row["value"])
    shown = {key: row[key] for key in ("value", "low", "high", "n")}
    why = "the number has no interval" if verdict == "cannot be judged" else None
    of = {"community": row["community"]}
    return about | {"verdict": verdict, "reason": why} | shown | of


def _counts(row: Row, condition: PassCondition, steer: str) -> bool:
    """Whether a row of a policy is one that a condition is about."""
    if condition.community is not None:
        return bool(row["community"] == condition.community)
    return steer == JOINT or row["community"] in (None, steer)


def _verdict(condition: PassCondition, row: Row) -> Verdict:
    past = row["value"] - condition.threshold
    past = past if condition.comparison == ">=" else -past
    if condition.z is None:
        return "passed" if past >= 0 else "failed"
    if row["low"] is None:
        return "cannot be judged"
    error = (row["high"] - row["low"]) / 2 / NORMAL_95
    # A difference of exactly 0 without any variance is beyond nothing.
    return "passed" if past > 0 and past >= condition.z * error else "failed"


def _together(verdicts: Sequence[Verdict]) -> Verdict:
    """Failed if one failed; else not judged if one is not; else passed."""
    order: tuple[Verdict, ...] = ("failed", "cannot be judged", "passed")
    return next(one for one in order if one in verdicts)
