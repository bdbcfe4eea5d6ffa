"""The lessons of a planted language model: asks with probabilities, and questions to write."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.asking import CultureTables, culture_tables, load_strategy, put
from pluralign.core import (
    AnswerDistribution,
    Ask,
    Conversation,
    FloatArray,
    Survey,
    SurveyQuestion,
    rng_for,
)
from pluralign.methods.culturespa import generation_prompt
from pluralign.methods.culturespa.generating import written_as
from pluralign.methods.culturespa.topics import EVERYTHING
from pluralign.settings.planted_model import PlantedModelSettings
from pluralign.simulation import SimulatedRespondent, Society, SocietySurvey, default_society
from pluralign.simulation.questions import draw_questions

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class AnswerLesson:
    """An ask with the probability of each answer.

    Attributes:
        ask: The ask.
        probs_O: Probabilities of the options, in the question's own order.
    """

    ask: Ask
    probs_O: FloatArray


@dataclass(frozen=True, slots=True)
class WritingLesson:
    """A request for a question, with a good answer.

    Attributes:
        conversation: The request, with its examples.
        answer: The question as JSON.
    """

    conversation: Conversation
    answer: str


def answer_lessons(settings: PlantedModelSettings) -> list[AnswerLesson]:
    """Every question by every strategy, with and without each community, with its probabilities."""
    society = default_society()
    questions = fresh_questions(society, settings.questions, settings, "answers")
    truth = exact_survey(society, questions)
    tables = similarity_of(settings)
    lessons = []
    for name in settings.strategies:
        for ask in put(load_strategy(name), truth, truth.communities, cultures=tables):
            lessons.append(AnswerLesson(ask, planted_chances(truth, ask, settings)))
    return lessons


def planted_chances(truth: Survey, ask: Ask, settings: PlantedModelSettings) -> FloatArray:
    """The planted probabilities of an ask, shape (O,): a simulated respondent's, sharpened."""
    teacher = SimulatedRespondent(truth, settings.default_culture, settings.knowledge)
    sharp_O = teacher.probabilities(ask) ** settings.sharpness
    chances_O: FloatArray = sharp_O / sharp_O.sum()
    return chances_O


def writing_lessons(settings: PlantedModelSettings) -> list[WritingLesson]:
    """Requests with five questions as examples, and a sixth as the answer."""
    society = default_society()
    pool = fresh_questions(society, settings.written, settings, "written")
    rng = rng_for(settings.seed, "examples")
    lessons = []
    for question in pool:
        shown = [pool[i] for i in rng.choice(len(pool), _EXAMPLES, replace=False)]
        request = generation_prompt(EVERYTHING, [(q.text, q.options) for q in shown])
        lessons.append(WritingLesson(request, written_as(question.text, question.options)))
    return lessons


def held_out_survey(settings: PlantedModelSettings) -> Survey:
    """The survey on which the model is measured, and which it must not learn."""
    seed, questions = settings.held_out
    return SocietySurvey(seed=seed, questions=questions).survey()


def similarity_of(settings: PlantedModelSettings) -> CultureTables:
    """The similarity of the communities in the survey that is held out."""
    return culture_tables(held_out_survey(settings), CultureTables(), {"nearest"})


def fresh_questions(
    society: Society, n: int, settings: PlantedModelSettings, purpose: str
) -> list[SurveyQuestion]:
    """Distinct questions that are not in the held-out survey; fewer if the bank has no more."""
    held = {(q.text, q.options) for q in held_out_survey(settings).questions.values()}
    found: dict[tuple[str, tuple[str, ...]], SurveyQuestion] = {}
    for q in draw_questions(society.traits, 2 * n, rng_for(settings.seed, "planted", purpose)):
        if (q.text, q.options) not in held and len(found) < n:
            found.setdefault((q.text, q.options), q)
    return list(found.values())


def exact_survey(society: Society, questions: Sequence[SurveyQuestion]) -> Survey:
    """Questions with the true shares of every community, without the noise of a sample."""
    answers = []
    for question, home in itertools.product(questions, society.communities):
        shares_O = np.minimum(society.true_shares(question, home.id), 1.0)
        answers.append(AnswerDistribution(question.id, home.id, tuple(shares_O.tolist())))
    return Survey("planted", {q.id: q for q in questions}, tuple(answers))
