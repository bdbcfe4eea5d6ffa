"""Answers of the start model and of adapters to items of a task; all are on disk once given."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.aligning.earlier_work import made_for_these_settings
from pluralign.aligning.result_rows import START_MODEL, MeasuredPolicy
from pluralign.aligning.task_data.task_work import TaskWork, adapter_of
from pluralign.core import Ask, FloatArray, Message, Sampling, SurveyQuestion, text_digest
from pluralign.huggingface.model_folders import files_digest
from pluralign.methods.task_data import TaskExample, lesson_of
from pluralign.methods.task_data.answers import (
    is_contained,
    is_exact,
    letters_of,
    option_in,
)
from pluralign.respondents.append import GrowingFile
from pluralign.runs.policy_rows import START, community_file

if TYPE_CHECKING:
    from pluralign.respondents.local import LocalChatModel

TASK = "task"
"""Method of the adapters, as rows of results and routers name it."""
INVALID = "invalid"
_LOT = 64
"""Items that are answered together."""


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """The start model, or a community's adapter.

    Attributes:
        measured: As rows of results name it.
        digest: A text that changes whenever its answers could change.
        open: Opens it.
    """

    measured: MeasuredPolicy
    digest: str
    open: Callable[[], "LocalChatModel"]

    @property
    def label(self) -> str:
        """Name of the file of its answers, without a suffix."""
        return community_file(self.measured.steer) if self.measured.steer else START


def task_policies(work: TaskWork) -> Iterator[TaskPolicy]:
    """The start model, then the adapter of each community."""
    start = work.open_learner()
    yield TaskPolicy(START_MODEL, start.fingerprint, work.open_learner)
    for one in work.communities():
        folder = adapter_of(work, one.community)
        digest = f"{start.fingerprint} {files_digest(folder)}"
        opened = partial(work.open_adapter, folder)
        yield TaskPolicy(MeasuredPolicy(TASK, one.community), digest, opened)


def main_metric(work: TaskWork) -> str:
    """The metric that chooses the router, and that baselines are compared with."""
    if not work.examples[0].options:
        return "exact_match"
    return f"{work.settings.evaluate.measures[0]}_accuracy"


def scores_of(
    work: TaskWork, policy: TaskPolicy, items: Sequence[TaskExample], stage: str
) -> dict[str, FloatArray]:
    """Whether a policy answers items rightly, by each measure; and whether replies are invalid.

    Args:
        work: The run.
        policy: The policy.
        items: The items.
        stage: The stage in whose folder answers are kept.

    Returns:
        Metric -> 1 or 0 for each item, shape (P,); nan for an item too long for the model. An
        invalid reply is a wrong one.
    """
    given = made_for_these_settings(work, lambda: _answered(work, policy, items, stage))
    scores = [_scores(item, row) for item, row in zip(items, given, strict=True)]
    return {
        metric: np.array([one[metric] for one in scores], dtype=np.float64)
        for metric in (scores[0] if scores else ())
    }


def _answered(
    work: TaskWork, policy: TaskPolicy, items: Sequence[TaskExample], stage: str
) -> list[dict[str, Any]]:
    """The answers to items, in their order; only those that are not on disk are asked for."""
    name = f"{stage}/{policy.label}.jsonl"
    config = work.settings.evaluate
    asked = [one.as_row() for one in items]
    settings = [policy.digest, config.model_dump(mode="json"), asked]
    file = GrowingFile(work.folder.path / name, text_digest(json.dumps(settings, sort_keys=True)))
    known = {row["number"]: row for row in file.rows()}
    opened = cache(policy.open)
    try:
        for start in range(0, len(items), _LOT):
            lot = range(start, min(start + _LOT, len(items)))
            if all(number in known for number in lot):
                continue
            # A lot is answered again as a whole, so that the padding of its batches is the same.
            answers = _answers(work, opened(), [items[number] for number in lot])
            for number, answer in zip(lot, answers, strict=True):
                if number not in known:
                    known[number] = {"number": number} | answer
                    file.add(known[number])
            work.reporter.progress(len(known), len(items))
    finally:
        file.close()
    work.folder.list_files(name)
    return [known[number] for number in range(len(items))]


def _answers(
    work: TaskWork, chat: "LocalChatModel", items: Sequence[TaskExample]
) -> list[dict[str, Any]]:
    """Answers to items by each measure; None for an item that is too long for the model."""
    config = work.settings.evaluate
    answers: list[dict[str, Any]] = [{} for _ in items]
    measures = config.measures if items[0].options else ("generated",)
    if "letter" in measures:
        for row, probs in zip(answers, _letter_probs(chat, items), strict=True):
            row["letter"] = probs
    if "words" in measures:
        for row, logs in zip(answers, _word_logs(chat, items), strict=True):
            row["words"] = logs
    if "generated" in measures:
        talks = [lesson_of(item).conversation for item in items]
        how = Sampling(temperature=0, max_new_tokens=config.max_new_tokens)
        for row, reply in zip(answers, chat.complete(talks, how), strict=True):
            row["generated"] = reply.text if reply.failure is None else None
    return answers


def _letter_probs(
    chat: "LocalChatModel", items: Sequence[TaskExample]
) -> Iterator[list[float] | None]:
    """The probability of each letter as the answer, relative to the other letters."""
    from pluralign.respondents.local import LikelihoodRespondent

    asks = [
        Ask(
            SurveyQuestion(str(number), item.question, item.options),
            lesson_of(item).conversation,
            "task",
            labels=letters_of(item),
        )
        for number, item in enumerate(items)
    ]
    for reply in LikelihoodRespondent(chat).answer(asks):
        yield None if reply.probs_O is None else list(reply.probs_O)


def _word_logs(
    chat: "LocalChatModel", items: Sequence[TaskExample]
) -> Iterator[list[float] | None]:
    """Mean log-probability of the tokens of each option, and of its end, after the question."""
    for item in items:
        talk = (Message("user", item.question),)
        lengths = [len(chat.sampled_tokens(talk, option, cut=False)) for option in item.options]
        if len(chat.tokens(talk)) + max(lengths) > chat.longest:
            yield None
            continue
        sums = chat.log_probs([talk] * len(item.options), item.options)
        yield (sums / np.array(lengths)).tolist()


def _scores(item: TaskExample, row: dict[str, Any]) -> dict[str, float]:
    """The metrics of one item."""
    found: dict[str, float] = {}
    for measure in ("letter", "words"):
        if measure in row:
            found[f"{measure}_accuracy"] = _is_likeliest(item, row[measure])
    if "generated" in row:
        found |= _of_reply(item, row["generated"])
    return found


def _is_likeliest(item: TaskExample, scores: list[float] | None) -> float:
    if scores is None:
        return np.nan
    return float(item.options[int(np.argmax(scores))] == item.answer)


def _of_reply(item: TaskExample, text: str | None) -> dict[str, float]:
    """The metrics of a written reply."""
    if not item.options:
        if text is None:
            return dict.fromkeys(("exact_match", "contained", INVALID), np.nan)
        return {
            "exact_match": float(is_exact(text, item.answer)),
            "contained": float(is_contained(text, item.answer)),
            INVALID: float(not text),
        }
    if text is None:
        return dict.fromkeys(("generated_accuracy", INVALID), np.nan)
    option = option_in(text, item)
    right = option is not None and item.options[option] == item.answer
    return {"generated_accuracy": float(right), INVALID: float(option is None)}
