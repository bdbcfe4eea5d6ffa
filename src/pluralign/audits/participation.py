"""Who speaks, for whom, in whose words? Participation and thickness."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pluralign.audits.answered import estimate
from pluralign.audits.auditing import Audit, Check, Context, Measured, Skipped, standard_error
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows, Threshold
from pluralign.audits.people import FEWER, groups_of, heaviest
from pluralign.audits.sentences import Amount, Place, Sentence, Share
from pluralign.core import WORLD, Estimate, PreferencePair, Survey, prompt_text, resolve_community
from pluralign.core import community as community_of
from pluralign.metrics import draw_means, total_variation

_PAIRS = Skipped("no pairs", "preference pairs (--pairs, or a run whose sources can be read)")
_SHARES = Skipped("answers were published as shares, so no rater is known", "pairs with raters")
_HOME = ("rater_community", "rater_country")
_SHOWN = 8
_UNLIKE = 0.1
_UNKNOWN_TERMS = re.compile(r"\s*(none|unknown|n/?a|.*not stated.*)?\s*", re.IGNORECASE)
_DENIED = re.compile(r"\s*(false|no|0|denied|withdrawn)\s*([,.].*)?", re.IGNORECASE)


def few_people(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How many raters a community has."""
    if not evidence.raters:
        yield _SHARES if evidence.pairs else _PAIRS
    for community, raters in evidence.raters.items():
        n, pairs = len(raters), sum(map(len, raters.values()))
        yield Measured(
            _sources(raters),
            community,
            float(n),
            0.0,
            {"raters": Estimate(n, None, None, n, n), "pairs_per_rater": Estimate(pairs / n, None, None, pairs, n)},
            Sentence(
                "Only {count} people speak for {community}, in {pairs} pairs.",
                {"count": n, "community": Place(community), "pairs": pairs},
            ),
            Rows("pairs", pairs),
            "See the table of participation.",
        )


def one_voice(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The largest share of a community's weight that one rater has."""
    if not evidence.raters:
        yield _SHARES if evidence.pairs else _PAIRS
    for community, raters in evidence.raters.items():
        share, effective = heaviest(raters)
        n, pairs = len(raters), sum(map(len, raters.values()))
        if n < context.small:
            yield Skipped(f"{community} has fewer than {context.small} raters: no rater's share is told")
            continue
        yield Measured(
            _sources(raters),
            community,
            share,
            0.0,
            {
                "heaviest_share": Estimate(share, None, None, pairs, n),
                "effective_raters": Estimate(effective, None, None, pairs, n),
            },
            Sentence(
                "One person has {share} of the say for {community}; its {count} raters count like {amount} of equal "
                "weight.",
                {"share": Share(share), "community": Place(community), "count": n, "amount": Amount(effective)},
            ),
            Rows("pairs", pairs),
            "Count pairs by rater.",
        )


def outsiders(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of a community's raters who say that they belong to another one."""
    homes: dict[str, dict[str, bool]] = {}
    for p in evidence.pairs:
        away = _away(p)
        if away is not None and p.rater is not None:
            homes.setdefault(p.community, {})[p.rater] = away
    if not homes:
        yield Skipped("where raters come from is not recorded beside whom they judged for", f"a column {_HOME[0]}")
    small = context.small
    for community, away_by in homes.items():
        n, many = len(away_by), sum(away_by.values())
        if n < 2 * small:
            yield Skipped(f"{community}: fewer than {2 * small} raters")
            continue
        if 0 < many < small:
            yield Skipped(f"{community}: fewer than {small} raters belong elsewhere; they are not told of")
            continue
        # Fewer people at home than may be told of count as just that many: no exact number of them follows.
        value = np.zeros(n)
        value[: min(many, n - small) if many < n else n] = 1
        share = float(value.mean())
        draws = draw_means(value, list(range(n)), context.rng("outsiders", community), context.draws)
        ids = [p.id for p in evidence.pairs if p.community == community and away_by.get(p.rater or "")]
        yield Measured(
            _sources(evidence.raters[community]),
            community,
            share,
            standard_error(draws),
            {"outsiders": estimate(share, draws, n, n)},
            Sentence(
                "{share} of those who judged for {community} say that they belong elsewhere.",
                {"share": Share(share), "community": Place(community)},
            ),
            Rows("pairs", len(ids), tuple(ids[:_SHOWN])),
            "Leave out the pairs listed and run again: does the community's taste change?",
        )


def unlike_residents(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How far the composition of the raters is from that of the people who live there, beyond what chance gives."""
    if not evidence.residents:
        yield Skipped("who lives in the communities is not recorded", "a table of residents (--residents)")
        return
    if not evidence.raters:
        yield _SHARES if evidence.pairs else _PAIRS
    for community, raters in evidence.raters.items():
        if community not in evidence.residents:
            yield Skipped(f"who lives in {community} is not recorded", "its rows in the table of residents")
            continue
        groups = groups_of(raters)
        for attribute, residents in evidence.residents[community].items():
            if attribute not in groups:
                yield Skipped(f"{community}: {attribute} of the raters is not recorded", f"a column {attribute}")
                continue
            yield _unlike(community, attribute, groups[attribute], residents, raters, context)


def no_words(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of a source's records that hold a reason, a context or a story in people's own words."""
    if not evidence.pairs:
        yield _PAIRS
    for source, pairs in _by_source(evidence.pairs).items():
        value = np.array([float(bool(p.context and p.context.strip())) for p in pairs])
        draws = draw_means(value, [p.rater or p.stem for p in pairs], context.rng("words", source), context.draws)
        raters = len({p.rater for p in pairs if p.rater is not None}) or None
        yield Measured(
            source,
            None,
            float(value.mean()),
            standard_error(draws) if value.any() else 0.0,
            {"with_words": estimate(value.mean(), draws, len(pairs), raters)},
            Sentence(
                "In {share} of the records of {subject} people say in their own words why, where or what it means to "
                "them: what they choose is known, not why.",
                {"share": Share(float(value.mean())), "subject": source},
            ),
            Rows("pairs", int(len(pairs) - value.sum())),
            "Read records with and without a context side by side.",
        )


def institutional(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of records that come from institutions' questions (published shares), not from people's lives."""
    if not evidence.pairs:
        yield _PAIRS
        return
    value = np.array([float(_institutional(p)) for p in evidence.pairs])
    n, raters = len(value), len({p.rater for p in evidence.pairs if p.rater is not None}) or None
    by = ", ".join(sorted({p.source or "unnamed" for p in evidence.pairs if _institutional(p)}))
    yield Measured(
        by,
        None,
        float(value.mean()),
        0.0,
        {"institutional": Estimate(float(value.mean()), None, None, n, raters)},
        Sentence(
            "{share} of the records answer questions that institutions wrote; only shares of the answers are known.",
            {"share": Share(float(value.mean()))},
        ),
        Rows("pairs", int(value.sum())),
        "Compare with what the same people say when they choose the question.",
    )


def terms(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of a source's records whose licence is not stated, or whose rater did not consent."""
    if not evidence.pairs:
        yield _PAIRS
        return
    if not any("consent" in p.extra for p in evidence.pairs):
        yield Skipped("consent of the raters is not recorded", "a column consent")
    for source, pairs in _by_source(evidence.pairs).items():
        without = [p for p in pairs if _UNKNOWN_TERMS.fullmatch(p.license or "")]
        denied = [p for p in pairs if _DENIED.fullmatch(str(p.extra.get("consent", "")))]
        few = 0 < len({p.rater for p in denied}) < context.small  # whoever withdrew is not to be picked out
        bad = {p.id for p in [*without, *denied]}
        n, raters = len(pairs), len({p.rater for p in pairs if p.rater is not None}) or None
        yield Measured(
            source,
            None,
            len(bad) / n,
            0.0,
            {
                "without_terms": Estimate(len(bad) / n, None, None, n, raters),
                "licence_not_stated": Estimate(len(without) / n, None, None, n, raters),
                "consent_denied": Estimate(len(denied) / n, None, None, n, raters),
            },
            Sentence(
                "For {share} of the records of {subject} no licence is stated, or the rater did not consent.",
                {"share": Share(len(bad) / n), "subject": source},
            ),
            Rows("pairs", len(bad), tuple(sorted({p.id for p in without} if few else bad)[:_SHOWN])),
            "Ask who gathered the records; leave out those without consent.",
        )


def not_asked(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of questions put to at least half of the communities that were not put to this one."""
    survey = evidence.survey
    if survey is None:
        yield Skipped("no survey", "a survey of people (--survey)")
        return
    if len(survey.communities) < 2:
        yield Skipped(f"{survey.name} has one community only", "a second")
        return
    asked: dict[str, set[str]] = defaultdict(set)
    for d in survey.distributions:
        if sum(d.probs_O) > 0:
            asked[d.question].add(d.community)
    common = [q for q, who in asked.items() if 2 * len(who) >= len(survey.communities)]
    if not common:
        yield Skipped(f"no question of {survey.name} was put to half of its communities")
        return
    for community in survey.communities:
        missing = [q for q in common if community not in asked[q]]
        yield Measured(
            survey.name,
            community,
            len(missing) / len(common),
            0.0,
            {"not_asked": Estimate(len(missing) / len(common), None, None, len(common))},
            Sentence(
                "The people of {community} were not asked {count} of {total} questions that most others were asked.",
                {"community": Place(community), "count": len(missing), "total": len(common)},
            ),
            Rows("questions", len(missing), tuple(missing[:_SHOWN])),
            "Read the questions listed: silence on them is not an answer.",
        )


def uncounted(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of a survey's distributions that do not say how many people stand behind them."""
    surveys = [s for s in (evidence.survey, *evidence.other_surveys) if s is not None]
    if not surveys:
        yield Skipped("no survey", "a survey of people (--survey)")
    for survey in surveys:
        n = len(survey.distributions)
        bare = [d for d in survey.distributions if not d.n]
        yield Measured(
            survey.name,
            None,
            len(bare) / n if n else 0.0,
            0.0,
            {"without_people": Estimate(len(bare) / max(n, 1), None, None, max(n, 1))},
            Sentence(
                "{share} of the answers in {subject} do not say how many people gave them, so no interval over people "
                "can be given.",
                {"share": Share(len(bare) / max(n, 1)), "subject": survey.name},
            ),
            Rows("distributions", len(bare), tuple(f"{d.community}/{d.question}" for d in bare[:_SHOWN])),
            "Look for the sample sizes in the survey's documentation.",
        )


def contradictions(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of what two sources both say of a community on which they contradict each other."""
    told = list(_survey_contradictions(evidence)) + list(_pair_contradictions(evidence.pairs))
    if not told:
        yield Skipped("no two sources say something of the same question in the same community", "a second source")
    for sources, community, against, n in told:
        value = np.array([1.0] * len(against) + [0.0] * (n - len(against)))
        draws = draw_means(value, list(range(n)), context.rng("contradictions", sources, community), context.draws)
        yield Measured(
            sources,
            community,
            float(value.mean()),
            standard_error(draws) if n > 1 else float("inf"),
            {"contradicted": estimate(value.mean(), draws, n)},
            Sentence(
                "{subject} contradict each other on {community}: on {count} of {total} questions that both have.",
                {"subject": sources, "community": Place(community), "count": len(against), "total": n},
            ),
            Rows("questions", len(against), tuple(against[:_SHOWN])),
            "Find out which people each source asked, and when, before using either.",
        )


def _unlike(
    community: str,
    attribute: str,
    groups: Counter[str],
    residents: Mapping[str, float],
    raters: Mapping[str, Sequence[PreferencePair]],
    context: Context,
) -> Measured | Skipped:
    n, told = sum(groups.values()), _told(groups, context.small)
    if n < 2 * context.small or set(told) == {FEWER}:
        return Skipped(f"{community}: too few raters tell their {attribute}", f"{2 * context.small}")
    names = [*(g for g in told if g != FEWER), *sorted(g for g in residents if not groups.get(g)), FEWER]
    living = {g: max(share, 0.0) for g, share in residents.items()}
    lived = np.array([living.get(g, 0.0) for g in names])
    lived[-1] = sum(share for g, share in living.items() if g not in names)
    if lived.sum() <= 0:
        return Skipped(f"{community}: the residents' shares by {attribute} sum to 0", "shares that sum to 1")
    lived /= lived.sum()
    shown = np.array([told.get(g, 0) for g in names]) / n
    rng = context.rng("residents", community, attribute)
    chance_B = total_variation(rng.multinomial(n, lived, size=context.draws) / n, lived)
    apart = float(total_variation(shown, lived) - chance_B.mean())
    most = int((shown - lived)[:-1].argmax())
    draws = apart + chance_B - chance_B.mean()
    return Measured(
        _sources(raters),
        community,
        apart,
        standard_error(chance_B),
        {"unlike_residents": estimate(apart, draws, n, n)},
        Sentence(
            "Those who speak for {community} are not those who live there: by {attribute}, about {share} are {group}, "
            "against {other_share} of the residents.",
            {
                "community": Place(community),
                "attribute": attribute,
                "group": names[most],
                "share": Share(float(shown[most])),
                "other_share": Share(float(lived[most])),
            },
        ),
        Rows("raters", n),
        "Weigh raters by group and run again; does the community's taste change?",
    )


def _told(groups: Mapping[str, int], small: int) -> dict[str, int]:
    """Raters by group; groups of fewer people than may be told of are put together.

    Where these are still too few, the largest group lends them the rest: no exact number of them follows. (To hide it
    behind the next smallest group, as a table does, would leave nothing to say of two groups.)

    >>> _told({"women": 30, "men": 20, "other": 2}, 5)
    {'women': 27, 'men': 20, 'fewer': 5}
    """
    told = {g: k for g, k in sorted(groups.items(), key=lambda item: -item[1]) if k >= small}
    hidden = sum(groups.values()) - sum(told.values())
    if 0 < hidden < small and told:
        told[next(iter(told))] -= small - hidden
        hidden = small
    return told | ({FEWER: hidden} if hidden else {})


def _away(p: PreferencePair) -> bool | None:
    """Whether the rater says that they belong elsewhere; None where that cannot be told.

    A country says nothing of those who judge for a people without one, the whole nothing of those who judge for a part.
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


def _survey_contradictions(evidence: Evidence) -> Iterator[tuple[str, str, list[str], int]]:
    if evidence.survey is None:
        return
    first = {_words(q.text): q.id for q in evidence.survey.questions.values()}
    for other in evidence.other_surveys:
        same = [(first[_words(q.text)], q.id) for q in other.questions.values() if _words(q.text) in first]
        for community in sorted(set(evidence.survey.communities) & set(other.communities)):
            apart = {a: _apart(evidence.survey, other, a, b, community) for a, b in same}
            both = {a: distance for a, distance in apart.items() if distance is not None}
            if both:
                against = [a for a, distance in both.items() if distance > _UNLIKE]
                yield f"{evidence.survey.name} and {other.name}", community, against, len(both)


def _apart(one: Survey, other: Survey, a: str, b: str, community: str) -> float | None:
    """How far apart the shares of the same options are; None where the options are others, or nobody was asked."""
    shares = []
    for survey, question in ((one, a), (other, b)):
        found, options = survey.distribution(question, community), survey.questions[question].options
        if found is None or sum(found.probs_O) <= 0:
            return None
        shares.append(dict(zip(map(_words, options), found.normalised(), strict=True)))
    first, second = shares
    if first.keys() != second.keys() or len(first) != len(one.questions[a].options):
        return None
    return float(total_variation(list(first.values()), [second[option] for option in first]))


def _pair_contradictions(pairs: Sequence[PreferencePair]) -> Iterator[tuple[str, str, list[str], int]]:
    """Two sources that judged the same two responses in one community, and the majorities are opposed."""
    votes: dict[tuple[str, str, tuple[str, str]], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for p in pairs:
        two = tuple(sorted((p.chosen, p.rejected)))
        votes[p.community, prompt_text(p.prompt), two][p.source or "unnamed"] += 1 if p.chosen == two[0] else -1  # type: ignore[index]
    found: dict[tuple[str, str], list[tuple[str, bool]]] = defaultdict(list)
    for (community, prompt, _), by_source in votes.items():
        names = sorted(by_source)
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                found[f"{a} and {b}", community].append((prompt, by_source[a] * by_source[b] < 0))
    for (sources, community), both in sorted(found.items()):
        yield sources, community, [prompt[:80] for prompt, against in both if against], len(both)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _institutional(p: PreferencePair) -> bool:
    origin = str(p.extra.get("origin", "")).lower()
    return origin == "institutional" or (not origin and p.rater is None)


def _by_source(pairs: Sequence[PreferencePair]) -> dict[str, list[PreferencePair]]:
    found: dict[str, list[PreferencePair]] = {}
    for p in pairs:
        found.setdefault(p.source or "unnamed", []).append(p)
    return found


def _sources(raters: Mapping[str, Sequence[PreferencePair]]) -> str:
    return ", ".join(sorted({p.source or "unnamed" for own in raters.values() for p in own}))


PARTICIPATION = Audit(
    "participation",
    "who speaks, for whom, in whose words: few people, one voice, outsiders, no words, no terms, no questions",
    (
        Check(
            "few-people",
            "Do enough people speak for each community?",
            few_people,
            Threshold(30, 10, "with fewer raters our intervals cover less than they promise", below=True),
            "The community was reached by few, or its people had no reason to take part.",
            "Gather more people before steering; report the number beside every result.",
        ),
        Check(
            "one-voice",
            "Does no single person decide for a community?",
            one_voice,
            Threshold(0.2, 0.5, "a fifth of the say makes a community of five at most"),
            "Some people judged far more than others.",
            "Weigh raters equally, or cap the pairs of each.",
        ),
        Check(
            "outsiders",
            "Do people of the community judge for it?",
            outsiders,
            Threshold(0.1, 0.5, "one in ten; at half, others decide"),
            "Whoever was at hand judged.",
            "Ask people of the community; keep outsiders' pairs apart.",
        ),
        Check(
            "unlike-residents",
            "Are those who speak like those who live there?",
            unlike_residents,
            Threshold(0.1, 0.25, "one rater in ten would have to be another person"),
            "Panels reach the young, the connected and speakers of the larger languages.",
            "Invite those who are missing; until then weigh by group, and say who is missing.",
        ),
        Check(
            "own-words",
            "Do people say in their own words why, where and what it means?",
            no_words,
            Threshold(
                0.05, 0.0, "one record in twenty is enough to learn what was missed; never a risk by itself", True
            ),
            "Only choices were recorded: no thick data.",
            "Ask for a reason or a story with some of the choices (`context`).",
        ),
        Check(
            "institutional",
            "Do records come from people's lives as well as from institutions' questions?",
            institutional,
            Threshold(0.5, 1.0, "more than half; never a risk by itself"),
            "Surveys are at hand; lives are not.",
            "Add what people chose to say: their questions, their words.",
        ),
        Check(
            "terms",
            "Is every record used as its people and its licence allow?",
            terms,
            Threshold(0.0, 0.5, "one record is one too many"),
            "Terms were lost between those who gathered the records and those who use them.",
            "State licence and consent with every record.",
        ),
        Check(
            "not-asked",
            "Was each people asked what the others were asked?",
            not_asked,
            Threshold(0.1, 0.5, "one question in ten"),
            "Questions were left out where they were thought unfit, or not allowed.",
            "Say which questions are missing; do not fill them with other peoples' answers.",
        ),
        Check(
            "uncounted",
            "Is it known how many people stand behind each answer?",
            uncounted,
            Threshold(0.5, 1.0, "more than half; never a risk by itself"),
            "Only shares were published.",
            "Use the survey's own data, which has the numbers.",
        ),
        Check(
            "contradictions",
            "Do sources agree on what a people says?",
            contradictions,
            Threshold(0.2, 0.5, "shares more than 10 points apart, or opposed majorities, on a fifth of the questions"),
            "Sources asked other people, at other times, or a label stands for another people.",
            "Compare with the original publication; leave out the source that does not fit.",
        ),
    ),
)
