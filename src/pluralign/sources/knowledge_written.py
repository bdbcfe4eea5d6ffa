"""Tests that a community writes by hand: a TOML file with questions, answers and people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from pluralign.core import (
    AcceptedAnswer,
    InvalidInput,
    KnowledgeQuestion,
    PlaceWords,
    in_one_order,
    parse_toml,
    tidy,
)
from pluralign.sources.community_labels import language_tag
from pluralign.sources.knowledge_reading import (
    PlacedQuestion,
    as_bad_row,
    cleaned,
    count_in,
    region_id,
)
from pluralign.sources.row_files import RowPolicy, location, refused_at
from pluralign.sources.typed_cells import BadRow, Row, id_of, near_columns

HEAD_KEYS = ("name", "community", "language", "license", "people", "place", "question")
PLACE_KEYS = ("name", "phrases")
QUESTION_KEYS = ("id", "topic", "text", "answers", "options", "dont_know", "people")
_PLACE_HINT = 'write place.es = { name = "Yucatán", phrases = ["en Yucatán", "de Yucatán"] }'
_PEOPLE = "people"
_DONT_KNOW = "I don't know"
_LINE_OF_ERROR = re.compile(r"at line (\d+)")
_QUESTION_LINE = re.compile(r"^\s*\[\[\s*question\s*\]\]", re.MULTILINE)


@dataclass(frozen=True)
class WrittenKnowledge:
    """A test written by hand; ``pluralign knowledge new`` writes a commented template.

    Questions of different communities with the same id are the same question.

    Attributes:
        path: The TOML file, or a folder with the files of several communities.
        skip_bad: Drop and count questions that cannot be read, instead of stopping at the first.
    """

    about: ClassVar[str] = "a test that a community wrote, as a TOML file"

    path: Path
    skip_bad: bool = False

    @property
    def name(self) -> str:
        """Name of the test; that of the file where it has no name, or of the folder."""
        if self.path.is_dir():
            return self.path.resolve().name
        return str(self._tables().get("name") or self.path.stem)

    @property
    def license(self) -> str | None:
        """Licence of the test; None where not stated, in a folder those of all its tests.

        Raises:
            InvalidInput: If it is not a text.
        """
        if self.path.is_dir():
            found = dict.fromkeys(test.license for test in self._tests())
            return None if None in found else "; ".join(map(str, found))
        stated = self._tables().get("license")
        if stated is not None and not isinstance(stated, str):
            raise InvalidInput(
                f"license must be a text, got {stated!r:.60}",
                where=str(self.path),
                hint='write license = "CC-BY-4.0"',
            )
        return stated

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """Stream the questions, each with the line where it begins.

        Raises:
            InvalidInput: If a file is not TOML, or a question cannot be read.
        """
        if self.path.is_dir():
            for test in self._tests():
                yield from test.questions(policy)
            return
        tables = self._tables()
        with refused_at(self.path, 1):
            _check_keys(tables, HEAD_KEYS, "the test")
            _require_keys(tables, ("community", "language", "question"), "the test")
        with refused_at(self.path, self._line_of("community")):
            community = region_id(str(tables["community"]))
        with refused_at(self.path, self._line_of("language")):
            _check_language(str(tables["language"]))
        with refused_at(self.path, self._line_of("place")):
            names = _place(tables.get("place", {}))
        rows = tables["question"]
        if not isinstance(rows, list):
            raise InvalidInput("questions must be written as [[question]]", where=str(self.path))
        for row, place in zip(rows, self._places(len(rows)), strict=True):
            policy.tally.read += 1
            try:
                question = replace(_question(row, tables, community, policy), place=names)
            except BadRow as bad:
                policy.refuse(bad, place)
            else:
                policy.tally.kept += 1
                yield PlacedQuestion(question, place)

    def _tests(self) -> list["WrittenKnowledge"]:
        """The tests of a folder, in the order of their names."""
        return [WrittenKnowledge(file, self.skip_bad) for file in written_tests(self.path)]

    def _tables(self) -> dict[str, Any]:
        text = self._text()
        try:
            tables = parse_toml(text)
        except ValueError as error:
            line = _LINE_OF_ERROR.search(str(error))
            raise InvalidInput(
                f"not valid TOML: {error}",
                where=location(self.path, int(line[1])) if line else str(self.path),
                hint="text is in quotation marks, a list in brackets; the fault may be some lines "
                "above, where one is not closed",
            ) from error
        if not tables:
            raise InvalidInput(
                "the file is empty" + (", except for comments" if text.strip() else ""),
                where=str(self.path),
                hint="write a template into it with pluralign knowledge new FILE --community ID "
                "--language TAG --force",
            )
        return tables

    def _text(self) -> str:
        if not self.path.is_file():
            raise InvalidInput("no such file", where=str(self.path), hint="check the path")
        content = self.path.read_bytes()
        try:
            return content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"the file is not UTF-8: byte {content[error.start]:#04x} cannot be read",
                where=location(self.path, content.count(b"\n", 0, error.start) + 1),
                hint="in your editor choose 'Save as' and the encoding UTF-8, then look at this "
                "line again",
            ) from error

    def _line_of(self, key: str) -> int:
        """The line of a key of the test; 1 where it cannot be found for sure."""
        text = self._text()
        found = re.search(rf"^[ \t]*\[?{key}[ \t]*[=.\]]", text, re.MULTILINE)
        return text.count("\n", 0, found.start()) + 1 if found else 1

    def _places(self, n_questions: int) -> list[str]:
        """The line of each question; its number where lines cannot be found for sure."""
        text = self._text()
        found = [text.count("\n", 0, m.end()) + 1 for m in _QUESTION_LINE.finditer(text)]
        if len(found) != n_questions:
            return [f"{self.path}, question {k + 1}" for k in range(n_questions)]
        return [location(self.path, line) for line in found]


def written_tests(folder: Path) -> list[Path]:
    """The TOML files of a folder, in the order of their names."""
    return in_one_order(file for file in folder.iterdir() if file.suffix == ".toml")


def _check_language(tag: str) -> None:
    known = language_tag(tag.partition("-")[0])
    if known is None or tag.partition("-")[0] != known:
        raise BadRow(
            f"language must be the tag of a language, got {tag!r:.40}",
            reason="language is not a tag",
            hint=f"write {known}" if known else "write its tag, such as es, fa, am or ha",
        )


def _question(row: Row, head: Row, community: str, policy: RowPolicy) -> KnowledgeQuestion:
    _check_keys(row, QUESTION_KEYS, "the question")
    _require_keys(row, ("id", "text", "answers"), "the question")
    people = row if _PEOPLE in row else head
    dont_know = count_in(row, "dont_know", "people who did not know") if "dont_know" in row else 0
    answers = row["answers"]
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise BadRow(
            "answers must be a list of tables",
            reason="answers is not a list",
            hint='write answers = [{ es = ["pan"], people = 3 }]',
        )
    with as_bad_row():
        return KnowledgeQuestion(
            id=id_of(row, "id"),
            community=community,
            language=str(head["language"]),
            texts={tag: tidy(text) for tag, text in _texts(row, "text").items()},
            answers=tuple(_answer(answer, k + 1, policy) for k, answer in enumerate(answers)),
            options={tag: tuple(map(tidy, texts)) for tag, texts in _lists(row).items()},
            topic=str(row.get("topic", "")),
            unanswered={_DONT_KNOW: dont_know} if dont_know else {},
            people=count_in(people, _PEOPLE, "people asked", 1) if _PEOPLE in people else None,
        )


def _place(table: object) -> dict[str, PlaceWords]:
    """How the questions name the place, by language."""
    if not isinstance(table, dict):
        raise BadRow(
            "place must be a table by language", reason="place is not a table", hint=_PLACE_HINT
        )
    found = {}
    for tag, words in table.items():
        what = f"place, {tag}"
        _check_language(tag)
        if not isinstance(words, dict) or not isinstance(words.get("name"), str):
            raise BadRow(
                f"{what}: must have a name, got {words!r:.60}",
                reason="place without a name",
                hint=_PLACE_HINT,
            )
        _check_keys(words, PLACE_KEYS, what)
        phrases = _list_of_texts(words.get("phrases", []), f"{what}, phrases")
        with as_bad_row():
            found[tag] = PlaceWords(tidy(words["name"]), tuple(map(tidy, phrases)))
    return found


def _answer(answer: Row, number: int, policy: RowPolicy) -> AcceptedAnswer:
    count = count_in(answer, _PEOPLE, f"answer {number}", least=1)
    variants = {}
    for tag, texts in answer.items():
        if tag != _PEOPLE:
            listed = _list_of_texts(texts, f"answer {number}, {tag}")
            variants[tag] = cleaned(listed, policy.tally)
    return AcceptedAnswer({tag: texts for tag, texts in variants.items() if texts}, count)


def _lists(row: Row) -> dict[str, list[str]]:
    options = row.get("options", {})
    if not isinstance(options, dict):
        raise BadRow("options must be a table by language", reason="options is not a table")
    return {tag: _list_of_texts(texts, f"options, {tag}") for tag, texts in options.items()}


def _texts(row: Row, key: str) -> Mapping[str, str]:
    texts = row[key]
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise BadRow(
            f"{key!r} must be a table of texts by language",
            reason=f"{key} is not a table",
            hint='write text = { es = "...", en = "..." }',
        )
    return texts


def _list_of_texts(value: object, what: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise BadRow(
            f"{what}: must be a list of texts, got {value!r:.60}",
            reason="not a list of texts",
            hint='write ["pan", "pan dulce"]',
        )
    return value


def _require_keys(table: Row, names: tuple[str, ...], what: str) -> None:
    missing = [name for name in names if name not in table]
    if missing:
        keys = "key" if len(missing) == 1 else "keys"
        raise BadRow(
            f"{what} must have the {keys} {', '.join(missing)}; it has {', '.join(table)}",
            reason=f"missing {keys} {', '.join(missing)}",
            hint="pluralign knowledge new writes a template with all keys",
        )


def _check_keys(row: object, known: tuple[str, ...], what: str) -> None:
    if not isinstance(row, dict):
        raise BadRow(f"{what} must be a table", reason="not a table")
    for key in row:
        if key not in known:
            near = near_columns(key, known)
            raise BadRow(
                f"{what} has the unknown key {key!r}",
                reason="unknown key",
                hint=f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}",
            )
