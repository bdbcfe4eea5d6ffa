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
        most_share: Largest share of one person in the weights of a community's pairs.
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
    most_share: float = 1.0

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


def pair_rows(contents: Contents, most_share: float = 1.0) -> list[Row]:
    """The choices of a release with their texts, in the order of the answers.

    Args:
        contents: Rows of the release.
        most_share: As `Facts` has it; with 1, all weights are 1.
    """
    texts = {row["id"]: row for row in contents.texts}
    choices = [row for row in contents.answers if makes_pair(row)]
    given: dict[str, Counter[str]] = {}
    for row in choices:
        given.setdefault(row["community"], Counter())[row["rater"]] += 1
    weights = {one: share_weights(pairs, most_share) for one, pairs in given.items()}
    return [_pair(row, texts, weights[row["community"]][row["rater"]]) for row in choices]


def share_weights(pairs: Mapping[str, int], most_share: float) -> dict[str, float]:
    """Weights of people's pairs, with which nobody has more than a share of their sum.

    Args:
        pairs: Person of one community -> number of their pairs, > 0.
        most_share: The share, in (0, 1]. It applies if there are more people than an equal share of
            that size needs.

    Returns:
        Person -> weight of each of their pairs, in (0, 1]; 1 for people below the share.

    >>> weights = share_weights({"a": 60, "b": 10, "c": 10, "d": 10}, 0.4)
    >>> weights["a"] * 60 / (weights["a"] * 60 + 30), weights["b"]
    (0.4, 1.0)
    """
    if len(pairs) * most_share <= 1:
        return dict.fromkeys(pairs, 1.0)
    others, limit = sum(pairs.values()), 0.0
    for above, own in enumerate(sorted(pairs.values(), reverse=True)):
        # With `above` people at the limit, the others have the rest of the sum.
        limit = most_share * others / (1 - above * most_share)
        if own <= limit:
            break
        others -= own
    return {person: min(1.0, limit / own) for person, own in pairs.items()}


def _pair(answer: Row, texts: Mapping[str, Row], weight: float) -> Row:
    sides = ("left", "right") if answer["choice"] == "left" else ("right", "left")
    prompt, chosen, rejected = (texts[answer[side]] for side in ("prompt", *sides))
    licences = {answer["license"], *(row["license"] for row in (prompt, chosen, rejected))}
    return {
        "id": answer["id"],
        "prompt": prompt["body"],
        "chosen": chosen["body"],
        "rejected": rejected["body"],
        "language": prompt["language"],
        "weight": weight,
        **{name: answer[name] for name in _SHOWN_OF_ANSWER},
        "license": " AND ".join(sorted(licences)),
        "prompt_origin": prompt["origin"],
        "chosen_origin": chosen["origin"],
        "rejected_origin": rejected["origin"],
        "prompt_id": prompt["id"],
        "chosen_id": chosen["id"],
        "rejected_id": rejected["id"],
    }
