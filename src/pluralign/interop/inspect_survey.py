"""The survey as a task of Inspect: ``inspect eval pluralign/survey -T survey=FOLDER --model ...``.

Inspect finds the task through `pluralign.interop.inspect_tasks`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    grouped,
    mean,
    metric,
    scorer,
    stderr,
)
from inspect_ai.solver import TaskState, generate

from pluralign.asking import CultureTables, culture_tables, load_strategy, put
from pluralign.core import InvalidInput, NotEnoughData, Refusal, Survey, read_answer
from pluralign.metrics import answer_closeness, cultural_alignment_score
from pluralign.settings import survey_source
from pluralign.settings.validation import community_ids

GROUP = "community"


@task
def survey(
    survey: str = "society_survey",
    strategy: str = "culture_aware",
    communities: str | list[str] | None = None,
    limit: int | None = None,
) -> Task:
    """Closed questions of a survey in communities' names, compared with their people's answers.

    Args:
        survey: A folder in CultureSPA's layout, or the name of a source; a simulated society by
            default.
        strategy: Strategy of asking; a name or a template file.
        communities: Names or ids, separated by commas; all of the survey's by default.
        limit: Number of questions, from the first.
    """
    table = {"source": "shares", "path": survey} if Path(survey).is_dir() else {"source": survey}
    found = survey_source(table, Path.cwd(), "survey").survey()
    samples = _samples(found, strategy, _chosen(found, communities), limit)
    if not samples:
        raise NotEnoughData(
            "no question has both an ask and a gold answer", where=f"{found.name}, {strategy}"
        )
    return Task(dataset=samples, solver=generate(), scorer=[closeness(), refusal()])


def _chosen(found: Survey, communities: str | Sequence[str] | None) -> Sequence[str]:
    """Ids of communities; Inspect's command line splits at commas, Python may pass one text."""
    labels = communities.split(",") if isinstance(communities, str) else communities or ()
    chosen = (
        community_ids([label.strip() for label in labels if label.strip()], "communities")
        or found.communities
    )
    missing = [c for c in chosen if c not in found.communities]
    if missing:
        raise InvalidInput(
            f"{', '.join(missing)}: not in the survey",
            where="communities",
            hint=f"the survey has {', '.join(found.communities[:20])}",
        )
    return chosen


def _read(scores: Sequence[SampleScore]) -> list[dict[str, Any]]:
    """The notes of the scorer on each answer; it does not score refusals, so they have none."""
    notes = [sample.score.metadata or {} for sample in scores]
    return [note for note in notes if "answer" in note]


@metric
def alignment() -> Metric:
    """CultureSPA's cultural alignment score, 0 to 100."""

    def computed(scores: list[SampleScore]) -> float:
        read = _read(scores)
        if not read:
            return float("nan")
        answers, golds = [m["answer"] for m in read], [m["gold"] for m in read]
        return cultural_alignment_score(answers, golds, [m["options"] for m in read])

    return computed


@metric
def exact() -> Metric:
    """Share of questions answered like most people."""

    def computed(scores: list[SampleScore]) -> float:
        read = _read(scores)
        return sum(m["answer"] == m["gold"] for m in read) / len(read) if read else float("nan")

    return computed


@scorer(
    metrics=[
        mean(),
        stderr(),
        grouped(alignment(), GROUP, all="groups", name_template="alignment {group_name}"),
        grouped(exact(), GROUP, all=False, name_template="exact {group_name}"),
    ]
)
def closeness() -> Scorer:
    """Closeness of the answered option to the gold one, in [0, 1]; a refusal is not scored."""

    async def score(state: TaskState, target: Target) -> Score:
        told: dict[str, Any] = state.metadata
        place = _place(state)
        if isinstance(place, Refusal):
            return Score.unscored(reason="refusal", answer=place.text)
        option = told["order"][place]
        value = float(
            answer_closeness([option], [told["gold"]], [told["options"]], [not told["ordered"]])[0]
        )
        return Score(
            value=value,
            answer=told["labels"][place],
            metadata={"answer": option, "gold": told["gold"], "options": told["options"]},
        )

    return score


@scorer(
    metrics=[
        mean(),
        stderr(),
        grouped(mean(), GROUP, all=False, name_template="refusals {group_name}"),
    ]
)
def refusal() -> Scorer:
    """Whether the answer names no option: 1 or 0."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(
            value=float(isinstance(_place(state), Refusal)), answer=state.output.completion
        )

    return score


def _place(state: TaskState) -> int | Refusal:
    return read_answer(state.output.completion, state.metadata["shown"], state.metadata["labels"])


def _samples(
    found: Survey, strategy: str, communities: Sequence[str], limit: int | None
) -> list[Sample]:
    """A sample for each community and question with gold, under every strategy."""
    loaded = load_strategy(strategy)
    cultures = culture_tables(found, CultureTables(), loaded.needs)
    questions = list(found.questions)[:limit]
    samples = []
    for community in communities:
        for ask in put(loaded, found, [community], questions, cultures=cultures):
            people = found.distribution(ask.question.id, community)
            if people is None or sum(people.probs_O) <= 0:
                continue
            words: list[ChatMessage] = [
                ChatMessageSystem(content=m.content)
                if m.role == "system"
                else ChatMessageUser(content=m.content)
                for m in ask.conversation
            ]
            samples.append(
                Sample(
                    input=words,
                    choices=list(ask.shown),
                    target=ask.labels[ask.order.index(people.gold)],
                    id=f"{community}:{ask.question.id}",
                    metadata={
                        GROUP: community,
                        "question_id": ask.question.id,
                        "strategy": ask.strategy,
                        "shown": list(ask.shown),
                        "labels": list(ask.labels),
                        "order": list(ask.order),
                        "gold": people.gold,
                        "options": len(ask.question.options),
                        "ordered": found.questions[ask.question.id].ordered is not False,
                    },
                )
            )
    return samples
