"""Whom to steer to, whom the reference speaks for, and who cannot be measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluralign.core import InvalidSettings, NotEnoughData, count_of, near_communities
from pluralign.settings.experiment import Settings

People = Mapping[str, Mapping[str, int | None]]
"""Community -> its ``pairs`` and ``raters``; raters are None where pairs have none."""


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


def plan(settings: Settings, people: People, given: bool = False) -> Plan:
    """Decide the roles.

    Args:
        settings: The settings.
        people: Community -> pairs and raters, as `Loaded.people` counts them.
        given: Whether there is a reference already, unless ``reference.fit_on`` asks for another.

    Raises:
        InvalidSettings: If a community that is named has no pairs; near ones are named.
        NotEnoughData: If no community has enough people.
    """
    spoken_for = _spoken_for(settings, tuple(people), given)
    _present(spoken_for, people, "reference.fit_on")
    if settings.communities is not None:
        return _named(settings.communities, spoken_for, people)
    return _large_enough(settings, spoken_for, people)


def _spoken_for(settings: Settings, people: tuple[str, ...], given: bool) -> tuple[str, ...]:
    """The communities that the reference is fitted on."""
    fit_on = settings.reference.fit_on
    if settings.reference.model is not None or (given and fit_on is None):
        return ()
    return fit_on if isinstance(fit_on, tuple) else people


def _named(steered: tuple[str, ...], spoken_for: tuple[str, ...], people: People) -> Plan:
    """A plan that steers to the communities that the settings name."""
    _present(steered, people, "communities")
    left_out = {}
    for community in people:
        if community not in steered and community not in spoken_for:
            left_out[community] = "not named in communities"
    return Plan(steered, spoken_for, left_out)


def _large_enough(settings: Settings, spoken_for: tuple[str, ...], people: People) -> Plan:
    """A plan that steers to every community with enough people that the reference was not for.

    Raises:
        NotEnoughData: If there is none.
    """
    fit_on = settings.reference.fit_on
    steered, too_few = [], {}
    for community, count in people.items():
        # A reference that is fitted on named communities speaks for them already; one on all
        # communities speaks for none in particular.
        if isinstance(fit_on, tuple) and community in fit_on:
            continue
        lacks = _too_few(count, settings)
        if lacks is None:
            steered.append(community)
        else:
            too_few[community] = lacks
    if not steered:
        pairs = count_of(settings.min_pairs, "pair")
        raise NotEnoughData(
            f"no community has {pairs} and {count_of(settings.min_raters, 'rater')}",
            where="communities",
            hint="lower min_pairs or min_raters, or name communities; "
            f"there are {_largest(people)}",
        )
    return Plan(tuple(steered), spoken_for, too_few)


def _present(wanted: Sequence[str], people: People, where: str) -> None:
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


def _largest(people: People, most: int = 5) -> str:
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
    """The pairs or raters that a community lacks, and settings that steer to it, or None."""
    pairs, raters = count["pairs"] or 0, count["raters"]
    needs, remedies = [], []
    if pairs < settings.min_pairs:
        needs.append(f"{count_of(pairs, 'pair')}, {settings.min_pairs:,} needed")
        remedies.append(f"--set min_pairs={pairs}")
    if raters is not None and raters < settings.min_raters:
        needs.append(f"{count_of(raters, 'rater')}, {settings.min_raters:,} needed")
        remedies.append(f"--set min_raters={raters}")
    return f"{' and '.join(needs)}; to steer to it: {' '.join(remedies)}" if needs else None
