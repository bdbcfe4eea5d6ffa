"""Published answer shares by country, in CultureSPA's layout."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import (
    AnswerDistribution,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    Survey,
    SurveyQuestion,
    Tally,
)
from pluralign.sources.community_labels import required_community
from pluralign.sources.folder_license import folder_license
from pluralign.sources.survey_pairs import stream_survey_pairs
from pluralign.sources.typed_cells import BadRow
from pluralign.sources.wvs_questions import (
    NOT_VALUES,
    first_code,
    read_json,
    read_questions,
    survey_questions,
)

_SUM_TOLERANCE = 0.02
_QUESTIONS = ("questions.json", "wvs_questions.json")
_SHARES = ("country_proportions.json", "proportions_group_by_country.json")

SharesByCode = Mapping[str, Mapping[str, Mapping[int, float]]]


@dataclass(frozen=True, slots=True)
class ShareTable:
    """A folder with ``questions.json`` and ``country_proportions.json``.

    CultureSPA's own names of the two, ``wvs_questions.json`` and
    ``proportions_group_by_country.json``, are read, too.

    ``questions.json`` is a list of ``{"Q_id", "question", "option_lst"}``;
    ``country_proportions.json`` maps country -> question -> option code -> share. Codes start at 1,
    or at 0 where 0 occurs. Missing answers stay in the denominator, so shares may sum to less than
    1. The number of people is not published.

    Attributes:
        path: The folder.
        exclude_questions: Ids to leave out; by default party choice and the questions about the
            person, as in CultureSPA (259 questions are left).
        license: Licence or terms of the answers; where it is empty, those that the folder states
            in its data set card or a licence file, else "not stated".
    """

    name: ClassVar[str] = "shares"
    about: ClassVar[str] = "answer shares by country in CultureSPA's layout (World Values Survey)"

    path: Path
    exclude_questions: tuple[str, ...] = NOT_VALUES
    license: str = ""

    def __post_init__(self) -> None:
        if not self.license:
            object.__setattr__(self, "license", folder_license(self.path))

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs of `pluralign.core.pairs_from_survey`."""
        return stream_survey_pairs(self.survey, tally)

    def survey(self, tally: Tally | None = None) -> Survey:
        """Read questions and shares; ``tally`` counts questions.

        Raises:
            InvalidInput: If the files are not in the layout, or a country is unknown.
            NotEnoughData: If nothing is left.
        """
        counts = tally if tally is not None else Tally()
        known = read_questions(_file(self.path, _QUESTIONS), self.exclude_questions, counts)
        shares = _read_shares(_file(self.path, _SHARES))
        codes: dict[str, set[int]] = {id_: set() for id_ in known}
        for by_id, id_ in itertools.product(shares.values(), known):
            codes[id_].update(by_id.get(id_, ()))
        firsts: dict[str, int] = {}
        for id_, (_, options) in known.items():
            firsts[id_] = first_code(id_, codes[id_], len(options))
        questions = survey_questions(known, firsts)
        answered = {id_: question for id_, question in questions.items() if codes[id_]}
        distributions = tuple(_distributions(answered, shares, counts))
        if not distributions:
            raise NotEnoughData("no question has shares", where=str(self.path), hint=counts.why())
        used = {d.question for d in distributions}
        counts.kept += len(used)
        if len(used) < len(known):
            counts.drop("question without shares", len(known) - len(used))
        return Survey(self.name, questions, distributions, self.license)


def _file(folder: Path, names: tuple[str, ...]) -> Path:
    """The first of these files that the folder has; else the first name, for the error."""
    return next((folder / name for name in names if (folder / name).is_file()), folder / names[0])


def _distributions(
    questions: Mapping[str, SurveyQuestion], shares: SharesByCode, tally: Tally
) -> Iterator[AnswerDistribution]:
    for community, by_question in sorted(shares.items()):
        for id_, question in questions.items():
            by_code = by_question.get(id_, {})
            unknown = sum(str(code) not in question.codes for code in by_code)
            if unknown:
                tally.leave_out(f"code without an option: {id_}", unknown)
            probs_O = tuple(by_code.get(int(code), 0.0) for code in question.codes)
            total = math.fsum(probs_O)
            if total == 0:
                tally.leave_out(f"no answers in {community}")
                continue
            if total < 1 - _SUM_TOLERANCE:
                tally.note("shares sum to less than 0.98: missing answers stay in the denominator")
            if total > 1 + _SUM_TOLERANCE:
                tally.flag("shares sum to more than 1")
            yield AnswerDistribution(
                id_, community, probs_O, first=_first_listed(question, by_code)
            )


def _first_listed(question: SurveyQuestion, by_code: Mapping[int, float]) -> int:
    """The option with the largest share; of several, the one that the file lists first."""
    codes = {int(code): i for i, code in enumerate(question.codes)}
    listed = [code for code in by_code if code in codes]
    return codes[max(listed, key=lambda code: by_code[code])]


def _read_shares(path: Path) -> SharesByCode:
    table = read_json(path)
    if not isinstance(table, dict) or not table:
        raise InvalidInput(
            "must be a mapping country -> question -> code -> share", where=str(path)
        )
    shares: dict[str, Mapping[str, Mapping[int, float]]] = {}
    for label, by_question in table.items():
        where = f"{path}: {label}"
        try:
            community = required_community(label)
        except BadRow as bad:
            raise InvalidInput(bad.what, where=str(path), hint=bad.hint) from bad
        if community in shares:
            raise InvalidInput(f"{community} occurs twice", where=where)
        if not isinstance(by_question, dict):
            raise InvalidInput("must be a mapping question -> code -> share", where=where)
        shares[community] = {
            id_: _read_codes(by_code, f"{where}, {id_}") for id_, by_code in by_question.items()
        }
    return shares


def _read_codes(by_code: object, where: str) -> dict[int, float]:
    if not isinstance(by_code, dict):
        raise InvalidInput("must be a mapping code -> share", where=where)
    for code, share in by_code.items():
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if not (code.isdecimal() and is_number and 0 <= share <= 1):
            raise InvalidInput(
                f"must be option codes with shares in [0, 1], got {code!r}: {share!r}", where=where
            )
    return {int(code): float(share) for code, share in by_code.items()}
