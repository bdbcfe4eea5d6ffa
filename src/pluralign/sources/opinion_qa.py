"""OpinionQA: answers of Pew's American Trends Panel, as a survey by groups."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import (
    AnswerDistribution,
    NotEnoughData,
    PreferencePair,
    Survey,
    SurveyQuestion,
    Tally,
    consent_problem,
)
from pluralign.sources.non_answers import is_non_answer
from pluralign.sources.row_files import RowPolicy, csv_rows_with, location
from pluralign.sources.survey_pairs import stream_survey_pairs
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    id_of,
    optional_number,
    optional_text,
    text_of,
)

_ALL = "USA"
Weights = dict[tuple[str, str], dict[str, float]]
"""Question and community -> option -> sum of weights."""


@dataclass(frozen=True, slots=True)
class OpinionQa:
    """A folder of one wave with ``info.csv`` (questions) and ``responses.csv`` (respondents).

    Options are those of ``option_mapping`` in ``info.csv`` that are answers; "Refused" and the like
    are left out. Shares are weighted by the column ``WEIGHT...`` of ``responses.csv``; without it
    each respondent counts once. Layout: OpinionQA (Santurkar et al. 2023, arXiv 2303.17548),
    as public programs read it.

    Attributes:
        path: The folder, such as ``human_resp/American_Trends_Panel_W26``.
        group: Column of ``responses.csv`` by which people are divided, such as ``CREGION``: each
            value is a community ``USA/value``. Without it all are one community, ``USA``.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
        license: Terms of the answers.
    """

    name: ClassVar[str] = "opinion_qa"
    about: ClassVar[str] = "OpinionQA: answers of Pew's American Trends Panel, by group"

    path: Path
    group: str | None = None
    skip_bad: bool = False
    license: str = "Pew Research Center's terms (cite OpinionQA)"

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs of `pluralign.core.pairs_from_survey`."""
        return stream_survey_pairs(self.survey, tally)

    def survey(self, tally: Tally | None = None) -> Survey:
        """Read questions and answers; ``tally`` counts respondents.

        Raises:
            InvalidInput: If a file is missing or not in the layout.
            NotEnoughData: If nobody gave a real answer.
        """
        policy = RowPolicy(tally if tally is not None else Tally(), self.skip_bad)
        questions = _read_questions(self.path / "info.csv", policy)
        weights, people = self._read_answers(questions, policy)
        answered = {id_: questions[id_] for id_, _ in weights}
        if not answered:
            raise NotEnoughData(
                "nobody gave a real answer", where=str(self.path), hint=policy.tally.why() or None
            )
        distributions = tuple(
            AnswerDistribution(id_, community, _shares(questions[id_], of), people[id_, community])
            for (id_, community), of in sorted(weights.items())
        )
        policy.tally.made += len(distributions)
        return Survey(self.name, answered, distributions, self.license)

    def _read_answers(
        self, questions: Mapping[str, SurveyQuestion], policy: RowPolicy
    ) -> tuple[Weights, Mapping[tuple[str, str], int]]:
        weights: Weights = defaultdict(lambda: defaultdict(float))
        people: dict[tuple[str, str], int] = defaultdict(int)
        path, tally = self.path / "responses.csv", policy.tally
        for number, row in csv_rows_with(path, policy, (self.group,) if self.group else ()):
            problem = consent_problem(row)
            if problem is not None:
                tally.drop(problem)
                continue
            try:
                weight, community = _weight(row), self._community(row)
            except BadRow as bad:
                policy.refuse(bad, location(path, number))
                continue
            if not weight or community is None:
                tally.drop(f"no {self.group}" if weight else "no weight")
                continue
            tally.kept += 1
            for id_, question in questions.items():
                answer = str(row.get(id_, "")).strip()
                if answer in question.options:
                    weights[id_, community][answer] += weight
                    people[id_, community] += 1
                elif answer:
                    tally.leave_out("answer that is no option (refused, or not asked)")
        return weights, people

    def _community(self, row: Row) -> str | None:
        if self.group is None:
            return _ALL
        value = optional_text(row, self.group)
        slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-") if value else ""
        return f"{_ALL}/{slug}" if slug else None


def _read_questions(path: Path, policy: RowPolicy) -> dict[str, SurveyQuestion]:
    """Questions by id; bad rows, and questions with fewer than two options, are counted."""
    questions = {}
    inner = RowPolicy(Tally(), policy.skip_bad)
    for number, row in csv_rows_with(path, inner, ("key", "question", "option_mapping")):
        try:
            id_, text = id_of(row, "key"), text_of(row, "question")
            options = _options(text_of(row, "option_mapping"))
        except BadRow as bad:
            inner.refuse(bad, location(path, number))
            continue
        if len(options) > 1:
            questions[id_] = SurveyQuestion(id_, text, options)
        else:
            inner.tally.drop("question with fewer than two real options")
    policy.tally.left_out.update(inner.tally.dropped)
    return questions


def _options(mapping: str) -> tuple[str, ...]:
    """The real options of ``{1.0: 'Very', ..., 99.0: 'Refused'}``, in the order of their codes."""
    what = "option_mapping is not a mapping code -> option"
    try:
        found = ast.literal_eval(mapping)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise BadRow(what, reason=what) from error
    if not isinstance(found, dict) or not all(isinstance(option, str) for option in found.values()):
        raise BadRow(what, reason=what)
    return tuple(dict.fromkeys(option for option in found.values() if not is_non_answer(option)))


def _weight(row: Row) -> float | None:
    columns = [name for name in row if name.upper().startswith("WEIGHT")]
    weight = optional_number(row, columns[0]) if columns else 1.0
    if weight is not None and weight < 0:
        raise BadRow(f"{columns[0]!r} must be >= 0, got {weight}", reason="negative weight")
    return weight


def _shares(question: SurveyQuestion, of: Mapping[str, float]) -> tuple[float, ...]:
    total = sum(of.values())
    return tuple(of.get(option, 0.0) / total if total else 0.0 for option in question.options)
