"""World Values Survey microdata: weighted answer shares by country, with numbers of people."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pluralign.core import (
    AnswerDistribution,
    FloatArray,
    IntArray,
    NotEnoughData,
    PreferencePair,
    Survey,
    SurveyQuestion,
    Tally,
    consent_problem,
    count_of,
    is_missing,
)
from pluralign.sources.community_labels import community_id
from pluralign.sources.microdata import Microdata, country_label, numbers_in, open_microdata
from pluralign.sources.survey_pairs import stream_survey_pairs
from pluralign.sources.wvs_questions import NOT_VALUES, first_code, read_questions, survey_questions

_LABELS = {"NIR": "GBR/northern-ireland"}
_CODES = 32
_NO_WEIGHT = "no weight"


@dataclass(frozen=True, slots=True)
class WvsMicrodata:
    """The CSV with one row for each respondent, as downloaded under the survey's terms.

    A share is the weight of the respondents who gave the option over the weight of all respondents
    of the country. Missing answers (negative codes) stay in the denominator, as in CultureSPA's
    table, so shares may sum to less than 1. ``n`` is the number of people who gave a real answer.
    Respondents who refused or withdrew consent are dropped.

    Attributes:
        path: The CSV, with a column for each question: wave 7 (``B_COUNTRY_ALPHA``, ``W_WEIGHT``,
            ``Q1`` to ``Q290``), or waves 5 and 6, the time series, EVS, EVS/WVS or IVS; see
            `pluralign.sources.microdata`.
        questions: Wordings and options: a ``questions.json`` in CultureSPA's layout, whose ids name
            columns.
        country: The column with the country; found by its usual names where not given.
        weight: The column with the weight; found by its usual names where not given.
        weighted: Whether respondents count with their weight; else each counts once.
        exclude_questions: Ids to leave out; by default party choice and the questions about the
            person.
    """

    name: ClassVar[str] = "wvs"
    license: ClassVar[str] = "World Values Survey terms (cite WVS-7)"
    about: ClassVar[str] = (
        "World or European Values Survey microdata (download them under their terms)"
    )

    obtain: ClassVar[str] = (
        "get the CSV of wave 7 from worldvaluessurvey.org (free, under their terms) and "
        "questions.json from CultureSPA's repository, then give path (the CSV) and questions; or "
        "put CultureSPA's questions.json and country_proportions.json into a folder wvs, and name "
        "that folder"
    )

    path: Path
    questions: Path
    exclude_questions: tuple[str, ...] = NOT_VALUES
    country: str | None = None
    weight: str | None = None
    weighted: bool = True

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs of `pluralign.core.pairs_from_survey`."""
        return stream_survey_pairs(self.survey, tally)

    def survey(self, tally: Tally | None = None) -> Survey:
        """Count the answers in one pass over the file; ``tally`` counts respondents.

        Raises:
            InvalidInput: If a file is missing, a column is missing or a cell is not a number.
            NotEnoughData: If nobody answered.
        """
        tally = tally if tally is not None else Tally()
        asked = Tally()
        known = read_questions(self.questions, self.exclude_questions, asked)
        tally.left_out.update(asked.dropped)
        data = open_microdata(self.path, self.country, self.weight, weighted=self.weighted)
        counts = _Counts(tuple(known))
        for batch in data.batches(tuple(known)):
            counts.add(batch, data, tally)
        _require_weights(data, counts, tally)
        codes = {id_: counts.codes(q) for q, id_ in enumerate(known)}
        firsts: dict[str, int] = {}
        for id_, (_, options) in known.items():
            firsts[id_] = first_code(id_, codes[id_], len(options))
        questions = survey_questions(known, firsts)
        distributions = tuple(counts.distributions(questions, tally))
        if not distributions:
            raise NotEnoughData(
                "no respondent gave a real answer", where=str(self.path), hint=tally.why()
            )
        used = {d.question for d in distributions}
        answered = {id_: question for id_, question in questions.items() if id_ in used}
        return Survey(self.name, answered, distributions, self.license)


@dataclass(slots=True)
class _Counts:
    """Weights and people by country, question and code; codes from 0 to 31."""

    questions: tuple[str, ...]
    weight: dict[str, FloatArray] = field(default_factory=dict)
    people: dict[str, IntArray] = field(default_factory=dict)
    total: dict[str, float] = field(default_factory=dict)

    def add(self, batch: Any, data: Microdata, tally: Tally) -> None:
        batch = _with_consent(batch, data, tally)
        cells = batch[data.country].to_pylist()
        labels = np.array([country_label(cell or "") for cell in cells], dtype=object)
        weight_N: FloatArray = np.ones(len(labels))
        if data.weight is not None:
            weight_N = numbers_in(batch[data.weight], data.weight, data)
        codes_Q_N = [_codes(numbers_in(batch[q], q, data), q, tally) for q in self.questions]
        tally.read += len(labels)
        for label in sorted(set(labels)):
            here_N = labels == label
            weighed_N = here_N & (weight_N >= 0)
            community = _LABELS.get(label) or community_id(label)
            if community is None:
                tally.drop(_no_community(label), int(here_N.sum()))
                continue
            if here_N.sum() > weighed_N.sum():
                tally.drop(_NO_WEIGHT, int(here_N.sum() - weighed_N.sum()))
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
        found: set[int] = set()
        for people in self.people.values():
            found.update(np.flatnonzero(people[q]).tolist())
        return found

    def distributions(
        self, questions: dict[str, SurveyQuestion], tally: Tally
    ) -> Iterator[AnswerDistribution]:
        for community in sorted(self.weight):
            for q, id_ in enumerate(self.questions):
                columns = [int(code) for code in questions[id_].codes]
                weight_O = self.weight[community][q, columns]
                people_O = self.people[community][q, columns]
                beyond = int(self.people[community][q].sum() - people_O.sum())
                if beyond:
                    tally.leave_out(f"code without an option: {id_}", beyond)
                if weight_O.sum() == 0:
                    tally.leave_out(f"no answers in {community}")
                    continue
                probs_O = tuple(float(w) for w in weight_O / self.total[community])
                yield AnswerDistribution(id_, community, probs_O, int(people_O.sum()))


def _with_consent(batch: Any, data: Microdata, tally: Tally) -> Any:
    """The respondents who did not refuse or withdraw consent; the other ones are counted."""
    if not data.consent:
        return batch
    problems = [consent_problem(row) for row in batch.select(data.consent).to_pylist()]
    refused = [problem for problem in problems if problem is not None]
    tally.read += len(refused)
    tally.dropped.update(refused)
    return batch.filter([problem is None for problem in problems])


def _require_weights(data: Microdata, counts: _Counts, tally: Tally) -> None:
    if data.weight is not None and tally.dropped[_NO_WEIGHT] and not any(counts.total.values()):
        rows = count_of(tally.dropped[_NO_WEIGHT], "row")
        raise NotEnoughData(
            f"no respondent has a weight ({data.weight} is empty in {rows})",
            where=str(data.path),
            hint="weighted = false counts each respondent once",
        )


def _no_community(label: str) -> str:
    if label == "NA":
        return "no country (R writes missing as NA; Namibia's code is NAM)"
    unset = is_missing(label) or label.startswith("-")
    return "no country" if unset else f"unresolved label: {label}"


def _codes(value_N: FloatArray, question: str, tally: Tally) -> IntArray:
    """Codes of one question; -5 (missing) for no code, and for impossible codes, which count."""
    value_N = np.nan_to_num(value_N, nan=-5.0)
    odd_N = (value_N >= 0) & ((value_N >= _CODES) | (value_N != np.floor(value_N)))
    if odd_N.any():
        tally.leave_out(f"code without an option: {question}", int(odd_N.sum()))
    return np.where(odd_N, -5, value_N).astype(int)
