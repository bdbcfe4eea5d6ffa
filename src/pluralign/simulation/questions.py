"""Closed questions about taste, on a scale or with a choice, and the answers of a planted taste."""

from collections.abc import Sequence

import numpy as np

from pluralign.core import AnswerDistribution, FloatArray, SurveyQuestion
from pluralign.simulation.bank import PHRASES, PROMPTS
from pluralign.simulation.texts import read_traits

LICENSE = "CC0-1.0 (simulated)"
SCALE = ("Disagree strongly", "Disagree", "Agree", "Agree strongly")
_POSITIONS = np.array([-1.0, -1 / 3, 1 / 3, 1.0])
_CHOICES = 4


def draw_questions(traits: Sequence[str], n: int, rng: np.random.Generator) -> list[SurveyQuestion]:
    """Draw closed questions, every second one on a scale of agreement, the rest with a choice.

    A choice is between up to four pieces of advice.

    Args:
        traits: Traits to ask about.
        n: Number of questions.
        rng: Generator of the draws.

    Returns:
        Questions ``q0000``, ``q0001``, ...; questions on a scale are ordered and share their stem
        over a topic.
    """
    topics = tuple(PROMPTS)
    questions: list[SurveyQuestion] = []
    for i in range(n):
        make = _scale if i % 2 == 0 else _choice
        topic = topics[rng.integers(len(topics))]
        questions.append(make(f"q{i:04d}", topic, traits, rng))
    return questions


def option_traits(question: SurveyQuestion, traits: Sequence[str]) -> FloatArray:
    """The traits that each option of a question shows, read from its words.

    Args:
        question: One of `draw_questions`.
        traits: Traits, D of them.

    Returns:
        Position of each option on each trait in [-1, 1], shape (O, D).

    >>> text = "How far do you agree with this advice? Choose the option that pays the most."
    >>> question = SurveyQuestion("q", text, SCALE, ordered=True)
    >>> option_traits(question, ["money"]).round(2).ravel().tolist()
    [-1.0, -0.33, 0.33, 1.0]
    """
    if question.options == SCALE:
        return np.outer(_POSITIONS, read_traits([question.text], traits)[0])
    return read_traits(question.options, traits)


def softmax(utility_O: FloatArray) -> FloatArray:
    """Shares of people who choose each option, given utilities in logits, shape (O,).

    >>> softmax(np.array([0.0, np.log(3)])).round(2).tolist()
    [0.25, 0.75]
    """
    odds_O = np.exp(utility_O - utility_O.max())
    shares_O: FloatArray = odds_O / odds_O.sum()
    return shares_O


def count_answers(
    question: str, community: str, shares_O: FloatArray, n_people: int, rng: np.random.Generator
) -> AnswerDistribution:
    """Draw the answers of ``n_people`` with probabilities ``shares_O``, and return their shares."""
    counts_O = rng.multinomial(n_people, shares_O)
    return AnswerDistribution(question, community, tuple((counts_O / n_people).tolist()), n_people)


def _phrase(trait: str, rng: np.random.Generator) -> str:
    pole = PHRASES[trait][rng.integers(2)]
    return pole[rng.integers(len(pole))]


def _scale(id_: str, topic: str, traits: Sequence[str], rng: np.random.Generator) -> SurveyQuestion:
    stem = f"How far do you agree with this advice about {topic}?"
    phrase = _phrase(traits[int(rng.integers(len(traits)))], rng)
    return SurveyQuestion(id_, f"{stem} {phrase}", SCALE, ordered=True, stem=stem)


def _choice(
    id_: str, topic: str, traits: Sequence[str], rng: np.random.Generator
) -> SurveyQuestion:
    prompt = PROMPTS[topic][rng.integers(len(PROMPTS[topic]))]
    if len(traits) == 1:
        options = tuple(pole[rng.integers(len(pole))] for pole in PHRASES[traits[0]])
    else:
        about = rng.choice(len(traits), size=min(_CHOICES, len(traits)), replace=False)
        options = tuple(_phrase(traits[t], rng) for t in about)
    return SurveyQuestion(id_, f"{prompt} Which advice is best?", options, ordered=False)
