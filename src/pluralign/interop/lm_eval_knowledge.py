"""A test of knowledge as a folder of lm-eval tasks, one for each way to ask about a community."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pluralign._version import __version__
from pluralign.asking import KnowledgeAsk, KnowledgePutting, put_knowledge
from pluralign.core import AnyPath, KnowledgeTest, NotEnoughData, Tally, as_path
from pluralign.interop.knowledge_items import knowledge_item
from pluralign.interop.lm_eval_folder import LmEvalTask, checked_tag, task_name, write_tasks
from pluralign.matching import stemmed
from pluralign.settings.knowledge import KnowledgeSamplingSettings

_TASK = """task: {name}
tag: {tag}
custom_dataset: !function utils.load
dataset_kwargs: {{file: {name}.jsonl}}
test_split: test
description: "{{{{system}}}}"
doc_to_text: text
{how}metadata: {about}
"""
_WRITTEN = """output_type: generate_until
doc_to_target: target
generation_kwargs: {{until: [], do_sample: false, max_gen_toks: {tokens}}}
process_results: !function utils.score_words
metric_list:
  - {{metric: answer_credit, aggregation: mean, higher_is_better: true}}
"""
_SHORT = """  - {metric: exact_match_rate, aggregation: mean, higher_is_better: true}
  - {metric: unmatched_rate, aggregation: mean, higher_is_better: false}
  - {metric: empty_rate, aggregation: mean, higher_is_better: false}
"""
_OPTIONS = """  - {metric: accuracy, aggregation: mean, higher_is_better: true}
  - {metric: invalid_rate, aggregation: mean, higher_is_better: false}
"""
_LIKELIHOOD = """output_type: multiple_choice
doc_to_choice: options
doc_to_target: right
process_results: !function utils.score_options
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
  - {metric: answer_credit, aggregation: mean, higher_is_better: true}
"""
Way = tuple[str, str, str, bool]


def write_lm_eval_knowledge(
    test: KnowledgeTest,
    putting: KnowledgePutting,
    folder: AnyPath,
    *,
    communities: Sequence[str] | None = None,
    name: str = "knowledge",
    tally: Tally | None = None,
) -> list[str]:
    """Write a folder for ``lm-eval run --include_path FOLDER --tasks NAME``.

    The texts are those of `pluralign knowledge ask`. Short answers and letters of options are
    generated; where the words do not show the options, each option is scored by its
    log-likelihood. The metadata of a task have the licence of the test, and whether a model wrote
    the words around its questions and no native reader has signed them. A model with a chat
    template needs ``--apply_chat_template``. Existing tasks of the same name are replaced.

    Args:
        test: The test.
        putting: Languages, forms and ways to name the place; its number of draws is not used.
        folder: Folder to write to; created if it is missing.
        communities: Communities to ask about; all of the test if None.
        name: Tag of all tasks, and the beginning of their names.
        tally: Counts the asks that cannot be made.

    Returns:
        Names of the tasks.

    Raises:
        InvalidInput: If the folder has other files, ``name`` has characters other than letters,
            digits and ``_``, or two tasks would have one name.
        NotEnoughData: If there is no question to ask; the hint has the reasons.
    """
    tally = tally if tally is not None else Tally()
    wanted = test.communities if communities is None else communities
    for missing in sorted(set(wanted) - set(test.communities)):
        tally.drop(f"community that the test does not have: {missing}")
    questions = [question for question in test.questions if question.community in wanted]
    asks = put_knowledge(test, questions, putting, tally, stemmed)
    if not asks:
        raise NotEnoughData(
            "there is no question to ask", where=test.name, hint=tally.why() or None
        )
    tasks = list(_tasks(asks, test, checked_tag(name), shows_options=putting.shows_options))
    return write_tasks(as_path(folder), name, tasks)


def _tasks(
    asks: Sequence[KnowledgeAsk], test: KnowledgeTest, tag: str, *, shows_options: bool
) -> Iterator[LmEvalTask]:
    """A task for each community, language, form and way to name the place."""
    by_way: dict[Way, list[dict[str, Any]]] = {}
    for ask in asks:
        words = {"system": _words(ask, "system"), "text": _words(ask, "user")}
        row = knowledge_item(ask, test) | words
        form = _form(ask, shows_options)
        by_way.setdefault((ask.community, ask.ask.language, form, ask.place_named), []).append(row)
    for (community, language, form, named), rows in by_way.items():
        name = task_name(tag, community, language, form, "" if named else "unnamed")
        about = {
            "version": __version__,
            "test": test.name,
            "license": test.license,
            "machine_written": any(row["machine_written"] for row in rows),
        }
        settings = _TASK.format(name=name, tag=tag, how=_how(form), about=json.dumps(about))
        yield LmEvalTask(name, settings, rows)


def _form(ask: KnowledgeAsk, shows_options: bool) -> str:
    """The form of the answers: ``short``, ``options``, or ``likelihood`` of options not shown."""
    return "likelihood" if ask.form == "options" and not shows_options else ask.form


def _how(form: str) -> str:
    """How a task is answered and measured."""
    if form == "likelihood":
        return _LIKELIHOOD
    written = _WRITTEN.format(tokens=KnowledgeSamplingSettings().max_new_tokens)
    return written + (_SHORT if form == "short" else _OPTIONS)


def _words(ask: KnowledgeAsk, role: str) -> str:
    return "\n\n".join(m.content for m in ask.ask.conversation if m.role == role)
