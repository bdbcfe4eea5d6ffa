"""Polis conversations, as exported: participants agree or disagree with statements."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import (
    WORLD,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    Tally,
    cell_id,
    rng_for,
)
from pluralign.sources.community_labels import required_community
from pluralign.sources.row_files import RowPolicy, csv_rows_with, location
from pluralign.sources.typed_cells import BadRow, Row, id_of, optional_number, text_of

COMMENTS, BY_VOTE = "comments.csv", "votes.csv"
BY_PARTICIPANT = ("participants-votes.csv", "participant-votes.csv")
"""Names of the same file: in the open data, and as Polis exports it today."""

Votes = dict[str, dict[str, int]]
"""Participant -> statement -> 1 (agreed), -1 (disagreed) or 0 (passed), in the sign of the file."""


@dataclass(frozen=True, slots=True)
class PolisVotes:
    """A folder with ``comments.csv`` and the votes by participant, or else the raw votes.

    The votes are in ``participants-votes.csv`` or ``participant-votes.csv``, else in ``votes.csv``.
    A participant who agreed with one statement and disagreed with another prefers the first: one
    pair, with the topic as its prompt. Passes make no pair. In the votes by participant 1 is an
    agreement; raw votes have the opposite sign in some exports, so the sign of ``votes.csv`` is
    taken from the numbers of agreements and disagreements in ``comments.csv``. Votes that
    contradict these numbers are refused. Layouts: exports in the open data of the Computational
    Democracy Project, and those that Polis writes today.

    Attributes:
        path: The folder.
        topic: The topic of the conversation; the prompt of every pair.
        community: Community of the participants, as an id or a label; the whole world where not
            given.
        pairs_per_participant: Most pairs of one participant, >= 1, drawn by the participant's id;
            the others are counted.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
        license: Licence of the votes.
    """

    name: ClassVar[str] = "polis"
    about: ClassVar[str] = "agreements and disagreements with statements, as exported from Polis"

    path: Path
    topic: str
    community: str | None = None
    pairs_per_participant: int = 20
    skip_bad: bool = False
    license: str = "not stated"

    def __post_init__(self) -> None:
        if self.pairs_per_participant < 1:
            raise InvalidInput(
                f"pairs_per_participant must be >= 1, got {self.pairs_per_participant}"
            )
        if not self.topic.strip():
            raise InvalidInput(
                "the topic must not be empty",
                where="topic",
                hint="name the topic of the conversation",
            )

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs, participant by participant.

        Raises:
            InvalidInput: If a file is missing or not in the layout, or votes contradict the counts.
            NotEnoughData: If a file is empty.
        """
        tally = tally if tally is not None else Tally()
        policy = RowPolicy(tally, self.skip_bad)
        community = self._community()
        statements, agrees, moderated_out = _read_comments(self.path / COMMENTS, policy)
        tables = [path for name in BY_PARTICIPANT if (path := self.path / name).is_file()]
        raw = self.path / BY_VOTE
        votes = _by_participant(tables[0], policy) if tables else _by_vote(raw, policy)
        agreed = _sign(votes, agrees, raw=not tables, where=str(self.path))
        for participant, by_statement in votes.items():
            if unknown := sum(statement not in statements for statement in by_statement):
                tally.leave_out(
                    "vote on a statement that is moderated out or not in comments.csv", unknown
                )
            for chosen, rejected in self._drawn(
                participant, by_statement, statements, agreed, tally
            ):
                yield PreferencePair(
                    id=f"{participant}:{chosen}>{rejected}",
                    prompt=self.topic,
                    chosen=statements[chosen],
                    rejected=statements[rejected],
                    community=community,
                    rater=participant,
                    source=self.name,
                    license=self.license,
                )
        tally.note("statements moderated out", moderated_out)
        tally.note(f"votes read with {agreed} as an agreement", sum(map(len, votes.values())))

    def _community(self) -> str:
        try:
            return required_community(self.community or WORLD.id)
        except BadRow as bad:
            raise InvalidInput(bad.what, where="community", hint=bad.hint) from bad

    def _drawn(
        self,
        participant: str,
        votes: Mapping[str, int],
        statements: Mapping[str, str],
        agreed: int,
        tally: Tally,
    ) -> list[tuple[str, str]]:
        """Pairs (agreed with, disagreed with) of statements; at most `pairs_per_participant`."""
        known = sorted(votes.keys() & statements.keys())
        agreements = [statement for statement in known if votes[statement] == agreed]
        disagreements = [statement for statement in known if votes[statement] == -agreed]
        both = itertools.product(agreements, disagreements)
        pairs = [(a, b) for a, b in both if statements[a] != statements[b]]
        if len(pairs) <= self.pairs_per_participant:
            return pairs
        tally.leave_out("pair over pairs_per_participant", len(pairs) - self.pairs_per_participant)
        chosen = rng_for(0, "polis", participant).choice(
            len(pairs), self.pairs_per_participant, replace=False
        )
        return [pairs[k] for k in sorted(chosen.tolist())]


def _read_comments(
    path: Path, policy: RowPolicy
) -> tuple[dict[str, str], dict[str, tuple[float, float]], int]:
    """Statements, their agreements and disagreements, and the number moderated out.

    Statements are those that were not moderated out; the counts are those of all statements. Bad
    rows are counted as left out.
    """
    statements, counts, moderated_out = {}, {}, 0
    inner = RowPolicy(Tally(), policy.skip_bad)
    for number, row in csv_rows_with(path, inner, ("comment-id", "comment-body")):
        try:
            id_, text = id_of(row, "comment-id"), text_of(row, "comment-body")
            agrees, disagrees = optional_number(row, "agrees"), optional_number(row, "disagrees")
            moderated = optional_number(row, "moderated")
            if id_ in statements:
                raise BadRow(f"the statement {id_!r} occurs twice", reason="statement given twice")
        except BadRow as bad:
            inner.refuse(bad, location(path, number))
            continue
        if agrees is not None and disagrees is not None:
            counts[id_] = (agrees, disagrees)
        if moderated == -1 or not text.strip():
            moderated_out += 1
        else:
            statements[id_] = text
    policy.tally.left_out.update(inner.tally.dropped)
    return statements, counts, moderated_out


def _by_participant(path: Path, policy: RowPolicy) -> Votes:
    votes: Votes = {}
    for number, row in csv_rows_with(path, policy, ("participant",)):
        statements = [name for name in row if name.strip().isdigit()]
        if not statements:
            raise InvalidInput(
                "the file must have a column for each statement (0, 1, ...)",
                where=location(path, number),
            )
        try:
            participant = id_of(row, "participant")
            cast = {cell_id(name) or name: _vote(row, name) for name in statements}
            if participant in votes:
                raise BadRow(
                    f"the participant {participant!r} occurs twice",
                    reason="participant given twice",
                )
        except BadRow as bad:
            policy.refuse(bad, location(path, number))
            continue
        votes[participant] = {name: vote for name, vote in cast.items() if vote is not None}
        if {1, -1} <= set(cast.values()):
            policy.tally.kept += 1
        else:
            policy.tally.drop("participant without an agreement and a disagreement")
    return votes


def _by_vote(path: Path, policy: RowPolicy) -> Votes:
    """Raw votes; a later vote of the same participant on the same statement counts."""
    votes: Votes = {}
    for number, row in csv_rows_with(path, policy, ("comment-id", "voter-id", "vote")):
        try:
            voter, statement = id_of(row, "voter-id"), id_of(row, "comment-id")
            vote = _vote(row, "vote")
        except BadRow as bad:
            policy.refuse(bad, location(path, number))
            continue
        mine = votes.setdefault(voter, {})
        if vote is None:
            policy.tally.drop("no vote")
        elif statement in mine:
            policy.tally.drop("vote that another one of the same participant replaces")
            mine[statement] = vote
        else:
            policy.tally.kept += 1
            mine[statement] = vote
    return votes


def _vote(row: Row, column: str) -> int | None:
    vote = optional_number(row, column)
    if vote not in (None, -1, 0, 1):
        raise BadRow(
            f"a vote must be 1, 0, -1 or empty, got {vote}", reason="vote is not 1, 0 or -1"
        )
    return None if vote is None else int(vote)


def _sign(votes: Votes, counts: Mapping[str, tuple[float, float]], raw: bool, where: str) -> int:
    """The number that means an agreement, 1 or -1.

    Raises:
        InvalidInput: If the votes contradict the counts, or there are no counts for raw votes.
        NotEnoughData: If nobody voted.
    """
    cast: Counter[tuple[str, int]] = Counter()
    for mine in votes.values():
        cast.update(mine.items())
    if not cast:
        raise NotEnoughData("nobody voted", where=where)
    as_is, reversed_ = _misfit(cast, counts, 1), _misfit(cast, counts, -1)
    if as_is == reversed_ and raw:
        raise InvalidInput(
            f"comments.csv does not show whether 1 in {BY_VOTE} is an agreement",
            where=where,
            hint="export it with its columns agrees and disagrees",
        )
    if as_is > reversed_ and not raw:
        raise InvalidInput(
            f"the votes by participant contradict {COMMENTS}: 1 fits its disagreements better than "
            "its agreements",
            where=where,
            hint="check that both files are of one export",
        )
    return -1 if as_is > reversed_ else 1


def _misfit(
    cast: Counter[tuple[str, int]], counts: Mapping[str, tuple[float, float]], sign: int
) -> float:
    """The difference between counted and cast votes, if ``sign`` means an agreement."""
    total = 0.0
    for statement, (agrees, disagrees) in counts.items():
        if cast[statement, 1] or cast[statement, -1]:
            total += abs(cast[statement, sign] - agrees)
            total += abs(cast[statement, -sign] - disagrees)
    return total
