"""SimBench's score: how close the spread of a model's answers comes to that of people."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from pluralign.core import Estimate, FloatArray, InvalidInput, KnowledgeQuestion, NotEnoughData
from pluralign.metrics.clustered import t_interval
from pluralign.metrics.jackknife import jackknife

_TOLERANCE = 1e-6
_BEST = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class AnswerShares:
    """The answers of people and of a respondent to one question.

    Attributes:
        topic: Topic of the question, or its id; intervals are clustered by it.
        people_O: Shares of people over the O answers, summing to 1, shape (O,).
        given_O: Shares of the respondent over the same answers, shape (O,). They sum to 1 or less;
            the rest are other answers, or name no option.
        draws: Number of draws behind ``given_O``; None where it has probabilities.

    Raises:
        InvalidInput: If shapes differ, a share is negative, or sums are not as above.
    """

    topic: str
    people_O: FloatArray
    given_O: FloatArray
    draws: int | None = None

    def __post_init__(self) -> None:
        people, given = self.people_O, self.given_O
        if people.ndim != 1 or people.shape != given.shape or not people.size:
            raise InvalidInput(
                f"shares of people and of answers must be of one shape (O,), got {people.shape} "
                f"and {given.shape}"
            )
        if not (np.isfinite(given).all() and (people >= 0).all() and (given >= 0).all()):
            raise InvalidInput("shares must be finite numbers >= 0")
        if abs(people.sum() - 1) > _TOLERANCE or given.sum() > 1 + _TOLERANCE:
            raise InvalidInput("shares of people must sum to 1, those of answers to 1 or less")

    @classmethod
    def drawn(cls, question: KnowledgeQuestion, answers: Sequence[int | None]) -> "AnswerShares":
        """The shares of several draws of an answer.

        Args:
            question: A question with counts.
            answers: Index of the accepted answer that each draw gives; None for another answer.

        Raises:
            NotEnoughData: If it is not known how many people gave each answer, or nothing was
                drawn.

        >>> from pluralign.core import AcceptedAnswer
        >>> question = KnowledgeQuestion("q", "IRN", "en", {"en": "?"},
        ...     (AcceptedAnswer({"en": ("rice",)}, 3), AcceptedAnswer({"en": ("bread",)}, 1)))
        >>> shares = AnswerShares.drawn(question, [0, 0, 1, None])
        >>> shares.people_O.tolist(), shares.given_O.tolist(), shares.draws
        ([0.75, 0.25], [0.5, 0.25], 4)
        """
        if not question.counted:
            raise NotEnoughData("the answers have no counts of people", where=question.where)
        if not answers:
            raise NotEnoughData("no answer was drawn", where=question.where)
        named = [answer for answer in answers if answer is not None]
        count_O = np.bincount(named, minlength=len(question.answers))
        return cls(
            topic=question.topic or question.id,
            people_O=np.array(question.weights) / question.mentions,
            given_O=count_O / len(answers),
            draws=len(answers),
        )

    @classmethod
    def likely(
        cls, question: KnowledgeQuestion, language: str, probs_O: npt.ArrayLike
    ) -> "AnswerShares":
        """The probabilities that a respondent gives to the options of a question.

        Args:
            question: A question with options and counts.
            language: BCP 47 tag of the language of the options.
            probs_O: Probability of each option, in the question's order, shape (O,).

        Raises:
            NotEnoughData: If it is not known how many people chose each option.
        """
        if not question.counted:
            raise NotEnoughData("the answers have no counts of people", where=question.where)
        options = question.options[language]
        people_O = np.zeros(len(options))
        for answer, weight in zip(question.answers, question.weights, strict=True):
            people_O[options.index(answer.variants_in(language)[0])] += weight
        return cls(
            topic=question.topic or question.id,
            people_O=people_O / people_O.sum(),
            given_O=np.asarray(probs_O, dtype=np.float64),
        )

    @property
    def distance(self) -> float:
        """Total variation distance between people and respondent, in [0, 1].

        All other answers count as one more answer, which no people gave.
        """
        other = max(1 - float(self.given_O.sum()), 0.0)
        return (float(np.abs(self.people_O - self.given_O).sum()) + other) / 2

    @property
    def uniform_distance(self) -> float:
        """Total variation distance between people and equal shares of the O answers, in [0, 1]."""
        return float(np.abs(self.people_O - 1 / self.people_O.size).sum()) / 2

    @property
    def drawn_distance(self) -> float:
        """The distance to expect of a respondent whose draws are from the shares of people."""
        if self.draws is None:
            return 0.0
        counts_D = np.arange(self.draws + 1)
        chance_O_D = binom.pmf(counts_D, self.draws, self.people_O[:, None])
        apart_O_D = np.abs(counts_D / self.draws - self.people_O[:, None])
        return float((chance_O_D * apart_O_D).sum()) / 2


@dataclass(frozen=True, slots=True)
class SimulationScore:
    """SimBench's score on several questions.

    Attributes:
        score: At most 100; 0 for equal shares of all answers, below 0 for worse. The interval is
            clustered by topic.
        attainable: The score to expect of a respondent whose draws are from the shares of people;
            100 where no answer was drawn, less where there are few draws.
        one_answer: Number of questions left out because all people gave one answer.
    """

    score: Estimate
    attainable: float
    one_answer: int


def simulation_score(shares: Sequence[AnswerShares]) -> SimulationScore:
    """SimBench's score: ``100 * (1 - distance to people / distance of equal shares to people)``.

    Distances are total variation. Both are averaged over the questions of a data set before they
    are divided, as in the published evaluation (Hu et al. 2025, arXiv 2510.17516): people who
    answer nearly alike on one question do not decide the score. For free answers, equal shares are
    those of the answers that people gave, so 0 already needs some knowledge of them.

    Args:
        shares: The answers to each question.

    Raises:
        NotEnoughData: If no question has two answers of people, or people gave all answers of every
            question equally often, so that equal shares cannot be improved on.

    >>> people = np.array([0.8, 0.2])
    >>> found = simulation_score([
    ...     AnswerShares("Food", people, np.array([0.7, 0.3])),
    ...     AnswerShares("Sport", people, np.array([0.5, 0.5])),
    ... ])
    >>> round(found.score.value, 1), found.attainable
    (33.3, 100.0)
    """
    kept = [one for one in shares if one.people_O.size > 1]
    distance_N_K = np.array(
        [(one.distance, one.uniform_distance, one.drawn_distance) for one in kept]
    ).reshape(len(kept), 3)
    if not distance_N_K[:, 1].sum() > 0:
        raise NotEnoughData(
            "no question has two answers that different numbers of people gave",
            hint="SimBench's score compares the spread of answers with equal shares",
        )
    topics, place_N = np.unique([one.topic for one in kept], return_inverse=True)
    distance_P_K = np.zeros((topics.size, 3))
    np.add.at(distance_P_K, place_N, distance_N_K)
    value, error = jackknife(distance_P_K, _score)
    low, high = t_interval(value, error**2, topics.size - 1, (-np.inf, _BEST))
    attainable = _BEST * (1 - distance_N_K[:, 2].sum() / distance_N_K[:, 1].sum())
    return SimulationScore(
        Estimate(value, low, high, len(kept)), float(attainable), len(shares) - len(kept)
    )


def _score(distance_K: FloatArray) -> FloatArray:
    score: FloatArray = _BEST * (1 - distance_K[..., 0] / distance_K[..., 1])
    return score
