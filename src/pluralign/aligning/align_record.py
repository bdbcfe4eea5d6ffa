"""The content of ``record.json`` of a run: settings, data, reward models, what each stage did."""

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pluralign._version import __version__
from pluralign.aligning.people_intervals import about_people, show_people
from pluralign.aligning.work import AlignWork
from pluralign.core import MANIFEST, PluralignError
from pluralign.rewards import load_card
from pluralign.runs.record import counts_of
from pluralign.settings.toml_tables import shown


def record_of(work: AlignWork, stages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The content of ``record.json``.

    Args:
        work: The run.
        stages: Name of a stage -> its summary.
    """
    reward = work.settings.reward
    prompts = {"name": work.settings.prompts.path.name, "license": None}
    return {
        "name": work.settings.name,
        "manifest": MANIFEST,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": shown(work.settings),
        "versions": {"pluralign": __version__, "python": platform.python_version()},
        "communities": list(work.communities),
        "reward": about_reward_model(reward.model),
        "judge": None if reward.judge is None else _about_judge(work, reward.judge),
        "data": {"sources": [prompts | counts_of(work.tally)]},
        "languages": sorted({one.language for one in work.prompts if one.language}),
        "stages": stages,
        "notes": list(work.tally.notes),
        "seconds": {name: stage["seconds"] for name, stage in stages.items()},
    }


def _about_judge(work: AlignWork, where: str) -> dict[str, Any]:
    refits = work.rewards.judge_refits
    found = about_reward_model(where) | {"intervals_over_people": about_people(refits)}
    if refits is not None and show_people(refits):
        found |= {"fits": len(refits.models), "held_out": refits.held_out}
    return found


def raters_behind(where: str) -> dict[str, int]:
    """Community -> number of its people behind a saved reward model; empty for a server.

    Args:
        where: Folder or URL.
    """
    people = about_reward_model(where)["people"]
    return {c: int(n["raters"]) for c, n in people.items() if n["raters"] is not None}


def about_reward_model(where: str) -> dict[str, Any]:
    """The method, people and licences of a saved reward model; of a server, its URL alone.

    Args:
        where: Folder or URL.
    """
    try:
        card: Mapping[str, Any] = load_card(where)
    except PluralignError:
        card = {}
    people = card.get("people") or {}
    return {
        "model": where,
        "method": card.get("method"),
        "people": {c: {key: n.get(key) for key in ("pairs", "raters")} for c, n in people.items()},
        "licenses": list(card.get("licenses") or []),
    }
