"""A template for a community's own test, from the questions of another test."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pluralign.core import InvalidInput, KnowledgeQuestion, NotEnoughData, Tally
from pluralign.sources.knowledge_checks import PLACEHOLDER
from pluralign.sources.knowledge_reading import KnowledgeSource
from pluralign.sources.knowledge_template import place_words_lines
from pluralign.sources.license_terms import Derived, derived_works
from pluralign.sources.row_files import RowPolicy

Texts = TypeVar("Texts")
_HEAD = """\
# A test of the knowledge and habits of people in {place}, from the questions of another test:
# {source}, licence {license}. {duty}
#
# How to make it:
#   1. Remove the questions that do not fit. Translate the others, and adapt names of places, foods
#      and the like. Take away the mark {mark} from each text that is done.
#   2. Ask ten people or more who live here, each question without options. Each may give several
#      answers.
#   3. Write down each answer with the number of people who gave it: one [[question.answers]] for
#      each. Spellings of an answer, and words for the same thing, are variants of one answer.
#   4. Check the file: pluralign knowledge check {file}
#
# Keep the ids: questions with one id are the same question in both tests, and can be compared.

name = {name}
community = {community}
language = {language}
license = {own_license}

# Number of people asked. A question that other people were asked has a number of its own.
people = 10

{place_words}"""
_NAME_IT = "Name it where you publish yours; its terms are those of these questions, too."
_SAME = "Name it where you publish yours, under the same licence."


@dataclass(frozen=True, slots=True)
class NewTest:
    """The head of a test that is to be written.

    Attributes:
        file: Name of its file.
        name: Name of the test.
        community: Id of the community.
        place: The community's name in English.
        language: BCP 47 tag of its language.
        english: Whether questions and answers are written in English, too.
    """

    file: str
    name: str
    community: str
    place: str
    language: str
    english: bool = True


@dataclass(frozen=True, slots=True)
class AdaptedTest:
    """A template from another test.

    Attributes:
        text: The TOML file.
        questions: Number of questions in it.
        license: Licence of the other test.
        derived: Its terms for derived tests: ``allowed`` or ``under the same licence``.
        tally: Rows of the other test: read, kept and dropped.
    """

    text: str
    questions: int
    license: str
    derived: Derived
    tally: Tally


def adapted_test(
    source: KnowledgeSource, path: Path, stated: str | None, new: NewTest
) -> AdaptedTest:
    """Write a template with the questions of another test, without its answers.

    Texts and options are kept, each with a mark, to be translated and adapted. Answers are left
    out: they are those of another community. The licence of the other test is looked at first.

    Args:
        source: The other test, of one community and one language.
        path: Its file or folder, for the head of the template and for messages.
        stated: Its licence, where the source does not state one.
        new: The head of the new test.

    Raises:
        InvalidInput: If the licence does not allow a derived test or is not known, or the questions
            are of several communities or languages.
        NotEnoughData: If no question can be read.
    """
    license_, derived = _allowed(source.license, stated, str(path))
    tally = Tally()
    placed = list(source.questions(RowPolicy(tally, skip_bad=True)))
    questions = [one.question for one in placed]
    if not questions:
        raise NotEnoughData("no question can be read", where=str(path), hint=tally.why() or None)
    _check_one(str(path), "community", {question.community for question in questions})
    _check_one(str(path), "language", {question.language for question in questions})
    same = derived == "under the same licence"
    own_license = license_ if same else f"{PLACEHOLDER} with a licence"
    head = _HEAD.format(
        place=new.place,
        source=f"{source.name} ({path.name})",
        license=license_,
        duty=_SAME if same else _NAME_IT,
        mark=PLACEHOLDER,
        file=new.file,
        name=_quoted(new.name),
        community=_quoted(new.community),
        language=_quoted(new.language),
        own_license=_quoted(own_license),
        place_words=place_words_lines(_key(new.language)),
    )
    tags = [new.language, "en"] if new.english and new.language != "en" else [new.language]
    parts = [head, *("\n".join(_question(question, tags)) for question in questions)]
    return AdaptedTest("\n".join(parts), len(questions), license_, derived, tally)


def _allowed(own: str | None, stated: str | None, where: str) -> tuple[str, Derived]:
    """The licence of a test, and what it allows.

    Raises:
        InvalidInput: If it does not allow a derived test, or is not known.
    """
    if own and stated and own.strip().lower() != stated.strip().lower():
        raise InvalidInput(
            f"the test states the licence {own!r:.80}, but {stated!r:.80} was given",
            where=where,
            hint="leave out --license",
        )
    license_ = own or stated
    if license_ is None:
        raise InvalidInput(
            "the licence of the test is not stated, so its questions may not be reused",
            where=where,
            hint="look for it where the test is published, and state it with --license",
        )
    derived = derived_works(license_)
    if derived == "forbidden":
        raise InvalidInput(
            f"the licence of the test, {license_!r:.80}, forbids tests derived from it",
            where=where,
            hint="ask its owners for permission, or write questions of your own: leave out --from",
        )
    if derived == "not known":
        raise InvalidInput(
            f"it is not known whether the licence {license_!r:.80} allows derived tests",
            where=where,
            hint="known are Creative Commons, Open Data Commons, MIT, Apache and BSD; ask its "
            "owners for one of them",
        )
    return license_, derived


def _check_one(where: str, what: str, found: set[str]) -> None:
    if len(found) > 1:
        several = "communities" if what == "community" else "languages"
        raise InvalidInput(
            f"the questions must be of one {what}, got {len(found)} {several}: "
            f"{', '.join(sorted(found))[:120]}",
            where=where,
            hint=f"give the file of one {what}",
        )


def _question(question: KnowledgeQuestion, tags: Sequence[str]) -> Iterator[str]:
    """Lines of a question, with its texts marked and its answers to be written."""
    local = tags[0]
    yield "[[question]]"
    yield f"id = {_quoted(question.id)}"
    if question.topic:
        yield f"topic = {_quoted(question.topic)}"
    yield "[question.text]"
    for tag in tags:
        text = _in_language(question.texts, tag, local)
        yield f"{_key(tag)} = {_marked(text or 'the question in English')}"
    answers = {tag: [f"the most common answer, in {tag!r}"] for tag in tags}
    if question.options:
        count = len(next(iter(question.options.values())))
        in_english = [f"option {k + 1} in English" for k in range(count)]
        answers = {
            tag: list(_in_language(question.options, tag, local) or in_english) for tag in tags
        }
        yield "[question.options]"
        for tag, texts in answers.items():
            yield f"{_key(tag)} = [{', '.join(map(_marked, texts))}]"
    for number in range(len(answers[local])):
        yield "[[question.answers]]"
        for tag, texts in answers.items():
            yield f"{_key(tag)} = [{_marked(texts[number])}]"
        yield "people = 1"
    yield ""


def _in_language(texts: Mapping[str, Texts], tag: str, local: str) -> Texts | None:
    """The texts in a language; for the local one, to be translated, else those in another."""
    if tag in texts or tag != local:
        return texts.get(tag)
    return texts["en"] if "en" in texts else next(iter(texts.values()))


def _marked(text: str) -> str:
    return _quoted(f"{PLACEHOLDER}: {text}")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(tag: str) -> str:
    return tag if tag.isalnum() else json.dumps(tag)
