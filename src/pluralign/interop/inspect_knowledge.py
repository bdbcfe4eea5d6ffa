"""A test of knowledge as a task of Inspect: ``inspect eval pluralign/knowledge -T test=FILE ...``.

Inspect finds the task through `pluralign.interop.inspect_tasks`.
"""

from pathlib import Path
from typing import Any, get_args

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Score, Scorer, Target, grouped, mean, scorer, stderr
from inspect_ai.solver import TaskState, generate

from pluralign.asking import KnowledgeAsk, KnowledgePutting, put_knowledge
from pluralign.core import InvalidInput, KnowledgeTest, NotEnoughData, Tally
from pluralign.evaluation.knowledge import ScoredText
from pluralign.interop.knowledge_items import knowledge_item, score_item
from pluralign.matching import stemmed
from pluralign.settings import knowledge_source
from pluralign.settings.knowledge import FormChoice, PlaceChoice, forms_of, ways_to_name
from pluralign.simulation import plant_knowledge
from pluralign.sources import read_knowledge
from pluralign.sources.knowledge_reading import region_id
from pluralign.sources.row_files import refused_as

_PLANTED = ("~coast", "~hill", "~plain", "~river")
TOPIC, ASKED, CLUSTER = "topic", "asked", "cluster"


@task
def knowledge(
    test: str | None = None,
    communities: str | list[str] | None = None,
    languages: str | list[str] | None = None,
    place: PlaceChoice = "named",
    form: FormChoice = "short",
    options: int = 4,
    language: str | None = None,
    seed: int = 0,
    limit: int | None = None,
) -> Task:
    """Questions of a test of knowledge, scored by how many people gave each answer.

    Args:
        test: A file or folder, as for `pluralign knowledge check`; planted knowledge by default.
        communities: Names or ids, separated by commas; all of the test's by default. One also names
            the community of a file that does not name its own.
        languages: Tags of the languages to ask in, separated by commas; every language that a
            question has by default.
        place: ``named``, ``unnamed`` or ``both``: whether the words name the place.
        form: ``short``, ``options`` or ``both``.
        options: Number of options, where they are drawn.
        language: Tag of the language of a file that does not name its own.
        seed: Seed of the options, of their order, and of the questions drawn.
        limit: Number of questions about each community, drawn among those that can be asked; all by
            default.
    """
    with refused_as("communities"):
        chosen = [region_id(label) for label in _listed(communities)]
    found, tally = _opened(test, chosen, language), Tally()
    putting = KnowledgePutting(
        languages=tuple(_listed(languages)) or None,
        place_named=ways_to_name(_one_of("place", place, get_args(PlaceChoice))),
        forms=forms_of(_one_of("form", form, get_args(FormChoice))),
        options=options,
        seed=seed,
        limit=limit,
    )
    questions = [q for c in chosen or found.communities for q in found.of(c)]
    asks = put_knowledge(found, questions, putting, tally, stemmed)
    samples = [_sample(ask, found) for ask in asks]
    if not samples:
        raise NotEnoughData(
            "there is no question to ask",
            where=found.name,
            hint=tally.why() or f"the test has {', '.join(found.communities[:20])}",
        )
    return Task(
        dataset=samples,
        solver=generate(),
        scorer=[credit(), invalid()],
        metadata={
            "test": found.name,
            "license": found.license,
            "machine_written": sorted(
                {one.template.language for one in asks if one.template.machine_written}
            ),
        },
    )


@scorer(
    metrics=[
        mean(),
        stderr(cluster=CLUSTER),
        grouped(mean(), ASKED, all=False, name_template="credit {group_name}"),
        grouped(mean(), TOPIC, all=False, name_template="credit in {group_name}"),
    ]
)
def credit() -> Scorer:
    """Credit of an answer by the counts of people, in [0, 1]; 0 of an answer that names nothing."""

    async def score(state: TaskState, target: Target) -> Score:
        scored = _scored(state)
        return Score(
            value=scored.own,
            answer=scored.text,
            metadata={"match": scored.kind, "matched_in": scored.matched_in},
        )

    return score


@scorer(
    metrics=[
        mean(),
        grouped(mean(), ASKED, all=False, name_template="invalid {group_name}"),
    ]
)
def invalid() -> Scorer:
    """Whether an answer is empty or names no option: 1 or 0."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=float(not _scored(state).valid), answer=state.output.completion)

    return score


def _scored(state: TaskState) -> ScoredText:
    return score_item(state.metadata, state.output.completion)


def _opened(path: str | None, communities: list[str], language: str | None) -> KnowledgeTest:
    """The test in a file or folder; a small planted one without a path."""
    if path is None:
        return plant_knowledge(_PLANTED, seed=0, questions=12, topics=4).test()
    own = communities[0] if len(communities) == 1 else None
    table = {"path": path, "community": own, "language": language}
    given = {key: value for key, value in table.items() if value is not None}
    return read_knowledge(knowledge_source(given, Path.cwd(), "test"))


def _sample(ask: KnowledgeAsk, test: KnowledgeTest) -> Sample:
    item = knowledge_item(ask, test)
    place = "named" if ask.place_named else "unnamed"
    asked = f"{ask.community} {ask.ask.language} {ask.form} {place}"
    words: list[ChatMessage] = [
        ChatMessageSystem(content=m.content)
        if m.role == "system"
        else ChatMessageUser(content=m.content)
        for m in ask.ask.conversation
    ]
    more = {
        TOPIC: item["topic"] or "no topic",
        CLUSTER: item["topic"] or item["question_id"],
        ASKED: asked,
    }
    return Sample(
        input=words,
        choices=list(ask.ask.shown) or None,
        target=item["target"] if item["right"] is None else ask.ask.labels[item["right"]],
        id=f"{asked}: {item['question_id']}",
        metadata=item | more,
    )


def _listed(names: str | list[str] | None) -> list[str]:
    """Names in a list; Inspect's command line splits at commas, Python may pass one text."""
    parts = names.split(",") if isinstance(names, str) else names or []
    return [part.strip() for part in parts if part.strip()]


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> Any:
    if value not in known:
        raise InvalidInput(f"{name} must be {', '.join(known)}, got {value!r:.40}", where=name)
    return value
