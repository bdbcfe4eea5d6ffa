"""Plans: the steers of a request, and the description of its communities in the answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pydantic import TypeAdapter

from pluralign.core import (
    WORLD,
    InvalidInput,
    PluralignError,
    Steer,
    blend_of,
    community,
    known_community,
    resolve_community,
    steer_to,
)
from pluralign.rewards import lacks_prior, unseen_id
from pluralign.rewards.remote.wire import ALL, BLEND, Served, Steering
from pluralign.serving.people import adapted_served, evidence_of
from pluralign.serving.scoring import PRIOR

Unknown = Literal["prior", "error", "parent"]
_SERVED = TypeAdapter(tuple[Served, ...])
_PLANS_KEPT, _SHORT = 64, 16
_MOST_LABELS, _LONGEST_LABEL = 1000, 200


@dataclass(frozen=True, slots=True)
class ScoringPlan:
    """The steers that a request asks for.

    Attributes:
        keys: Their S names in the answer.
        steers: The steers to score with; None is the reference.
        served: The communities behind them.
        written: ``served`` as JSON: for two hundred communities it takes longer to write than to
            score.
    """

    keys: tuple[str, ...]
    steers: tuple[Steer | None, ...]
    served: tuple[Served, ...]
    written: bytes

    @classmethod
    def of(
        cls, keys: Sequence[str], steers: Sequence[Steer | None], served: Sequence[Served]
    ) -> "ScoringPlan":
        """Make a plan with its communities as JSON."""
        return cls(tuple(keys), tuple(steers), tuple(served), _SERVED.dump_json(tuple(served)))


class Planner:
    """Makes plans for one model, and caches the latest plans.

    Args:
        card: Card of the saved model.
        communities: Ids of the communities that it can be steered to.

    Attributes:
        card: The card.
        communities: These ids.
        evidence: Community, or ``~world`` -> the people behind it.
    """

    def __init__(self, card: Mapping[str, Any], communities: Sequence[str]) -> None:
        self.communities = tuple(communities)
        self.card = card
        self._steered = (*self.communities, PRIOR)
        self._known = frozenset((*self.communities, WORLD.id))
        self.evidence = {
            id_: evidence_of(card, id_) for id_ in dict.fromkeys((*self.communities, WORLD.id))
        }
        self._separate = lru_cache(_PLANS_KEPT)(self._plan_separate)

    def plan(self, asked: Steering) -> ScoringPlan:
        """The plan of a request.

        Raises:
            UnknownCommunity: If the model lacks a community, and no parent may replace it; the
                message names similar communities.
            InvalidInput: If shares of a blend do not sum to 1, or labels are too many or too long.
        """
        if asked.blend is not None:
            check_labels(asked.blend)
            return self._plan_blend(asked.blend, asked.strength, asked.unknown)
        given = asked.communities
        labels = (given,) if isinstance(given, str) else given
        check_labels(labels)
        labels = self.everybody if given == ALL else labels
        planned = (
            self._separate
            if len(labels) <= max(_SHORT, len(self.everybody))
            else self._plan_separate
        )
        return planned(labels, asked.strength, asked.unknown)

    def quick(self, asked: Steering) -> bool:
        """Whether a plan is cheap; names other than ids must be compared with all known names."""
        labels = asked.blend or (
            (asked.communities,) if isinstance(asked.communities, str) else asked.communities
        )
        return labels == (ALL,) or self.knows(labels)

    def knows(self, labels: Collection[str]) -> bool:
        """Whether labels are few, and all of them are ids of the model."""
        return len(labels) <= _SHORT and self._known.issuperset(labels)

    @property
    def everybody(self) -> tuple[str, ...]:
        """Every community, and the reference if the model has no community."""
        return self.communities or (WORLD.id,)

    def warnings(self, id_: str) -> tuple[str, ...]:
        """Why to trust the numbers of a community, or of the prior, less."""
        if id_ == PRIOR:
            return ("unknown: nobody of the community trained the model",)
        return self.evidence[id_].warnings

    def _plan_separate(
        self, labels: tuple[str, ...], strength: float, unknown: Unknown
    ) -> ScoringPlan:
        found = dict(self._answering(label, unknown) for label in labels)
        steers = [steer_to(self._steered, id_, strength) for id_ in found.values()]
        return ScoringPlan.of(
            list(found), steers, [self._served(key, id_) for key, id_ in found.items()]
        )

    def _plan_blend(
        self, shares: Mapping[str, float], strength: float, unknown: Unknown
    ) -> ScoringPlan:
        found = [(*self._answering(label, unknown), share) for label, share in shares.items()]
        blended: dict[str, float] = {}
        for _, id_, share in found:
            blended[id_] = blended.get(id_, 0.0) + share
        steer = blend_of(self._steered, blended, strength)
        return ScoringPlan.of([BLEND], [steer], [self._served(key, id_) for key, id_, _ in found])

    def _answering(self, label: str, unknown: Unknown) -> tuple[str, str]:
        """The name of a community in the answer, and the id whose weights are used."""
        if unknown == "parent" and (found := self._nearest(label)) is not None:
            return found
        if label in self._known:
            return label, label
        new = unseen_id(label, self.communities, self.card) if unknown == "prior" else None
        if new is None:
            id_ = known_community(label, self.communities)
            return id_, id_
        if "prior" not in self.card:
            raise lacks_prior(label, self.communities)
        return new, PRIOR

    def _nearest(self, label: str) -> tuple[str, str] | None:
        """A community, with the nearest one that the model has: itself or one of its parents."""
        try:
            here = at = resolve_community(label) or community(label)
        except PluralignError:
            return None
        while at.id not in self._known:
            if at.parent is None:
                return None
            at = community(at.parent)
        return here.id, at.id

    def _served(self, key: str, id_: str) -> Served:
        if id_ == PRIOR:
            return adapted_served(self.card, key, 0, 0)
        own = self.evidence[id_]
        if key == id_:
            return own
        said = f"parent: the model is not steered to {key}; {own.name} ({id_}) answers"
        changes = {
            "id": key,
            "name": community(key).name,
            "answered_by": id_,
            "warnings": (said, *own.warnings),
        }
        return own.model_copy(update=changes)


def check_labels(labels: Collection[str]) -> None:
    """Limit the number and the length of the communities in a request.

    Raises:
        InvalidInput: If there are more, or longer ones.
    """
    if len(labels) > _MOST_LABELS:
        raise InvalidInput(
            f"{len(labels)} communities are named", hint=f"name at most {_MOST_LABELS}, or all"
        )
    longest = max(map(len, labels))
    if longest > _LONGEST_LABEL:
        raise InvalidInput(
            f"a community's name has {longest} characters", hint="use ids, such as MEX"
        )
