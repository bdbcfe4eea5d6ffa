"""World Values Survey wave 7 microdata: weighted answer shares by country, with the people behind each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pluralign.core import (
    AnswerDistribution,
    FloatArray,
    IntArray,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    Survey,
    SurveyQuestion,
    Tally,
    is_missing,
    tidy,
)
from pluralign.sources.labels import community_id
from pluralign.sources.survey_pairs import stream_survey_pairs
from pluralign.sources.tables import NOT_VALUES, first_code, read_questions, survey_questions

_COUNTRY, _WEIGHT = "B_COUNTRY_ALPHA", "W_WEIGHT"
_LABELS = {"NIR": "GBR/northern-ireland"}
_CODES = 32
_NULLS = ["", " ", "NA", "."]


@dataclass(frozen=True, slots=True)
class WvsMicrodata:
    """The CSV of one row a respondent, as downloaded under World Values Survey terms.

    A share is the weight of those who gave the option over the weight of all respondents of the country: missing
    answers (negative codes) stay in the denominator, as in CultureSPA's table, so shares may sum to less than 1. ``n``
    is the number of people who gave a real answer.

    Attributes:
        path: The CSV, with ``B_COUNTRY_ALPHA``, ``W_WEIGHT`` and ``Q1`` to ``Q290``.
        questions: Wordings and options: a ``questions.json`` in CultureSPA's layout.
        exclude_questions: Ids to leave out; party choice and the questions about the person where not given.
    """

    name: ClassVar[str] = "wvs"
    license: ClassVar[str] = "World Values Survey terms (cite WVS-7)"
    about: ClassVar[str] = "World Values Survey wave 7 microdata (download it under their terms)"

    obtain: ClassVar[str] = (
        "get the CSV of wave 7 from worldvaluessurvey.org (free, under their terms) and questions.json from "
        "CultureSPA's repository, then give path (the CSV) and questions; or put CultureSPA's questions.json and "
        "country_proportions.json into a folder wvs, and name that folder"
    )

    path: Path
    questions: Path
    exclude_questions: tuple[str, ...] = NOT_VALUES

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream a pair for every two options with different shares; see `pluralign.core.pairs_from_survey`."""
        return stream_survey_pairs(self.survey, tally)

    def survey(self, tally: Tally | None = None) -> Survey:
        """Count the answers in one pass; ``tally`` counts respondents.

        Raises:
            InvalidInput: If a file is missing, a column is missing or a cell is not a number.
            NotEnoughData: If nobody answered.
        """
        tally = tally if tally is not None else Tally()
        asked = Tally()
        known = read_questions(self.questions, self.exclude_questions, asked)
        tally.left_out.update(asked.dropped)
        counts = _Counts(tuple(known))
        for batch in _batches(self.path, tuple(known)):
            counts.add(batch, tally)
        codes = {id_: counts.codes(q) for q, id_ in enumerate(known)}
        firsts = {id_: first_code(id_, codes[id_], len(options)) for id_, (_, options) in known.items()}
        questions = survey_questions(known, firsts)
        distributions = tuple(counts.distributions(questions, tally))
        if not distributions:
            raise NotEnoughData("no respondent gave a real answer", where=str(self.path), hint=tally.why())
        used = {d.question for d in distributions}
        return Survey(self.name, {i: q for i, q in questions.items() if i in used}, distributions, self.license)


@dataclass(slots=True)
class _Counts:
    """Weights and people by country, question and code; codes from 0 to 31."""

    questions: tuple[str, ...]
    weight: dict[str, FloatArray] = field(default_factory=dict)
    people: dict[str, IntArray] = field(default_factory=dict)
    total: dict[str, float] = field(default_factory=dict)

    def add(self, batch: Any, tally: Tally) -> None:
        labels = np.array([tidy(str(label or "")) for label in batch[_COUNTRY].to_pylist()], dtype=object)
        weight_N = np.asarray(batch[_WEIGHT].to_numpy(zero_copy_only=False), dtype=float)
        codes_Q_N = [_codes(batch[q], q, tally) for q in self.questions]
        tally.read += len(labels)
        for label in sorted(set(labels)):
            here_N = labels == label
            weighed_N = here_N & (weight_N >= 0)
            community = _LABELS.get(label) or community_id(label)
            if community is None:
                reason = "no country" if is_missing(label) else f"unresolved label: {label}"
                tally.drop(reason, int(here_N.sum()))
                continue
            if here_N.sum() > weighed_N.sum():
                tally.drop("no weight", int(here_N.sum() - weighed_N.sum()))
            tally.kept += int(weighed_N.sum())
            tally.note(f"respondents {community}", int(weighed_N.sum()))
            self._add(community, weight_N[weighed_N], [codes_N[weighed_N] for codes_N in codes_Q_N])

    def _add(self, community: str, weight_N: FloatArray, codes_Q_N: list[IntArray]) -> None:
        shape = (len(self.questions), _CODES)
        weight = self.weight.setdefault(community, np.zeros(shape))
        people = self.people.setdefault(community, np.zeros(shape, dtype=int))
        self.total[community] = self.total.get(community, 0.0) + float(weight_N.sum())
        for q, codes_N in enumerate(codes_Q_N):
            real_N = codes_N >= 0
            weight[q] += np.bincount(codes_N[real_N], weight_N[real_N], _CODES)
            people[q] += np.bincount(codes_N[real_N], minlength=_CODES)

    def codes(self, q: int) -> set[int]:
        return {int(code) for people in self.people.values() for code in np.flatnonzero(people[q])}

    def distributions(self, questions: dict[str, SurveyQuestion], tally: Tally) -> Iterator[AnswerDistribution]:
        for community in sorted(self.weight):
            for q, id_ in enumerate(self.questions):
                columns = [int(code) for code in questions[id_].codes]
                weight_O, people_O = self.weight[community][q, columns], self.people[community][q, columns]
                beyond = int(self.people[community][q].sum() - people_O.sum())
                if beyond:
                    tally.leave_out(f"code without an option: {id_}", beyond)
                if weight_O.sum() == 0:
                    tally.leave_out(f"no answers in {community}")
                    continue
                probs_O = tuple(float(w) for w in weight_O / self.total[community])
                yield AnswerDistribution(id_, community, probs_O, int(people_O.sum()))


def _batches(path: Path, questions: tuple[str, ...]) -> Iterator[Any]:
    """Stream the columns needed; bounded memory."""
    import pyarrow
    import pyarrow.csv

    if not path.is_file():
        raise InvalidInput("no such file", where=str(path), hint="download the WVS-7 CSV and name it here")
    types = {_COUNTRY: pyarrow.string(), _WEIGHT: pyarrow.float64()} | dict.fromkeys(questions, pyarrow.float64())
    options = pyarrow.csv.ConvertOptions(include_columns=list(types), column_types=types, null_values=_NULLS)
    parsing = pyarrow.csv.ParseOptions(delimiter=_delimiter(path))
    try:
        with pyarrow.csv.open_csv(path, parse_options=parsing, convert_options=options) as reader:
            yield from reader
    except (pyarrow.ArrowException, KeyError, OSError) as error:
        raise InvalidInput(
            f"not the WVS-7 CSV: {error}", where=str(path), hint="see the columns in WvsMicrodata"
        ) from error


def _codes(column: Any, question: str, tally: Tally) -> IntArray:
    """Codes of one question; -5 (missing) where there is none, or none that an option could have, which is counted."""
    value_N = np.nan_to_num(np.asarray(column.to_numpy(zero_copy_only=False), dtype=float), nan=-5.0)
    odd_N = (value_N >= 0) & ((value_N >= _CODES) | (value_N != np.floor(value_N)))
    if odd_N.any():
        tally.leave_out(f"code without an option: {question}", int(odd_N.sum()))
    return np.where(odd_N, -5, value_N).astype(int)


def _delimiter(path: Path) -> str:
    with path.open("rb") as file:
        header = file.readline()
    return ";" if header.count(b";") > header.count(b",") else ","
