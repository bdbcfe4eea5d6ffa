"""Notes of ``pluralign knowledge ask`` on its questions, their languages and their places."""

from collections.abc import Hashable, Iterator, Sequence

from pluralign.asking import KnowledgeAsk
from pluralign.asking.unnamed_places import places_without_phrases
from pluralign.core import Ask, KnowledgeQuestion, Respondent, Tally, count_of

_UNKNOWN = 0.05
"""Share of unknown tokens from which a note reports it."""


def same_words(ask: Ask) -> Hashable:
    """A value that is equal for asks that put one question in the same words.

    Without their places, questions about several places may be one: it is asked once, and the
    reply is the answer about each of them.
    """
    turns = tuple((turn.role, turn.content) for turn in ask.conversation)
    return (*ask.key[:5], ask.language, ask.draw, ask.shown, turns)


def n_asked(asks: Sequence[KnowledgeAsk]) -> int:
    """Number of different asks: asks in the same words are made once."""
    return len({same_words(one.ask) for one in asks})


def notes_before(asks: Sequence[KnowledgeAsk], read: Tally, tally: Tally) -> Iterator[str]:
    """Notes that are printed before a model is asked.

    Args:
        asks: The asks.
        read: Rows of the test: read, kept and dropped.
        tally: Asks that could not be made, by reason, with advice.
    """
    different = n_asked(asks)
    if different < len(asks):
        yield (
            f"{count_of(len(asks), 'ask')} in {different:,} different wordings: without the place, "
            "questions about several places are the same, are asked once, and have one answer"
        )
    for reason, n in (read.dropped + read.left_out).items():
        yield f"in the test: {n:,} x {reason}"
    for reason, counts in reasons_not_asked(tally):
        yield f"not asked: {reason}: {counts}"
    yield from tally.advice
    foreign = sorted({o.ask.language for o in asks if not _has_template(o)})
    if foreign:
        yield (
            f"there are no templates in {', '.join(foreign)}: the words around these questions are "
            "English"
        )
    unread = sorted({o.template.language for o in asks if o.template.machine_written})
    if unread:
        yield (
            f"no native reader has signed the words around the questions in {', '.join(unread)}: "
            "they are machine-written"
        )


def reasons_not_asked(tally: Tally) -> Iterator[tuple[str, str]]:
    """Each reason, with the number of questions in each language, the most frequent first."""
    languages: dict[str, list[str]] = {}
    for reason, n in tally.dropped.most_common():
        what, _, language = reason.rpartition(" in ")
        languages.setdefault(what or reason, []).append(f"{language} {n:,}" if what else f"{n:,}")
    for reason, counts in languages.items():
        yield reason, ", ".join(counts)


def notes_on_places(
    questions: Sequence[KnowledgeQuestion], languages: Sequence[str] | None
) -> Iterator[str]:
    """Places and languages in which questions are asked without the place, but may name it.

    Args:
        questions: The questions.
        languages: The languages asked in; None for all.
    """
    for place in places_without_phrases(questions):
        if languages is None or place.language in languages:
            yield str(place)


def _has_template(asked: KnowledgeAsk) -> bool:
    """Whether the words around a question are in its language."""
    return asked.template.language.partition("-")[0] == asked.ask.language.partition("-")[0]


def notes_on_tokens(respondent: Respondent, asks: Sequence[KnowledgeAsk]) -> Iterator[str]:
    """Languages of which a local model's tokenizer lacks many words."""
    inner = getattr(respondent, "inner", respondent)
    chat = getattr(inner, "chat", None) or getattr(inner, "model", None)
    tokenizer = getattr(getattr(chat, "loaded", None), "tokenizer", None)
    if tokenizer is None:
        return
    from pluralign.respondents.local.unknown_tokens import unknown_share

    texts: dict[str, set[str]] = {}
    for one in asks:
        texts.setdefault(one.ask.language, set()).add(one.ask.question.text)
    for language, own in texts.items():
        share = unknown_share(tokenizer, sorted(own))
        if share >= _UNKNOWN:
            yield (
                f"{100 * share:.0f} % of the tokens of the questions in {language} are unknown to "
                f"the tokenizer of {respondent.name}: it cannot read them"
            )
