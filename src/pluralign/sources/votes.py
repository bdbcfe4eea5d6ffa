"""Pairwise votes between people's own texts: a table of votes and one of texts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar

from pluralign.core import WORLD, InvalidInput, PreferencePair, Tally, is_missing_text, tidy
from pluralign.sources.community_labels import required_community
from pluralign.sources.row_files import RowPolicy, file_stem, location, read_rows
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    flag_marks,
    id_of,
    optional_id,
    require_columns,
    require_consent,
    text_of,
)

VOTE_COLUMNS: dict[str, str] = {
    "question": "question_id",
    "rater": "rater_id",
    "a": "thought_a",
    "b": "thought_b",
    "vote": "vote",
    "question_text": "question",
    "text_id": "thought_id",
    "text": "thought",
}


@dataclass(frozen=True, slots=True)
class VotePairs:
    """Pairwise votes of one panel.

    The layout is that of Global Dialogues. A vote for one side is a pair. Every other answer is a
    tie or an abstention, counted under its own wording. ``question`` is the question's text, so
    that the same question with different ids is on one side of a split. ``extra`` has ``chosen_id``
    and ``rejected_id``, which identify a pair that several raters judged.

    Attributes:
        path: CSV of votes: question, rater, the ids of both texts, the vote.
        texts: CSV of texts: question id and wording, text id, text.
        community: Community of the panel, as an id or a label.
        columns: Column names that differ from the usual ones: any of the keys of `VOTE_COLUMNS`.
        vote_a: Text of a vote for the first side.
        vote_b: Text of a vote for the second side.
        language: BCP 47 tag of the texts, if known.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
        license: Licence or terms of the data.

    Raises:
        InvalidInput: If ``columns`` has a key that is not in `VOTE_COLUMNS`.
    """

    name: ClassVar[str] = "votes"
    about: ClassVar[str] = (
        "pairwise votes between people's own texts, one CSV of votes and one of texts"
    )

    path: Path
    texts: Path
    community: str = WORLD.id
    columns: dict[str, str] = field(default_factory=dict)
    vote_a: str = "Thought A"
    vote_b: str = "Thought B"
    language: str | None = None
    skip_bad: bool = False
    license: str = "not stated"

    def __post_init__(self) -> None:
        for key in self.columns:
            if key not in VOTE_COLUMNS:
                near = get_close_matches(key, VOTE_COLUMNS, n=1)
                keys = f"keys: {', '.join(VOTE_COLUMNS)}"
                raise InvalidInput(
                    f"columns has no key {key!r}",
                    where="pairs.columns",
                    hint=f"did you mean {near[0]!r}?" if near else keys,
                )

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream one pair for each vote that prefers a side.

        Raises:
            InvalidInput: If a file or a row cannot be read, or the community is unknown.
            NotEnoughData: If a file has no rows.
        """
        policy = RowPolicy(tally if tally is not None else Tally(), self.skip_bad)
        try:
            community = required_community(self.community)
        except BadRow as bad:
            raise InvalidInput(bad.what, where="community", hint=bad.hint) from bad
        wording, texts = self._read_texts(policy)
        for number, row in read_rows(self.path, policy):
            try:
                require_consent(row)
                pair = self._pair(row, number, community, wording, texts)
            except UnusableRow as reason:
                policy.tally.drop(str(reason))
            except BadRow as bad:
                policy.refuse(bad, location(self.path, number))
            else:
                flag_marks(row, (self._column("rater"),), policy.tally)
                policy.tally.kept += 1
                yield pair

    def _column(self, key: str) -> str:
        return self.columns.get(key, VOTE_COLUMNS[key])

    def _text(self, row: Row, key: str) -> str:
        return text_of(row, self._column(key))

    def _id(self, row: Row, key: str) -> str:
        return id_of(row, self._column(key))

    def _read_texts(self, policy: RowPolicy) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
        """Wording by question id, and text by question and text id; bad rows are counted."""
        wording: dict[str, str] = {}
        texts: dict[tuple[str, str], str] = {}
        inner = RowPolicy(Tally(), policy.skip_bad)
        for number, row in read_rows(self.texts, inner):
            try:
                key = self._id(row, "question"), self._id(row, "text_id")
                if texts.setdefault(key, self._text(row, "text")) != self._text(row, "text"):
                    raise BadRow(
                        f"text {key[1]!r} is given twice, differently", reason="text id given twice"
                    )
                wording.setdefault(key[0], self._text(row, "question_text"))
            except BadRow as bad:
                inner.refuse(bad, location(self.texts, number))
        policy.tally.left_out.update(inner.tally.dropped)
        policy.tally.note("texts read", inner.tally.read)
        return wording, texts

    def _pair(
        self,
        row: Row,
        number: int,
        community: str,
        wording: dict[str, str],
        texts: dict[tuple[str, str], str],
    ) -> PreferencePair:
        require_columns(row, (self._column("rater"),))
        question, vote = self._id(row, "question"), tidy(self._text(row, "vote"))
        chosen_id, rejected_id = self._id(row, "a"), self._id(row, "b")
        if vote == self.vote_b:
            chosen_id, rejected_id = rejected_id, chosen_id
        elif vote != self.vote_a:
            raise UnusableRow(f"no preference: {vote[:60]}")
        chosen, rejected = texts.get((question, chosen_id)), texts.get((question, rejected_id))
        if chosen is None or rejected is None:
            raise UnusableRow("text missing")
        if not all(text.strip() and not is_missing_text(text) for text in (chosen, rejected)):
            raise UnusableRow("text empty")
        if chosen == rejected:
            raise UnusableRow("same text on both sides")
        return PreferencePair(
            id=f"{file_stem(self.path)}:{number}",
            prompt=wording[question],
            chosen=chosen,
            rejected=rejected,
            community=community,
            rater=optional_id(row, self._column("rater")),
            question=wording[question],
            language=self.language,
            source=self.name,
            license=self.license,
            extra={"chosen_id": chosen_id, "rejected_id": rejected_id},
        )
