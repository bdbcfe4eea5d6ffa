"""Questions and answers that a test of knowledge has twice, in any of its languages."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pluralign.core import KnowledgeQuestion, count_of, quoted
from pluralign.metrics import answer_form
from pluralign.sources.knowledge_faults import Fault
from pluralign.sources.knowledge_reading import PlacedQuestion

Wording = tuple[str, str, tuple[str, ...]]
"""Language, text and sorted options of a question, each in the form in which they are compared."""


def doubled_questions(placed: Sequence[PlacedQuestion]) -> Iterator[Fault]:
    """Questions of one community with one id, or with one wording in some language."""
    by_id: dict[tuple[str, str], PlacedQuestion] = {}
    by_wording: dict[tuple[str, Wording], PlacedQuestion] = {}
    for one in placed:
        q = one.question
        first = by_id.setdefault((q.community, q.id), one)
        if first is not one:
            what = f"the id {q.id!r} is given twice; the first is at {first.where}"
            yield Fault(one.where, q.id, "doubled id", what, "give each question its own id")
            continue
        same: dict[str, PlacedQuestion] = {}
        for wording in _wordings(q):
            first = by_wording.setdefault((q.community, wording), one)
            if first is not one:
                same[wording[0]] = first
        if same:
            yield _doubled(one, same)


def doubled_answers(one: PlacedQuestion) -> Iterator[Fault]:
    """Spellings that are variants of two answers in one language."""
    answers = one.question.answers
    for language in dict.fromkeys(tag for answer in answers for tag in answer.variants):
        by_form: dict[str, set[int]] = defaultdict(set)
        for k, answer in enumerate(answers):
            for variant in answer.variants_in(language):
                by_form[answer_form(variant, language)].add(k)
        for form, indices in by_form.items():
            if form and len(indices) > 1:
                numbers = ", ".join(str(k + 1) for k in sorted(indices))
                what = (
                    f"{quoted(form):.60} is a variant in {language!r} of "
                    f"{count_of(len(indices), 'answer')}: {numbers}"
                )
                hint = "join these answers and add up their people, or use different words"
                yield Fault(one.where, one.question.id, "doubled answer", what, hint)


def _wordings(question: KnowledgeQuestion) -> Iterator[Wording]:
    for language, text in question.texts.items():
        options = (answer_form(o, language) for o in question.options.get(language, ()))
        yield language, answer_form(text, language), tuple(sorted(options))


def _doubled(one: PlacedQuestion, same: dict[str, PlacedQuestion]) -> Fault:
    """A question that others precede with the same words, by the language of the words."""
    q, first = one.question, next(iter(same.values()))
    where = f"question {first.question.id!r} at {first.where}"
    if len(same) == len(q.texts):
        what = f"it asks the same as {where}"
        return Fault(one.where, q.id, "doubled question", what, "remove one of the two")
    languages = ", ".join(repr(language) for language in same)
    what = f"in {languages} it asks the same as {where}, but not in its other languages"
    hint = "remove one of the two, or correct the text in that language"
    return Fault(one.where, q.id, "doubled question", what, hint)
