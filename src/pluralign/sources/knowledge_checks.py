"""Faults of a test of knowledge: doubled questions, answers that give themselves away, scripts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pluralign.core import (
    KnowledgeQuestion,
    NotEnoughData,
    Tally,
    count_of,
    place_names,
    quoted,
    shortened,
)
from pluralign.metrics.scripts import compatibility_word, foreign_share, mixed_word
from pluralign.sources.knowledge_doubled import doubled_answers, doubled_questions
from pluralign.sources.knowledge_faults import Fault, FaultKind, file_of
from pluralign.sources.knowledge_guessable import given_away, patterns
from pluralign.sources.knowledge_reading import KnowledgeSource, PlacedQuestion
from pluralign.sources.row_files import RowPolicy
from pluralign.sources.typed_cells import BadRow

PLACEHOLDER = "REPLACE"
"""Marks the texts of a template that are still to be written."""
_SHOWN = 60
_HALF, _ALL = 0.5, 0.99  # shares of letters


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of `check_knowledge`.

    Attributes:
        name: Name of the test.
        license: Its licence; None where not stated.
        tally: The rows read, kept and dropped.
        questions: Community -> number of questions.
        places: Community -> language -> name of its place, where the test gives one.
        faults: The questions that cannot be read, then the faults of the others, each in the order
            of the file; then faults of the whole test.
    """

    name: str
    license: str | None
    tally: Tally
    questions: Counter[str]
    places: Mapping[str, Mapping[str, str]]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Collecting(RowPolicy):
    """Policy that keeps each bad row as a fault, and goes on."""

    faults: list[Fault] = field(default_factory=list)

    def refuse(self, bad: BadRow, where: str) -> None:
        self.tally.drop(bad.reason)
        self.faults.append(Fault(where, "", "cannot be read", bad.what, bad.hint or ""))


def check_knowledge(source: KnowledgeSource) -> Checked:
    """Read a whole test, and list the faults that its author should correct.

    A question that cannot be read is a fault, too, so that one run lists all of them.

    Raises:
        InvalidInput: If the file cannot be read at all.
        NotEnoughData: If it has no rows.
    """
    policy = _Collecting(Tally(), skip_bad=True)
    placed = list(source.questions(policy))
    if not policy.tally.read:
        raise NotEnoughData("the test has no questions", where=source.name)
    faults = [*policy.faults, *faults_of(placed)]
    if source.license is not None and PLACEHOLDER in source.license:
        what = "the licence is that of the template"
        where = file_of(placed[0].where) if placed else source.name
        faults.append(Fault(where, "", "unfinished", what, "choose one with your people"))
    return Checked(
        name=source.name,
        license=source.license,
        tally=policy.tally,
        questions=Counter(one.question.community for one in placed),
        places=place_names(one.question for one in placed),
        faults=tuple(faults),
    )


def faults_of(placed: Sequence[PlacedQuestion]) -> list[Fault]:
    """The faults of questions that can be read, then faults of the whole test."""
    found = list(doubled_questions(placed))
    for one in placed:
        unfinished = list(_unfinished(one))
        if unfinished:
            found += unfinished
            continue  # its other texts may be those of a template or of another test
        found += _wrong_scripts(one)
        found += _not_local(one)
        found += given_away(one)
        found += doubled_answers(one)
        found += _options_without_people(one)
    order = {one.where: k for k, one in enumerate(placed)}
    found.sort(key=lambda fault: order[fault.where])
    return found + list(patterns(placed))


def _texts_of(question: KnowledgeQuestion) -> Iterator[tuple[str, str, str]]:
    """The kind, language and content of each text of a question."""
    for language, text in question.texts.items():
        yield "question", language, text
    for language, options in question.options.items():
        for option in options:
            yield "option", language, option
    if question.options:  # the answers are options
        return
    for answer in question.answers:
        for language, variants in answer.variants.items():
            for variant in variants:
                yield "answer", language, variant


def _unfinished(one: PlacedQuestion) -> Iterator[Fault]:
    for kind, _, text in _texts_of(one.question):
        if PLACEHOLDER in text:
            what = f"the {kind} {quoted(shortened(text, _SHOWN))} is that of the template"
            yield Fault(one.where, one.question.id, "unfinished", what, "write your own text")
            return


def _wrong_scripts(one: PlacedQuestion) -> Iterator[Fault]:
    q = one.question
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, language, text in _texts_of(q):
        texts[kind, language].append(text)
        word = mixed_word(text)
        if word is not None:
            what = f"the word {quoted(word)} mixes letters of two scripts that look alike"
            yield Fault(one.where, q.id, "mixed scripts", what, "type the word again")
        word = compatibility_word(text)
        if word is not None:
            what = f"the word {quoted(word)} has half-width, full-width or presentation forms"
            hint = "write the usual letters; a model reads these as other ones"
            yield Fault(one.where, q.id, "compatibility letters", what, hint)
    for (kind, language), found in texts.items():
        foreign = [text for text in found if _is_foreign(kind, text, language)]
        if not foreign or (kind == "option" and foreign == found):
            continue  # all options may be names, such as those of programs
        shown = ", ".join(shortened(text, _SHOWN) for text in foreign)[: 2 * _SHOWN]
        what = f"not in the script of {language!r}: {count_of(len(foreign), kind)} ({shown})"
        hint = "write it in that script, or under the tag of its language"
        yield Fault(one.where, q.id, "wrong script", what, hint)


def _is_foreign(kind: str, text: str, language: str) -> bool:
    """Whether a text is in another script; a question may have names in one."""
    return foreign_share(text, language) > (_HALF if kind == "question" else _ALL)


def _not_local(one: PlacedQuestion) -> Iterator[Fault]:
    """Parts that are not in the local language, so that a local answer cannot be scored."""
    q = one.question
    kind: FaultKind = "not in the local language"
    if q.language not in q.texts:
        what = f"the question has no text in {q.language!r}; it has {', '.join(q.texts)}"
        yield Fault(one.where, q.id, kind, what, "write the question in the local language, too")
    if q.options and q.language not in q.options:
        what = f"there are no options in {q.language!r}; there are in {', '.join(q.options)}"
        yield Fault(one.where, q.id, kind, what, "write the options in the local language, too")
    foreign = [answer for answer in q.answers if not answer.variants_in(q.language)]
    if foreign and not q.options:
        first = [next(iter(answer.variants.values()))[0] for answer in foreign]
        shown = ", ".join(shortened(text, _SHOWN) for text in first)[: 2 * _SHOWN]
        what = f"no variant in {q.language!r}: {count_of(len(foreign), 'answer')} ({shown})"
        hint = "write the words that people used; other words never match"
        yield Fault(one.where, q.id, kind, what, hint)


def _options_without_people(one: PlacedQuestion) -> Iterator[Fault]:
    q = one.question
    if not q.counted:
        return
    given = {variant for answer in q.answers for variant in answer.variants_in(q.language)}
    without = [option for option in q.options.get(q.language, ()) if option not in given]
    if without:
        what = f"nobody gave: {', '.join(without)[:100]}"
        hint = "use an option that people of another community give, or leave it out"
        yield Fault(one.where, q.id, "option without people", what, hint)
