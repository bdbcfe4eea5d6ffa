"""Right options of a test of knowledge that can be guessed without knowing the answer."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from scipy.stats import binomtest

from pluralign.core import KnowledgeQuestion, quoted
from pluralign.metrics import answer_words
from pluralign.metrics.answer_forms import word_position
from pluralign.sources.knowledge_faults import Fault, file_of
from pluralign.sources.knowledge_reading import PlacedQuestion

_LEAST_QUESTIONS = 10
_CHANCE = 0.001  # probability below which a pattern of the right options is not chance
_LONGER = 2.0  # how many times as long as any other a right option attracts attention
_LONGER_BY = 10  # characters


def given_away(one: PlacedQuestion) -> Iterator[Fault]:
    """The right option of one question, where its length or the question itself shows it."""
    q = one.question
    for language, options in q.options.items():
        right, wrong = _right_and_wrong(q, language)
        if len(right) != 1 or not wrong:
            continue
        longest = max(map(len, wrong))
        if len(right[0]) > _LONGER * longest and len(right[0]) > longest + _LONGER_BY:
            what = f"the right option is {len(right[0])} characters long, the others {longest}"
            hint = "write options of similar length"
            yield Fault(one.where, q.id, "given away by length", what, hint)
        if language in q.texts:
            text = answer_words(q.texts[language], language)
            repeated = [
                o for o in options if word_position(answer_words(o, language), text) is not None
            ]
            if repeated == right:
                what = (
                    f"only the right option, {quoted(right[0]):.60}, is in the text of the question"
                )
                hint = "reword the question, or an option"
                yield Fault(one.where, q.id, "given away by the question", what, hint)


def _right_and_wrong(question: KnowledgeQuestion, language: str) -> tuple[list[str], list[str]]:
    """The options that the most people gave, and the others."""
    right: set[str] = set()
    for answer, weight in zip(question.answers, question.weights, strict=True):
        if weight == question.most:
            right.update(answer.variants_in(language))
    options = question.options[language]
    return [o for o in options if o in right], [o for o in options if o not in right]


def patterns(placed: Sequence[PlacedQuestion]) -> Iterator[Fault]:
    """Right options that can be guessed from their length or position, over the whole test."""
    where = file_of(placed[0].where) if placed else ""
    chosen: dict[str, list[tuple[int, int]]] = defaultdict(list)  # (1 where so, number of options)
    for one in placed:
        q = one.question
        options = q.options.get(q.language, ())
        right, wrong = _right_and_wrong(q, q.language) if options else ([], [])
        if len(right) != 1 or not wrong:
            continue
        size = len(options)
        chosen["the longest"].append((int(len(right[0]) > max(map(len, wrong))), size))
        chosen["the shortest"].append((int(len(right[0]) < min(map(len, wrong))), size))
        for k in range(size):
            chosen[f"number {k + 1}"].append((int(options[k] == right[0]), size))
    for name, found in chosen.items():
        n, hits = len(found), sum(hit for hit, _ in found)
        expected = sum(1 / size for _, size in found) / max(n, 1)
        if n < _LEAST_QUESTIONS:
            continue
        if binomtest(hits, n, expected, alternative="greater").pvalue < _CHANCE:
            what = (
                f"the right option is {name} in {hits} of {n} questions "
                f"({expected * n:.0f} expected)"
            )
            if name.startswith("number"):
                yield Fault(where, "", "given away by position", what, "shuffle the options")
            else:
                hint = "write options of similar length"
                yield Fault(where, "", "given away by length", what, hint)
