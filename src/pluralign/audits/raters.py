"""Checks of a community's raters: their number, weights, origin, and likeness to the residents."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pluralign.audits.checks import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.participants import FEWER, groups_of, heaviest
from pluralign.audits.respondent_answers import estimate
from pluralign.audits.sentences import Amount, Place, Sentence, Share
from pluralign.core import WORLD, Estimate, FloatArray, PreferencePair, resolve_community
from pluralign.core import community as community_of
from pluralign.metrics import draw_means, standard_error, total_variation

PAIRS = Skipped("no pairs", "preference pairs (--pairs, or a run whose sources can be read)")
SHARES = Skipped("answers were published as shares, so no rater is known", "pairs with raters")
_HOME = ("rater_community", "rater_country")
SHOWN = 8


def few_people(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The number of raters of a community."""
    if not evidence.raters:
        yield SHARES if evidence.pairs else PAIRS
    for community, raters in evidence.raters.items():
        n, pairs = len(raters), sum(map(len, raters.values()))
        yield Measured(
            subject=_sources(raters),
            community=community,
            value=float(n),
            error=0.0,
            numbers={
                "raters": Estimate(n, None, None, n, n),
                "pairs_per_rater": Estimate(pairs / n, None, None, pairs, n),
            },
            claim=Sentence(
                "Only {count} people took part for {community}, in {pairs} pairs.",
                {"count": n, "community": Place(community), "pairs": pairs},
            ),
            rows=Rows("pairs", pairs),
            look="See the table of participation.",
        )


def one_voice(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The largest share of a community's weight that one rater has."""
    if not evidence.raters:
        yield SHARES if evidence.pairs else PAIRS
    for community, raters in evidence.raters.items():
        share, effective = heaviest(raters)
        n, pairs = len(raters), sum(map(len, raters.values()))
        if n < context.small:
            yield Skipped(
                f"{community} has fewer than {context.small} raters: no rater's share is reported"
            )
            continue
        yield Measured(
            subject=_sources(raters),
            community=community,
            value=share,
            error=0.0,
            numbers={
                "heaviest_share": Estimate(share, None, None, pairs, n),
                "effective_raters": Estimate(effective, None, None, pairs, n),
            },
            claim=Sentence(
                "One person has {share} of the weight for {community}; its {count} raters count "
                "like {amount} of equal weight.",
                {
                    "share": Share(share),
                    "community": Place(community),
                    "count": n,
                    "amount": Amount(effective),
                },
            ),
            rows=Rows("pairs", pairs),
            look="Count pairs by rater.",
        )


def outsiders(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of a community's raters who state that they belong to another one."""
    homes: dict[str, dict[str, bool]] = {}
    for p in evidence.pairs:
        away = _away(p)
        if away is not None and p.rater is not None:
            homes.setdefault(p.community, {})[p.rater] = away
    if not homes:
        yield Skipped(
            "the raters' own communities are not recorded",
            f"a column {_HOME[0]}",
        )
    small = context.small
    for community, away_by in homes.items():
        n, many = len(away_by), sum(away_by.values())
        if n < 2 * small:
            yield Skipped(f"{community}: fewer than {2 * small} raters")
            continue
        if 0 < many < small:
            yield Skipped(
                f"{community}: fewer than {small} raters belong elsewhere; they are not reported"
            )
            continue
        # A group at home that is too small to report counts as the smallest reportable one: its
        # exact number cannot be derived.
        value = np.zeros(n)
        value[: min(many, n - small) if many < n else n] = 1
        share = float(value.mean())
        draws = draw_means(
            value, list(range(n)), context.rng("outsiders", community), context.draws
        )
        ids = [p.id for p in evidence.pairs if p.community == community and _is_of(p, away_by)]
        yield Measured(
            subject=_sources(evidence.raters[community]),
            community=community,
            value=share,
            error=standard_error(draws),
            numbers={"outsiders": estimate(share, draws, n, n)},
            claim=Sentence(
                "{share} of the raters of {community} state that they belong elsewhere.",
                {"share": Share(share), "community": Place(community)},
            ),
            rows=Rows("pairs", len(ids), tuple(ids[:SHOWN])),
            look="Leave out the listed pairs and run again: does the community's taste change?",
        )


def _is_of(pair: PreferencePair, away_by: Mapping[str, bool]) -> bool:
    """Whether the pair's rater states that they belong elsewhere."""
    return pair.rater is not None and away_by.get(pair.rater, False)


def unlike_residents(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Distance between the composition of the raters and that of the residents, beyond chance."""
    if not evidence.residents:
        yield Skipped(
            "the residents of the communities are not recorded",
            "a table of residents (--residents)",
        )
        return
    if not evidence.raters:
        yield SHARES if evidence.pairs else PAIRS
    for community, raters in evidence.raters.items():
        if community not in evidence.residents:
            yield Skipped(
                f"who lives in {community} is not recorded", "its rows in the table of residents"
            )
            continue
        groups = groups_of(raters)
        for attribute, residents in evidence.residents[community].items():
            if attribute not in groups:
                yield Skipped(
                    f"{community}: {attribute} of the raters is not recorded",
                    f"a column {attribute}",
                )
                continue
            yield _unlike(community, attribute, groups[attribute], residents, raters, context)


def _unlike(
    community: str,
    attribute: str,
    groups: Counter[str],
    residents: Mapping[str, float],
    raters: Mapping[str, Sequence[PreferencePair]],
    context: Context,
) -> Measured | Skipped:
    n, counted = sum(groups.values()), _reportable(groups, context.small)
    if n < 2 * context.small or set(counted) == {FEWER}:
        return Skipped(
            f"{community}: too few raters state their {attribute}", f"{2 * context.small}"
        )
    names = [
        *(group for group in counted if group != FEWER),
        *sorted(group for group in residents if not groups.get(group)),
        FEWER,
    ]
    lived = _shares_of_residents(residents, names)
    if lived is None:
        return Skipped(
            f"{community}: the residents' shares by {attribute} sum to 0", "shares that sum to 1"
        )
    shown = np.array([counted.get(group, 0) for group in names]) / n
    rng = context.rng("residents", community, attribute)
    chance_B = total_variation(rng.multinomial(n, lived, size=context.draws) / n, lived)
    # A small sample differs from its residents by chance; that much is not counted.
    apart = float(total_variation(shown, lived) - chance_B.mean())
    # Without the joined small groups, which have no name of their own.
    most = int((shown - lived)[:-1].argmax())
    redrawn_B = rng.multinomial(n, shown / shown.sum(), size=context.draws) / n
    again_B = total_variation(redrawn_B, lived)
    # A redrawn sample differs more than the sample itself, so only the spread of its draws is
    # used, around the measured value.
    draws = apart + again_B - again_B.mean()
    return Measured(
        subject=_sources(raters),
        community=community,
        value=apart,
        error=standard_error(again_B),
        numbers={"unlike_residents": estimate(apart, draws, n, n)},
        claim=Sentence(
            "The raters of {community} are not like its residents: by {attribute}, about {share} "
            "are {group}, against {other_share} of the residents.",
            {
                "community": Place(community),
                "attribute": attribute,
                "group": names[most],
                "share": Share(float(shown[most])),
                "other_share": Share(float(lived[most])),
            },
        ),
        rows=Rows("raters", n),
        look="Weight raters by group and run again: does the community's taste change?",
    )


def _shares_of_residents(residents: Mapping[str, float], names: Sequence[str]) -> FloatArray | None:
    """The residents' share of each group, with all other groups in the last; None if all are 0.

    >>> _shares_of_residents({"women": 0.5, "men": 0.4, "other": 0.1}, ["men", "fewer"]).tolist()
    [0.4, 0.6]
    """
    shares = {group: max(share, 0.0) for group, share in residents.items()}
    lived = np.array([shares.get(group, 0.0) for group in names])
    lived[-1] = sum(share for group, share in shares.items() if group not in names)
    return lived / lived.sum() if lived.sum() > 0 else None


def _reportable(groups: Mapping[str, int], small: int) -> dict[str, int]:
    """Raters by group; groups of too few people to report are joined.

    If the joined group is still too small, people of the largest group are counted in it, so that
    its exact number cannot be derived. (To join the next smallest group, as a table does, would
    leave no group to report where there are two.)

    >>> _reportable({"women": 30, "men": 20, "other": 2}, 5)
    {'women': 27, 'men': 20, 'fewer': 5}
    """
    shown_by_group = {
        g: k for g, k in sorted(groups.items(), key=lambda item: -item[1]) if k >= small
    }
    hidden = sum(groups.values()) - sum(shown_by_group.values())
    if 0 < hidden < small and shown_by_group:
        shown_by_group[next(iter(shown_by_group))] -= small - hidden
        hidden = small
    return shown_by_group | ({FEWER: hidden} if hidden else {})


def _away(p: PreferencePair) -> bool | None:
    """Whether the rater states that they belong elsewhere; None if that is unknown.

    A rater's country does not decide it for a people without a country, nor for a region of it.
    """
    own = community_of(p.community)
    for column in _HOME:
        home = resolve_community(str(p.extra.get(column) or ""))
        if home is None or WORLD in (home, own) or own.id.startswith(f"{home.id}/"):
            continue
        if column == _HOME[0]:
            return not (home.id == own.id or home.id.startswith(f"{own.id}/"))
        if own.country is not None and home.country is not None:
            return home.country != own.country
    return None


def _sources(raters: Mapping[str, Sequence[PreferencePair]]) -> str:
    return ", ".join(sorted({p.source or "unnamed" for own in raters.values() for p in own}))
