"""A survey as a folder of lm-eval tasks: one task for each strategy and community, one number for each metric."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.asking import Strategy, put
from pluralign.core import Ask, InvalidInput, NotEnoughData, Survey, Tally

_HELPERS = '''"""Called by the tasks of this folder; needs pluralign."""

from pathlib import Path

from pluralign.interop.lm_eval_scoring import alignment, mean, questions_in, score_answer

__all__ = ["alignment", "load", "mean", "score_answer"]


def load(file, **_):
    return questions_in(Path(__file__).with_name(file))
'''
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
  - {{metric: cultural_alignment_score, aggregation: !function utils.alignment, higher_is_better: true}}
  - {{metric: exact_accuracy, aggregation: !function utils.mean, higher_is_better: true}}
  - {{metric: similarity, aggregation: !function utils.mean, higher_is_better: true}}
metadata: {{version: "{version}"}}
"""


def write_lm_eval_tasks(
    survey: Survey,
    strategies: Sequence[Strategy],
    communities: Sequence[str],
    folder: Path,
    name: str = "pluralign",
    tally: Tally | None = None,
) -> list[str]:
    """Write a folder for ``lm-eval run --include_path FOLDER --tasks NAME --apply_chat_template``.

    The words are those of `pluralign survey run`; an option's label is scored by its log-likelihood. Without a chat
    template the system turn stands in front of the question. A strategy that names nobody is measured against the
    people of every community.

    Args:
        survey: Questions, and what the people answered.
        strategies: How questions are put.
        communities: Whose people to compare with.
        folder: Where to write; made where it is not there.
        name: Tag that all tasks share, and the beginning of their names.
        tally: Where questions without gold are counted.

    Returns:
        Names of the tasks.

    Raises:
        InvalidInput: If the folder holds something else, or ``name`` is not made of letters, digits and ``_``.
        NotEnoughData: If a community has no question with gold.
    """
    if not re.fullmatch(r"\w+", name):
        raise InvalidInput(f"{name!r} is no name of a task", hint="use letters, digits and _")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "utils.py").is_file():
        raise InvalidInput("the folder is not empty and holds no tasks", where=str(folder), hint="name another folder")
    tally = tally if tally is not None else Tally()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "utils.py").write_text(_HELPERS, encoding="utf-8")
    names = []
    for strategy in strategies:
        for community in communities:
            rows = list(_rows(survey, strategy, community, tally))
            if not rows:
                raise NotEnoughData(
                    f"no question has both an ask and a gold answer for {community}", where=strategy.name
                )
            task = f"{name}_{strategy.name}_{re.sub(r'[^A-Za-z0-9]+', '_', community).strip('_')}"
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / f"{task}.jsonl").write_text(text, encoding="utf-8")
            yaml = _TASK.format(name=task, group=name, version=__version__)
            (folder / f"{task}.yaml").write_text(yaml, encoding="utf-8")
            names.append(task)
    return names


def _rows(survey: Survey, strategy: Strategy, community: str, tally: Tally) -> Iterator[dict[str, Any]]:
    for ask in put(strategy, survey, [community], tally=tally):
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
