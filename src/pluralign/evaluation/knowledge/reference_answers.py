"""The common answer of all other communities to a question, as a baseline."""

from collections import defaultdict

from pluralign.core import KnowledgeQuestion, KnowledgeTest
from pluralign.metrics import answer_credit, match_answer
from pluralign.metrics.answer_matching import Stems, variant_words

_SHARED = "en"


def credit_of_others(
    question: KnowledgeQuestion, test: KnowledgeTest, stems: Stems | None = None
) -> float | None:
    """The credit here of the answer that is most common in all other communities together.

    Each community counts the same, and each of its answers by its share. Answers are compared in
    English.

    Args:
        question: The question, as asked in the community.
        test: The test with the answers of the others.
        stems: Stems of words; see `match_answer`.

    Returns:
        A number in [0, 1]; None where no other community has the question, or one side has no
        English answers.
    """
    shares: dict[tuple[str, ...], float] = defaultdict(float)
    texts: dict[tuple[str, ...], str] = {}
    for community in test.communities:
        other = test.question(question.id, community)
        if other is None or community == question.community:
            continue
        for answer, weight in zip(other.answers, other.weights, strict=True):
            variants = answer.variants_in(_SHARED)
            if variants:
                words = variant_words(variants[0], _SHARED)
                shares[words] += weight / other.mentions
                texts.setdefault(words, variants[0])
    if not shares or not any(answer.variants_in(_SHARED) for answer in question.answers):
        return None
    common = texts[max(shares, key=lambda words: shares[words])]
    match = match_answer(common, question, _SHARED, stems)
    return answer_credit(question, None if match is None else match.answer)
