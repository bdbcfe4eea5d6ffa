"""A language model that knows four places, and gives their common answers."""

from collections.abc import Callable

import numpy as np

from pluralign.audits.knowledge_evidence import KnowledgeEvidence
from pluralign.core import rng_for
from pluralign.metrics import ScoredAnswer
from pluralign.simulation import PlantedKnowledge, plant_knowledge

PLACES = ("~alder", "~birch", "~cedar", "~dogwood")
ENGLISH = "en"
KNOWN = 0.8
"""Chance that the model knows an answer; else it guesses one of the possible answers."""

Way = tuple[str, str, bool]
"""Place asked about, language, and whether the place is named."""
AnswersAs = Callable[[Way, int, np.random.Generator], str | None]
"""Way of asking and number of the question -> whose people it answers as; None for a guess."""


def world_of(seed: int) -> PlantedKnowledge:
    """The answers of the people of the places; in the first place they speak English."""
    return plant_knowledge(PLACES, seed, english=PLACES[:1])


def answers_as_asked(way: Way, question: int, rng: np.random.Generator) -> str | None:
    """A sound model: it answers as the people of the place asked about, where it knows them."""
    return way[0] if rng.random() < KNOWN else None


def sound_knowledge(seed: int) -> KnowledgeEvidence:
    """Answers of a model without a fault."""
    return knowledge_of(seed, answers_as_asked)


def knowledge_of(seed: int, answers_as: AnswersAs) -> KnowledgeEvidence:
    """Answers to every question about every place, in its language and in English.

    Where the words are in another language than English, they are asked without the place, too. An
    answer is the common one of some people, or a guess.

    Args:
        seed: Seed of the counts and the guesses.
        answers_as: Chooses the people whose answer the model gives.
    """
    world = world_of(seed)
    rng = rng_for(seed, "planted knowledge answers")
    local = [
        (place, language) for place, language in world.languages.items() if language != ENGLISH
    ]
    in_english = [(place, ENGLISH, True) for place in PLACES]
    in_local = [(place, tag, named) for place, tag in local for named in (True, False)]
    scored = []
    for community, language, named in [*in_english, *in_local]:
        for question, id_ in enumerate(world.questions):
            people = answers_as((community, language, named), question, rng)
            guess = int(rng.integers(world.count_C_Q_A.shape[2]))
            answer = guess if people is None else world.common(people, question)
            scored.append(
                ScoredAnswer(
                    model="planted",
                    question=id_,
                    topic=world.topic_Q[question],
                    community=community,
                    language=language,
                    place_named=named,
                    form="short",
                    credits=world.credits(question, answer),
                    people=int(world.count_C_Q_A[0, question].sum()),
                )
            )
    return KnowledgeEvidence(scored, world.languages)
