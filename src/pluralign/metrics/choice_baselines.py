"""Accuracy that needs no knowledge: random options, the longest one, the most frequent position."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pluralign.core import Estimate, KnowledgeQuestion, NotEnoughData
from pluralign.metrics.group_means import Clusters, group_means

_BASELINES = ("random", "longest", "position")


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
    asked = [question for question in questions if language in question.options]
    if len(asked) < 2:
        raise NotEnoughData(f"two questions with options in {language!r} are needed")
    right = [_right(question, language) for question in asked]
    counts = Counter(right)
    values = []
    for question, index in zip(asked, right, strict=True):
        options = question.options[language]
        longest = max(map(len, options))
        tied = [k for k, option in enumerate(options) if len(option) == longest]
        others = counts - Counter([index])
        usual = max(range(len(options)), key=lambda k: (others[k], -k))
        values.append((1 / len(options), (index in tied) / len(tied), float(usual == index)))
    clusters = Clusters(cluster_N=[f"{q.community} {q.id}" for q in asked], person_N=False)
    means = group_means(np.array(values), ["all"] * len(asked), clusters, bounds=(0.0, 1.0))
    return {name: means.estimate(0, s) for s, name in enumerate(_BASELINES)}


def _right(question: KnowledgeQuestion, language: str) -> int:
    """Index of the option that the most people gave; the first of several."""
    weights = question.weights
    best = question.answers[weights.index(max(weights))]
    return question.options[language].index(best.variants_in(language)[0])
