"""Whom to steer to, whom the reference speaks for, and who cannot be measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluralign.core import InvalidSettings, NotEnoughData, count_of, near_communities
from pluralign.settings.experiment import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """Roles of the communities in an experiment.

    Attributes:
        steered: Communities to steer to.
        spoken_for: Communities the reference is fitted on; empty where it is loaded.
        left_out: Community -> why it is neither; its pairs still teach what all communities share.
    """

    steered: tuple[str, ...]
    spoken_for: tuple[str, ...]
    left_out: Mapping[str, str]


def plan(
    settings: Settings, people: Mapping[str, Mapping[str, int | None]], given: bool = False
) -> Plan:
    """Decide the roles.

    Args:
        settings: The settings.
        people: Community -> pairs and raters, as `Loaded.people` counts them.
        given: Whether there is a reference already, unless ``reference.fit_on`` asks for another.

    Raises:
        InvalidSettings: If a community that is named has no pairs; near ones are named.
        NotEnoughData: If no community has enough people.
    """
    fit_on = settings.reference.fit_on
    if settings.reference.model is not None or (given and fit_on is None):
        spoken_for: tuple[str, ...] = ()
    elif isinstance(fit_on, tuple):
        spoken_for = fit_on
    else:
        spoken_for = tuple(people)
    _present(spoken_for, people, "reference.fit_on")
    if settings.communities is not None:
        _present(settings.communities, people, "communities")
        others = {c: "not named in communities" for c in people if c not in settings.communities}
        return Plan(
            settings.communities,
            spoken_for,
            {c: why for c, why in others.items() if c not in spoken_for},
        )
    candidates = [c for c in people if not isinstance(fit_on, tuple) or c not in fit_on]
    too_few = {c: why for c in candidates if (why := _too_few(people[c], settings))}
    steered = tuple(c for c in candidates if c not in too_few)
    if not steered:
        raise NotEnoughData(
            f"no community has {count_of(settings.min_pairs, 'pair')} and {count_of(settings.min_raters, 'rater')}",
            where="communities",
            hint=f"lower min_pairs or min_raters, or name communities; there are {_largest(people)}",
        )
    return Plan(steered, spoken_for, too_few)


def _present(
    wanted: Sequence[str], people: Mapping[str, Mapping[str, int | None]], where: str
) -> None:
    for community in wanted:
        if community not in people:
            near = near_communities(community, list(people))
            known = _largest({c: people[c] for c in near} or people)
            first = near[0] if near else max(people, key=lambda c: people[c]["pairs"] or 0)
            remedy = f'set {where} = ["{first}"]' + (
                ' or "pooled"' if where == "reference.fit_on" else ""
            )
            raise InvalidSettings(
                f"no pair belongs to {community!r}",
                where=where,
                hint=f"the data has {known}; {remedy}",
            )


def _largest(people: Mapping[str, Mapping[str, int | None]], most: int = 5) -> str:
    """The communities with the most pairs, with their counts."""
    order = sorted(people, key=lambda c: -(people[c]["pairs"] or 0))
    told = [f"{c} ({_counted(people[c])})" for c in order[:most]]
    return ", ".join(told) + (f" and {len(order) - most} more" if len(order) > most else "")


def _counted(count: Mapping[str, int | None]) -> str:
    pairs = count_of(count["pairs"] or 0, "pair")
    if count["raters"] is None:
        return pairs
    return f"{pairs}, {count_of(count['raters'], 'person', 'people')}"


def _too_few(count: Mapping[str, int | None], settings: Settings) -> str | None:
    """What a community lacks, and the settings with which it is steered to; None where it has enough."""
    pairs, raters = count["pairs"] or 0, count["raters"]
    needs, remedies = [], []
    if pairs < settings.min_pairs:
        needs.append(f"{count_of(pairs, 'pair')}, {settings.min_pairs:,} needed")
        remedies.append(f"--set min_pairs={pairs}")
    if raters is not None and raters < settings.min_raters:
        needs.append(f"{count_of(raters, 'rater')}, {settings.min_raters:,} needed")
        remedies.append(f"--set min_raters={raters}")
    return f"{' and '.join(needs)}; to steer to it: {' '.join(remedies)}" if needs else None
