"""Accuracy that needs no knowledge: random options, the longest one, the most frequent position."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.core import Estimate, FloatArray, KnowledgeQuestion, NotEnoughData
from pluralign.metrics.group_means import Clusters, group_means

GUESSES = ("random", "longest", "position")
"""Ways to choose an option without reading the question."""
_LEAST = 2  # questions; the position of one is learnt from the others


@dataclass(frozen=True, slots=True)
class TopicBaselines:
    """Baselines on the questions of one topic.

    Attributes:
        topic: The topic; empty for all questions together.
        questions: Number of questions.
        accuracies: Baseline -> accuracy in [0, 1], as in `choice_baselines`.
        gains: ``longest`` and ``position`` -> accuracy minus that of ``random`` on the same
            questions. Where its interval is above 0, right options give themselves away.
    """

    topic: str
    questions: int
    accuracies: Mapping[str, Estimate]
    gains: Mapping[str, Estimate]


def choice_baselines(questions: Sequence[KnowledgeQuestion], language: str) -> dict[str, Estimate]:
    """Accuracies of respondents to multiple-choice questions that do not read them.

    ``random`` chooses any option, ``longest`` the one with the most characters (of several, any of
    them), ``position`` the one at the position of most right options of the *other* questions.
    Intervals are over questions.

    Args:
        questions: Questions with options; the right one is that of the most people.
        language: Tag of the language of the options.

    Returns:
        Baseline -> accuracy in [0, 1].

    Raises:
        NotEnoughData: If fewer than two questions have options in this language.
    """
    return dict(_topic_baselines("", questions, language).accuracies)


def baselines_by_topic(
    questions: Sequence[KnowledgeQuestion], language: str
) -> tuple[TopicBaselines, ...]:
    """The baselines on all questions, then on those of each topic, in the order of the test.

    The most frequent position is that of the other questions of the same topic. A topic with one
    question is in the first row only.

    Raises:
        NotEnoughData: As for `choice_baselines`.
    """
    found = [_topic_baselines("", questions, language)]
    asked = [question for question in questions if language in question.options]
    counts = Counter(question.topic for question in asked)
    for topic, count in counts.items():
        if topic and count >= _LEAST:
            of_topic = [question for question in asked if question.topic == topic]
            found.append(_topic_baselines(topic, of_topic, language))
    return tuple(found)


def _topic_baselines(
    topic: str, questions: Sequence[KnowledgeQuestion], language: str
) -> TopicBaselines:
    asked = [question for question in questions if language in question.options]
    if len(asked) < _LEAST:
        raise NotEnoughData(
            f"two questions with options in {language!r} are needed, got {len(asked)}",
            hint="baselines choose options; for free answers see `pluralign knowledge people`",
        )
    options = [question.options[language] for question in asked]
    hit_N_3 = guessed_right(options, [_right(question, language) for question in asked])
    clusters = Clusters(cluster_N=[f"{q.community} {q.id}" for q in asked], person_N=False)
    one = ["all"] * len(asked)
    means = group_means(hit_N_3, one, clusters, bounds=(0.0, 1.0))
    differences = group_means(hit_N_3[:, 1:] - hit_N_3[:, :1], one, clusters, bounds=(-1.0, 1.0))
    return TopicBaselines(
        topic,
        len(asked),
        {name: means.estimate(0, s) for s, name in enumerate(GUESSES)},
        {name: differences.estimate(0, s) for s, name in enumerate(GUESSES[1:])},
    )


def guessed_right(options: Sequence[Sequence[str]], right: Sequence[int]) -> FloatArray:
    """The chance that each way to guess is right on each question; see `choice_baselines`.

    Args:
        options: Options of each of N questions, in the order shown.
        right: Index of the right option of each.

    Returns:
        Chances in [0, 1], shape (N, 3), columns as in `GUESSES`.

    >>> guessed_right([["tea", "coffee"], ["bread", "rice"]], [1, 1]).tolist()
    [[0.5, 1.0, 1.0], [0.5, 0.0, 1.0]]
    """
    counts = Counter(right)
    chances = []
    for shown, index in zip(options, right, strict=True):
        longest = max(map(len, shown))
        tied = [k for k, option in enumerate(shown) if len(option) == longest]
        others = counts - Counter([index])
        usual = max(range(len(shown)), key=lambda k: (others[k], -k))
        chances.append((1 / len(shown), (index in tied) / len(tied), float(usual == index)))
    return np.array(chances).reshape(-1, len(GUESSES))


def _right(question: KnowledgeQuestion, language: str) -> int:
    """Index of the option that the most people gave; the first of several."""
    weights = question.weights
    best = question.answers[weights.index(max(weights))]
    return question.options[language].index(best.variants_in(language)[0])
