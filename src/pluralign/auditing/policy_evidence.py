"""Evidence on policies from the folder of a run of `pluralign align`."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.audits import Ability, Answers, Policy, PolicyEvidence
from pluralign.core import (
    DamagedFile,
    FloatArray,
    InvalidInput,
    NotEnoughData,
    Tally,
    community_name,
    resolve_community,
    with_article,
)
from pluralign.core.demonyms import demonyms
from pluralign.runs import AlignRun
from pluralign.runs.folder import read_rows
from pluralign.runs.policies import PolicyAnswer
from pluralign.runs.policy_rows import BEST_OF_N, JOINT, START
from pluralign.sources.row_files import RowPolicy
from pluralign.sources.row_files import read_rows as read_table
from pluralign.sources.typed_cells import BadRow, Row, optional_number, require_columns

_AGAIN = "measure its policies again: `pluralign align ... --again evaluate`"
_FEWEST_ITEMS = 2
_PROMPTS = "evaluate/prompts.jsonl"


def policy_answers(run: AlignRun, abilities: Sequence[Ability], tally: Tally) -> PolicyEvidence:
    """The answers of a run's start model and policies to its test prompts.

    Args:
        run: The run.
        abilities: Tests of general ability, measured before and after.
        tally: Receives the counts of answers, and policies that are left out.

    Raises:
        DamagedFile: If the run was measured by a version that did not keep rewards.
        NotEnoughData: If no test prompt has all answers of the start model.
    """
    if not (run.folder / _PROMPTS).is_file():
        raise DamagedFile("the run has no list of test prompts", where=str(run.folder), hint=_AGAIN)
    prompts = {row["prompt"]: row for row in read_rows(run.file(_PROMPTS))}
    groups: dict[tuple[str, str | None], dict[str, list[PolicyAnswer]]] = defaultdict(dict)
    for one in run.answers:
        tally.read += 1
        if one.prompt in prompts:
            groups[one.method, one.steer].setdefault(one.prompt, []).append(one)
            tally.kept += 1
        else:
            tally.leave_out("answers to prompts that policies learned from")
    start = groups.pop((START, None), {})
    ids = [id_ for id_ in prompts if id_ in start]
    if not ids:
        raise NotEnoughData("no test prompt has answers", where=str(run.folder), hint=_AGAIN)
    tuned = []
    for (method, steer), own in groups.items():
        if all(id_ in own for id_ in ids):
            followed = None if steer == JOINT else steer
            tuned.append(Policy(method, followed, _answers(run, [own[id_] for id_ in ids])))
        else:
            tally.note(f"{method} for {steer}: not all test prompts are answered, so not audited")
    spoken = {row["language"] for row in prompts.values() if row.get("language")}
    return PolicyEvidence(
        communities=tuple(run.communities),
        prompts=ids,
        start=_answers(run, [start[id_] for id_ in ids]),
        tuned=tuned,
        peoples={c: people_words(c) for c in run.communities},
        languages=sorted(spoken),
        chosen=BEST_OF_N in run.settings["methods"],
        abilities=abilities,
    )


def people_words(community: str) -> tuple[str, ...]:
    """English words for the people of a community, as subjects of sentences.

    >>> people_words("MEX")
    ('Mexicans', 'Mexican people', 'people from Mexico', 'people of Mexico', 'people in Mexico')
    """
    name = with_article(community_name(community))
    found = []
    for word in demonyms(community):
        found.append(word if word.endswith(("s", "men")) else f"{word} people")
    plurals = [word for word in found if not word.endswith(" people")]
    phrases = [word for word in found if word.endswith(" people")]
    return (*plurals, *phrases, *(f"people {where} {name}" for where in ("from", "of", "in")))


def read_abilities(path: Path, tally: Tally) -> list[Ability]:
    """General ability before and after: a CSV with ``method, steer, task, before, after, n``.

    ``steer`` is a community or ``joint``. A column ``error`` has the standard error of the
    difference; without it, the two shares are taken as independent.

    Raises:
        InvalidInput: If a column is missing, or a share is not in [0, 1].
        NotEnoughData: If there are no rows.
    """
    found = []
    for line, row in read_table(path, RowPolicy(Tally()), kinds=("csv", "parquet")):
        tally.read += 1
        try:
            found.append(_ability(row))
        except BadRow as bad:
            raise InvalidInput(bad.what, where=f"{path}:{line}", hint=bad.hint) from bad
        tally.kept += 1
    if not found:
        raise NotEnoughData("no row is left", where=str(path))
    return found


def _ability(row: Row) -> Ability:
    require_columns(row, ("method", "steer", "task", "before", "after", "n"))
    before, after, n = (optional_number(row, name) for name in ("before", "after", "n"))
    if before is None or after is None or not (0 <= before <= 1 and 0 <= after <= 1):
        raise BadRow("before and after must be numbers in [0, 1]", reason="no shares")
    if n is None or n < _FEWEST_ITEMS:
        raise BadRow(
            f"n must be at least {_FEWEST_ITEMS} items, got {row['n']!r}", reason="too few items"
        )
    independent = (before * (1 - before) + after * (1 - after)) / n
    error = optional_number(row, "error") if "error" in row else None
    label = str(row["steer"])
    known = None if label == JOINT else resolve_community(label)
    return Ability(
        method=str(row["method"]),
        steer=known.id if known is not None else None if label == JOINT else label,
        task=str(row["task"]),
        before=before,
        after=after,
        error=math.sqrt(independent) if error is None else error,
        n=int(n),
    )


def _answers(run: AlignRun, of_prompt: Sequence[Sequence[PolicyAnswer]]) -> Answers:
    judged = all(one.judged for own in of_prompt for one in own)
    return Answers(
        [[one.text for one in own] for own in of_prompt],
        _rewards(run, [[one.reward for one in own] for own in of_prompt], "scale"),
        _rewards(run, [[one.judged for one in own] for own in of_prompt], "scale of the judge")
        if judged
        else None,
    )


def _rewards(
    run: AlignRun, rewards: Sequence[Sequence[Mapping[str, float | None]]], scale: str
) -> FloatArray:
    """Rewards in spreads of the start model's rewards on the validation prompts, (P, n, C)."""
    told: Mapping[str, Any] = run.stages["score"].get(scale) or {}
    if not told:
        raise DamagedFile(f"the run has no {scale}", where=str(run.folder), hint=_AGAIN)
    reward_P_n_C = np.array(
        [
            [[np.nan if own[c] is None else own[c] for c in run.communities] for own in row]
            for row in rewards
        ],
        dtype=np.float64,
    )
    spread_C = np.array([told[c]["spread"] for c in run.communities])
    scaled: FloatArray = reward_P_n_C / spread_C
    return scaled
