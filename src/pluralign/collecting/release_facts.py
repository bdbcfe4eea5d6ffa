"""The facts of a release, its counts, and its choices as rows for training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluralign.collecting.released_rows import Contents, Row, makes_pair, people_with_pairs

TEXTS, CARD, CROISSANT = "texts.jsonl", "README.md", "croissant.json"
_SHOWN_OF_ANSWER = (
    *("community", "rater", "strength", "context", "license", "labels", "source", "consent"),
    *("purposes", "document", "choice", "reason", "propensity", "policy", "flip"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about a release that its rows do not show.

    Attributes:
        id: Its id.
        study: Short name of the study.
        title: Its title, in English or its first language.
        about: Its purpose, as participants read it.
        names: Community -> name.
        purposes: Purposes of the release.
        made_on: Date.
        audit_head: Head of the audit log at the snapshot.
        stewards: Names of the stewards who agreed.
        floors: Community -> fewest people.
        round_to: Counts are rounded to a multiple of this number.
        min_age: Lowest age of participants, in years.
        left_out: Reason -> rounded number of answers left out; None where it is below the floor.
        communities_left_out: Number of communities of the study that are not in the release.
        documents: Digest of a consent text -> its version.
        revision: 0; higher after people withdrew from it.
    """

    id: str
    study: str
    title: str
    about: str
    names: dict[str, str]
    purposes: list[str]
    made_on: str
    audit_head: str
    stewards: list[str]
    floors: dict[str, int]
    round_to: int
    min_age: int
    left_out: dict[str, int | None]
    communities_left_out: int
    documents: dict[str, int]
    revision: int = 0

    @property
    def published(self) -> bool:
        """Whether the release may leave the house."""
        return "publish-rows" in self.purposes

    def floor_of(self, community: str) -> int:
        """Fewest people of a community."""
        return self.floors[community]


def rounded(count: int, to: int) -> int:
    """A count rounded to a multiple; one of at least 1 never becomes 0.

    >>> [rounded(count, 5) for count in (0, 1, 12, 13)]
    [0, 5, 10, 15]
    """
    return 0 if count == 0 else max((count + to // 2) // to, 1) * to


def counts_of(answers: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Community -> numbers of people, answers and pairs."""
    people = people_with_pairs(answers)
    given = Counter(row["community"] for row in answers)
    pairs = Counter(row["community"] for row in answers if makes_pair(row))
    return {
        one: {"people": len(raters), "answers": given[one], "pairs": pairs[one]}
        for one, raters in people.items()
    }


def pair_rows(contents: Contents) -> list[Row]:
    """The choices of a release with their texts, in the order of the answers."""
    texts = {row["id"]: row for row in contents.texts}
    return [_pair(row, texts) for row in contents.answers if makes_pair(row)]


def _pair(answer: Row, texts: Mapping[str, Row]) -> Row:
    sides = ("left", "right") if answer["choice"] == "left" else ("right", "left")
    prompt, chosen, rejected = (texts[answer[side]] for side in ("prompt", *sides))
    licences = {answer["license"], *(row["license"] for row in (prompt, chosen, rejected))}
    return {
        "id": answer["id"],
        "prompt": prompt["body"],
        "chosen": chosen["body"],
        "rejected": rejected["body"],
        "language": prompt["language"],
        **{name: answer[name] for name in _SHOWN_OF_ANSWER},
        "license": " AND ".join(sorted(licences)),
        "prompt_origin": prompt["origin"],
        "chosen_origin": chosen["origin"],
        "rejected_origin": rejected["origin"],
        "prompt_id": prompt["id"],
        "chosen_id": chosen["id"],
        "rejected_id": rejected["id"],
    }
