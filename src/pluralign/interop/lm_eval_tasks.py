"""A survey as a folder of lm-eval tasks, one task for each strategy and community."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.asking import CultureTables, Strategy, culture_tables, put
from pluralign.core import AnyPath, Ask, InvalidInput, NotEnoughData, Survey, Tally, as_path

_OURS = '"""Called by the tasks of this folder; needs pluralign."""'
_HELPERS = f"""{_OURS}

from pathlib import Path

from pluralign.interop.lm_eval_scoring import alignment, questions_in, score_answer

__all__ = ["alignment", "load", "score_answer"]


def load(file, **model):
    return questions_in(Path(__file__).with_name(file), model)
"""
_TASK = """task: {name}
tag: {group}
custom_dataset: !function utils.load
dataset_kwargs: {{file: {name}.jsonl}}
test_split: test
output_type: multiple_choice
description: "{{{{system}}}}"
doc_to_text: "{{{{text}}}}"
doc_to_choice: "{{{{labels}}}}"
doc_to_target: gold
process_results: !function utils.score_answer
metric_list:
  - metric: cultural_alignment_score
    aggregation: !function utils.alignment
    higher_is_better: true
  - {{metric: exact_accuracy, aggregation: mean, higher_is_better: true}}
  - {{metric: similarity, aggregation: mean, higher_is_better: true}}
metadata: {{version: "{version}", shows_gold: {shows_gold}}}
"""


def write_lm_eval_tasks(
    survey: Survey,
    strategies: Sequence[Strategy],
    communities: Sequence[str],
    folder: AnyPath,
    name: str = "pluralign",
    tally: Tally | None = None,
) -> list[str]:
    """Write a folder for ``lm-eval run --include_path FOLDER --tasks NAME`` with the model ``hf``.

    The texts are those of `pluralign survey run`; an option's label is scored by its
    log-likelihood. A model with a chat template needs ``--apply_chat_template``. A strategy without
    a community is measured against the people of every community. Existing tasks of the same name
    are replaced.

    Args:
        survey: Questions, and the people's answers.
        strategies: Strategies of asking.
        communities: Communities to compare with.
        folder: Folder to write to; created if it is missing.
        name: Tag of all tasks, and the beginning of their names.
        tally: Counts questions without gold.

    Returns:
        Names of the tasks.

    Raises:
        InvalidInput: If the folder has other files, ``name`` has characters other than letters,
            digits and ``_``, or two tasks would have one name.
        NotEnoughData: If a community has no question with gold.
    """
    folder = as_path(folder)
    if not re.fullmatch(r"\w+", name):
        raise InvalidInput(f"{name!r} is not a name of a task", hint="use letters, digits and _")
    tasks = dict(
        _tasks(survey, strategies, communities, name, tally if tally is not None else Tally())
    )
    if len(tasks) < len(strategies) * len(communities):
        raise InvalidInput("two tasks would have one name", hint="write them to separate folders")
    _make_room(folder, name)
    (folder / "utils.py").write_text(_HELPERS, encoding="utf-8")
    for task, (rows, shows_gold) in tasks.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{task}.jsonl").write_text(text, encoding="utf-8")
        yaml = _TASK.format(
            name=task, group=name, version=__version__, shows_gold=json.dumps(shows_gold)
        )
        (folder / f"{task}.yaml").write_text(yaml, encoding="utf-8")
    return list(tasks)


def _make_room(folder: Path, name: str) -> None:
    """Prepare a folder: an empty one, or one of ours without the tasks of this name."""
    helpers = folder / "utils.py"
    ours = helpers.is_file() and helpers.read_text(encoding="utf-8").startswith(_OURS)
    if folder.exists() and not ours and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            "the folder is not empty and has no tasks",
            where=str(folder),
            hint="name another folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for task in folder.glob("*.yaml"):
        if f"tag: {name}" in task.read_text(encoding="utf-8").splitlines():
            task.with_suffix(".jsonl").unlink(missing_ok=True)
            task.unlink()


def _tasks(
    survey: Survey,
    strategies: Sequence[Strategy],
    communities: Sequence[str],
    name: str,
    tally: Tally,
) -> Iterator[tuple[str, tuple[list[dict[str, Any]], bool]]]:
    """Name, rows, and whether gold is shown, of each task."""
    for strategy in strategies:
        cultures = culture_tables(survey, CultureTables(), strategy.needs)
        for community in communities:
            asks = put(strategy, survey, [community], cultures=cultures, tally=tally)
            rows = list(_rows(asks, survey, community, tally))
            if not rows:
                raise NotEnoughData(
                    f"no question has both an ask and a gold answer for {community}",
                    where=strategy.name,
                )
            yield (
                re.sub(r"[\W_]+", "_", f"{name}_{strategy.name}_{community}").strip("_"),
                (rows, strategy.shows_gold),
            )


def _rows(
    asks: Sequence[Ask], survey: Survey, community: str, tally: Tally
) -> Iterator[dict[str, Any]]:
    for ask in asks:
        people = survey.distribution(ask.question.id, community)
        if people is None or sum(people.probs_O) <= 0:
            tally.note(f"question without gold in {community}")
            continue
        shares = people.normalised()
        yield {
            "question_id": ask.question.id,
            "community": community,
            "system": _said(ask, "system"),
            "text": _said(ask, "user"),
            "labels": list(ask.labels),
            "gold": ask.order.index(people.gold),
            "probs": [shares[i] for i in ask.order],
        }


def _said(ask: Ask, role: str) -> str:
    return "\n\n".join(m.content for m in ask.conversation if m.role == role)
