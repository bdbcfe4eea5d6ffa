"""GlobalOpinionQA: answer shares by country to Pew and WVS questions (arXiv 2306.16388)."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pluralign.core import (
    AnswerDistribution,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    Survey,
    SurveyQuestion,
    Tally,
    sample_note,
    text_digest,
)
from pluralign.sources.community_labels import community_id, shown
from pluralign.sources.hub_rows import check_origin, hub_rows
from pluralign.sources.literals import literal
from pluralign.sources.non_answers import is_non_answer
from pluralign.sources.row_files import NumberedRows, RowPolicy, location, read_rows
from pluralign.sources.stems import shared_stems
from pluralign.sources.survey_pairs import stream_survey_pairs
from pluralign.sources.typed_cells import BadRow, Row, UnusableRow, require_columns, text_of

HUB_ID = "Anthropic/llm_global_opinions"
_SUM_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class GlobalOpinions:
    """GlobalOpinionQA, from its official CSV or the hub.

    Non-answers (see `is_non_answer`) are left out before anything else; shares stay as published,
    so they may sum to less than 1. Where one country has two samples for a question, the best is
    kept: national before old before non-national. A question's id comes from its content, so the
    order of the rows does not matter. The number of people is not published.

    The label "Australia" on World Values Survey items does not match the published WVS-7 Australia
    (61 % of 23 checked questions differ by more than 0.1): ``exclude = ["Australia"]`` leaves it
    out.

    Attributes:
        path: CSV (or JSONL, Parquet) with the columns ``question, selections, options, source``.
        hub: Whether to fetch Anthropic/llm_global_opinions instead (needs the extra ``hub``).
        exclude: Labels ("Australia") or community ids ("AUS") to leave out.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.

    Raises:
        InvalidInput: If both or neither of ``path`` and ``hub`` are given.
    """

    name: ClassVar[str] = "global_opinions"
    license: ClassVar[str] = "CC-BY-NC-SA-4.0"
    about: ClassVar[str] = (
        "GlobalOpinionQA: answer shares by country to Pew and World Values Survey questions"
    )

    path: Path | None = None
    hub: bool = False
    exclude: tuple[str, ...] = ()
    skip_bad: bool = False

    def __post_init__(self) -> None:
        check_origin(self.path, self.hub, HUB_ID)

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs of `pluralign.core.pairs_from_survey`, without non-answers."""
        return stream_survey_pairs(self.survey, tally)

    def survey(self, tally: Tally | None = None) -> Survey:
        """Read questions and shares; ``tally`` counts questions.

        Raises:
            InvalidInput: If a row is not as published, or ``exclude`` names a label that does not
                occur.
            NotEnoughData: If nothing is left.
        """
        policy = RowPolicy(tally if tally is not None else Tally(), self.skip_bad)
        found = _Found(frozenset(self.exclude))
        for number, row in self._rows(policy.tally):
            try:
                found.add(_read_item(row), policy.tally)
            except UnusableRow as reason:
                policy.tally.drop(str(reason))
            except BadRow as bad:
                policy.refuse(bad, location(self.path or HUB_ID, number))
        return found.survey(self.name, self.license, policy.tally)

    def _rows(self, tally: Tally) -> NumberedRows:
        if self.path is None:
            return hub_rows(HUB_ID, None, tally)
        return read_rows(self.path, RowPolicy(tally, self.skip_bad))


@dataclass(frozen=True, slots=True)
class _Item:
    """One row: a question as published, with shares by label."""

    id: str
    text: str
    options: tuple[str, ...]
    shares: Mapping[str, tuple[float, ...]]


@dataclass(slots=True)
class _Found:
    """The questions and shares read so far."""

    exclude: frozenset[str]
    items: dict[str, _Item] = field(default_factory=dict)
    shares: dict[str, dict[str, tuple[float, ...]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    excluded: Counter[str] = field(default_factory=Counter)

    def add(self, item: _Item, tally: Tally) -> None:
        real = [i for i, option in enumerate(item.options) if not is_non_answer(option)]
        if len(real) < 2:
            raise UnusableRow("fewer than two real options")
        if item.id in self.items:
            tally.note("question given twice: merged")
        self.items[item.id] = item
        best = self._best_samples(item, tally)
        if set(best.values()) <= self.shares[item.id].keys():
            raise UnusableRow("no country of it is left" if not best else "question given twice")
        tally.kept += 1
        for label, community in best.items():
            shares = item.shares[label]
            if community in self.shares[item.id]:
                tally.leave_out("question given twice for one country")
                continue
            if abs(math.fsum(shares) - 1) > _SUM_TOLERANCE:
                tally.flag("shares do not sum to 1")
            self.shares[item.id][community] = tuple(shares[i] for i in real)

    def _best_samples(self, item: _Item, tally: Tally) -> dict[str, str]:
        """Label -> community, one label a community."""
        best: dict[str, str] = {}
        for label in sorted(item.shares, key=lambda label: (_sample_rank(label), label)):
            community = community_id(label)
            if community is None:
                tally.leave_out(f"unresolved label: {shown(label)}")
            elif self.exclude & {label, community}:
                self.excluded.update({label, community})
                tally.leave_out(f"excluded: {label}")
            elif community in best:
                tally.leave_out(
                    f"second sample of a country: {sample_note(label) or 'national sample'}"
                )
            else:
                best[community] = label
                tally.note(sample_note(label) or "national sample")
        return {label: community for community, label in best.items()}

    def survey(self, name: str, license_: str, tally: Tally) -> Survey:
        unknown = sorted(self.exclude - self.excluded.keys())
        if unknown:
            raise InvalidInput(
                f"no answers by {unknown[0]!r} to leave out",
                where="exclude",
                hint="check the label",
            )
        stems = shared_stems(item.text for item in self.items.values())
        questions: dict[str, SurveyQuestion] = {}
        distributions: list[AnswerDistribution] = []
        for id_, item in self.items.items():
            if not self.shares[id_]:
                continue
            questions[id_] = _question(item, stems[item.text])
            for community, shares in sorted(self.shares[id_].items()):
                distributions.append(AnswerDistribution(id_, community, shares))
        if not distributions:
            raise NotEnoughData("no answers are left", where=name, hint=tally.why())
        return Survey(name, questions, tuple(distributions), license_)


def _sample_rank(label: str) -> int:
    note = sample_note(label) or "national sample"
    if note in ("national sample", "current national sample"):
        return 0
    return 1 if note.startswith("old") else 2


def _question(item: _Item, stem: str) -> SurveyQuestion:
    numbered = [(str(i), option) for i, option in enumerate(item.options, start=1)]
    real = [(code, option) for code, option in numbered if not is_non_answer(option)]
    return SurveyQuestion(
        id=item.id,
        text=item.text,
        options=tuple(option for _, option in real),
        codes=tuple(code for code, _ in real),
        stem=stem,
    )


def _read_item(row: Row) -> _Item:
    require_columns(row, ("question", "selections", "options"))
    text = text_of(row, "question")
    source = str(row.get("source") or "")
    if not text.strip():
        raise UnusableRow("empty question")
    options = _value(row["options"], "options", "[]")
    if not isinstance(options, list) or not all(isinstance(o, str | int | float) for o in options):
        raise BadRow("options must be a list of texts", reason="options is not a list of texts")
    names = tuple(str(option) for option in options)
    digest = text_digest("\x1f".join([source, text, *names]))[:10]
    selections = _value(row["selections"], "selections", "{}")
    return _Item(f"GOQA-{digest}", text, names, _read_shares(selections, len(names)))


def _read_shares(selections: object, n_options: int) -> dict[str, tuple[float, ...]]:
    if isinstance(selections, list):  # Parquet writes a mapping as a list of key and value
        selections = dict(item for item in selections if isinstance(item, tuple) and len(item) == 2)
    if not isinstance(selections, dict):
        raise BadRow("selections must be a mapping", reason="selections is not a mapping")
    found: dict[str, tuple[float, ...]] = {}
    for label, value in selections.items():
        if value is not None:
            found[str(label)] = _shares_of(label, _plain(value), n_options)
    return found


def _shares_of(label: object, shares: object, n_options: int) -> tuple[float, ...]:
    named = isinstance(label, str)
    if not (named and isinstance(shares, list) and all(map(_is_share, shares))):
        raise BadRow(
            f"the shares of {label!r} must be a list of numbers in [0, 1]",
            reason="shares are not in [0, 1]",
        )
    if len(shares) != n_options:
        raise BadRow(
            f"{label!r} must have a share for each of the {n_options} options, got {len(shares)}",
            reason="shares and options differ",
        )
    return tuple(map(float, shares))


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1 + 1e-9


def _plain(value: object) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _value(value: object, column: str, brackets: str) -> object:
    """The value of a column, which is parsed already or the text of a Python literal."""
    if isinstance(value, str):
        return literal(value, column, brackets)
    if isinstance(value, list | dict | np.ndarray):
        return _plain(value)
    raise BadRow(
        f"{column!r} must be a literal, got {type(value).__name__}",
        reason=f"{column} is not a literal",
    )
