"""PRISM: people of many countries rate the answers of several models (arXiv 2404.16019)."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from pluralign.core import InvalidInput, PreferencePair, Tally, is_missing
from pluralign.sources.community_labels import community_id, shown
from pluralign.sources.hub_rows import check_origin, hub_rows
from pluralign.sources.row_files import NumberedRows, RowPolicy, location, read_rows
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    id_of,
    optional_number,
    require_columns,
    require_consent,
    text_of,
)

HUB_ID = "HannahRoseKirk/prism-alignment"
_RESIDENCE = ("reside_countryISO", "reside_country")
_PUBLISHED_TEST_PART = 0.15
_PUBLISHED_SEED = 0


@dataclass(frozen=True, slots=True)
class _Response:
    """One rated response."""

    id: str
    interaction: str
    rater: str
    community: str
    prompt: str
    text: str
    model: str
    score: float
    about: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PrismPairs:
    """Every pair of responses that one rater scored differently within one interaction.

    As in SCPO (arXiv 2606.18606): the higher ``score`` is chosen, ties are dropped, the community
    is the country of residence (``reside_countryISO``, or the name in ``reside_country`` where it
    is missing), and earlier turns are not used. ``strength`` is the difference of the scores
    (1..99). A rater's same choice is taken once: a second row of one text with the same score in
    one interaction is dropped, and a second pair of the same two texts in the same order is left
    out, both with their count. Responses are grouped in memory by interaction (68,371 in all), so
    their order in the file does not matter. ``extra`` has the rater's statements about themselves:
    ``age``, ``gender``, ``education``, ``religion``, ``ethnicity``, ``consent``.

    Attributes:
        path: Folder with ``survey.jsonl`` and ``utterances.jsonl`` (or ``.jsonl.gz``).
        hub: Whether to fetch HannahRoseKirk/prism-alignment instead (needs the extra ``hub``).
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.

    Raises:
        InvalidInput: If both or neither of ``path`` and ``hub`` are given.
    """

    name: ClassVar[str] = "prism"
    license: ClassVar[str] = "human text CC-BY-4.0, model text CC-BY-NC-4.0"
    about: ClassVar[str] = "PRISM: people of many countries rate the answers of several models"

    path: Path | None = None
    hub: bool = False
    skip_bad: bool = False

    def __post_init__(self) -> None:
        check_origin(self.path, self.hub, HUB_ID)

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs; ``tally.read`` counts rated responses.

        Raises:
            InvalidInput: If a file or a row cannot be read.
            NotEnoughData: If a file has no rows.
        """
        policy = RowPolicy(tally if tally is not None else Tally(), self.skip_bad)
        raters = {rater: (label, about) for rater, label, about in self._survey()}
        by_interaction: dict[str, list[_Response]] = {}
        for number, row in self._rows("utterances", policy):
            try:
                response = _read_response(row, raters)
            except UnusableRow as reason:
                policy.tally.drop(str(reason))
            except BadRow as bad:
                policy.refuse(bad, self._location("utterances", number))
            else:
                by_interaction.setdefault(response.interaction, []).append(response)
        for responses in by_interaction.values():
            yield from _pairs_of(responses, policy.tally)

    def published_test_raters(self) -> frozenset[str]:
        """Raters of SCPO's test set.

        They are those of ``train_test_split(test_size=0.15, seed=0)`` of ``datasets`` on the survey
        table.

        Raises:
            NotEnoughData: If the survey has no rows.
        """
        raters = [rater for rater, _, _ in self._survey()]
        order = np.random.default_rng(_PUBLISHED_SEED).permutation(len(raters))
        return frozenset(raters[i] for i in order[: math.ceil(_PUBLISHED_TEST_PART * len(raters))])

    def _survey(self) -> Iterator[tuple[str, str, Mapping[str, object]]]:
        """Rater, label of the country of residence and statements about themselves, in order."""
        for number, row in self._rows("survey", RowPolicy(Tally())):
            try:
                location = row.get("location")
                if not isinstance(location, dict):
                    raise BadRow("'location' must be an object", reason="no location")
                named = [location.get(column) for column in _RESIDENCE]
                known = [str(country) for country in named if not is_missing(country)]
                label = known[0] if known else str(named[0] or "")
                yield id_of(row, "user_id"), label, _about(row)
            except BadRow as bad:
                where = self._location("survey", number)
                raise InvalidInput(
                    bad.what, where=where, hint="use the survey table as published"
                ) from bad

    def _rows(self, table: str, policy: RowPolicy) -> NumberedRows:
        if self.path is None:
            return hub_rows(HUB_ID, table, policy.tally)
        return read_rows(_table_path(self.path, table), policy)

    def _location(self, table: str, number: int) -> str:
        file = f"{HUB_ID} {table}" if self.path is None else _table_path(self.path, table)
        return location(file, number)


def _table_path(folder: Path, table: str) -> Path:
    packed = folder / f"{table}.jsonl.gz"
    return packed if packed.is_file() else folder / f"{table}.jsonl"


def _about(row: Row) -> dict[str, object]:
    """The rater's statements about themselves, in the simplest wording, under audits' names."""
    found = {name: row.get(name) for name in ("age", "gender", "education", "consent")}
    for name in ("religion", "ethnicity"):
        value = row.get(name)
        if isinstance(value, dict):
            value = value.get("simplified") or value.get("categorised")
        found[name] = value
    return {name: value for name, value in found.items() if not is_missing(value)}


def _read_response(row: Row, raters: Mapping[str, tuple[str, Mapping[str, object]]]) -> _Response:
    rater, text = id_of(row, "user_id"), text_of(row, "model_response")
    if rater not in raters:
        raise UnusableRow("rater is not in the survey")
    label, about = raters[rater]
    require_consent(about)
    require_consent(row)
    community = community_id(label)
    if community is None:
        raise UnusableRow(f"country of residence: {shown(label)}")
    prompt = text_of(row, "user_prompt")
    if text == "EMPTY STRING" or not text.strip():
        raise UnusableRow("empty response")
    if not prompt.strip():
        raise UnusableRow("empty prompt")
    require_columns(row, ("score",))
    score = optional_number(row, "score")
    if score is None:
        raise UnusableRow("no score")
    return _Response(
        id=id_of(row, "utterance_id"),
        interaction=id_of(row, "interaction_id"),
        rater=rater,
        community=community,
        prompt=prompt,
        text=text,
        model=str(row.get("model_name")),
        score=score,
        about=about,
    )


def _pairs_of(responses: Sequence[_Response], tally: Tally) -> Iterator[PreferencePair]:
    """Pairs of one interaction; a response is kept where it is in one of them."""
    responses = _without_duplicates(responses, tally)
    pairs, used, seen = [], set[int](), set[tuple[str, str, str, str]]()
    for (i, a), (j, b) in itertools.combinations(enumerate(responses), 2):
        try:
            pair = _pair(a, b)
        except UnusableRow as reason:
            tally.leave_out(str(reason))
            continue
        used |= {i, j}
        choice = (a.rater, a.prompt, pair.chosen, pair.rejected)
        if choice in seen:
            # Two models gave the same text, and its scores differ.
            tally.leave_out("same choice of the same rater again")
            continue
        seen.add(choice)
        pairs.append(pair)
    if len(used) < len(responses):
        alone = len(responses) == 1
        why = "the only response of its turn" if alone else "in no pair: tied with all others"
        tally.drop(why, len(responses) - len(used))
    tally.kept += len(used)
    yield from pairs


def _without_duplicates(responses: Sequence[_Response], tally: Tally) -> list[_Response]:
    """The responses of one interaction without second rows of a rater's same text and score."""
    first: dict[tuple[str, str, str, float], _Response] = {}
    for one in responses:
        first.setdefault((one.rater, one.prompt, one.text, one.score), one)
    if len(first) < len(responses):
        tally.drop("duplicate row: same rater, texts and score", len(responses) - len(first))
    return list(first.values())


def _pair(a: _Response, b: _Response) -> PreferencePair:
    if a.score == b.score:
        raise UnusableRow("tie")
    if a.text == b.text:
        raise UnusableRow("same text on both sides")
    chosen, rejected = (a, b) if a.score > b.score else (b, a)
    return PreferencePair(
        id=f"{chosen.id}>{rejected.id}",
        prompt=a.prompt,
        chosen=chosen.text,
        rejected=rejected.text,
        community=a.community,
        rater=a.rater,
        strength=chosen.score - rejected.score,
        question=a.prompt,
        language="en",
        source=PrismPairs.name,
        license=PrismPairs.license,
        extra={
            **a.about,
            "interaction_id": a.interaction,
            "chosen_model": chosen.model,
            "rejected_model": rejected.model,
        },
    )
