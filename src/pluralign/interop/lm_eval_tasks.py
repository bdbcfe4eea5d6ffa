"""A survey as a folder of lm-eval tasks, one task for each strategy and community."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pluralign._version import __version__
from pluralign.asking import CultureTables, Strategy, culture_tables, put
from pluralign.core import AnyPath, Ask, NotEnoughData, Survey, Tally, as_path
from pluralign.interop.lm_eval_folder import LmEvalTask, checked_tag, task_name, write_tasks

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
    tag, tally = checked_tag(name), tally if tally is not None else Tally()
    return write_tasks(
        as_path(folder), tag, list(_tasks(survey, strategies, communities, tag, tally))
    )


def _tasks(
    survey: Survey,
    strategies: Sequence[Strategy],
    communities: Sequence[str],
    name: str,
    tally: Tally,
) -> Iterator[LmEvalTask]:
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
            task = task_name(name, strategy.name, community)
            shows_gold = json.dumps(strategy.shows_gold)
            settings = _TASK.format(
                name=task, group=name, version=__version__, shows_gold=shows_gold
            )
            yield LmEvalTask(task, settings, rows)


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
