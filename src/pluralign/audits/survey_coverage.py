"""Checks of surveys: missing questions, unknown numbers of people, disagreeing sources."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from pluralign.audits.checks import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.raters import SHOWN
from pluralign.audits.respondent_answers import estimate
from pluralign.audits.sentences import Place, Sentence, Share
from pluralign.core import Estimate, PreferencePair, Survey, prompt_text
from pluralign.metrics import draw_means, standard_error, total_variation

_UNLIKE = 0.1


def not_asked(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of the common questions that this community was not asked.

    A question is common if at least half of the communities were asked it.
    """
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
            subject=survey.name,
            community=community,
            value=len(missing) / len(common),
            error=0.0,
            numbers={"not_asked": Estimate(len(missing) / len(common), None, None, len(common))},
            claim=Sentence(
                "The people of {community} were not asked {count} of {total} questions that most "
                "others were asked.",
                {"community": Place(community), "count": len(missing), "total": len(common)},
            ),
            rows=Rows("questions", len(missing), tuple(missing[:SHOWN])),
            look="Read the listed questions: do not interpret missing answers.",
        )


def uncounted(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of a survey's distributions without the number of people behind them."""
    surveys = [s for s in (evidence.survey, *evidence.other_surveys) if s is not None]
    if not surveys:
        yield Skipped("no survey", "a survey of people (--survey)")
    for survey in surveys:
        n = len(survey.distributions)
        bare = [d for d in survey.distributions if not d.n]
        yield Measured(
            subject=survey.name,
            community=None,
            value=len(bare) / n if n else 0.0,
            error=0.0,
            numbers={"without_people": Estimate(len(bare) / max(n, 1), None, None, max(n, 1))},
            claim=Sentence(
                "{share} of the answers in {subject} come without the number of people who gave "
                "them, so no interval over people can be computed.",
                {"share": Share(len(bare) / max(n, 1)), "subject": survey.name},
            ),
            rows=Rows(
                "distributions",
                len(bare),
                tuple(f"{d.community}/{d.question}" for d in bare[:SHOWN]),
            ),
            look="Look for the sample sizes in the survey's documentation.",
        )


def contradictions(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of the common questions of two sources on which they contradict each other."""
    compared = list(_survey_contradictions(evidence)) + list(_pair_contradictions(evidence.pairs))
    if not compared:
        yield Skipped(
            "no two sources cover the same question in the same community",
            "a second source",
        )
    for sources, community, against, n in compared:
        value = np.array([1.0] * len(against) + [0.0] * (n - len(against)))
        rng = context.rng("contradictions", sources, community)
        draws = draw_means(value, list(range(n)), rng, context.draws)
        yield Measured(
            subject=sources,
            community=community,
            value=float(value.mean()),
            # One question has no spread; an infinite error keeps its value a note at most.
            error=standard_error(draws) if n > 1 else float("inf"),
            numbers={"contradicted": estimate(value.mean(), draws, n)},
            claim=Sentence(
                "{subject} contradict each other on {community}: on {count} of {total} questions "
                "that both have.",
                {
                    "subject": sources,
                    "community": Place(community),
                    "count": len(against),
                    "total": n,
                },
            ),
            rows=Rows("questions", len(against), tuple(against[:SHOWN])),
            look="Find out which people each source asked, and at what time, before using either.",
        )


def _survey_contradictions(evidence: Evidence) -> Iterator[tuple[str, str, list[str], int]]:
    if evidence.survey is None:
        return
    for other in evidence.other_surveys:
        same = _same_questions(evidence.survey, other)
        for community in sorted(set(evidence.survey.communities) & set(other.communities)):
            apart = {a: _apart(evidence.survey, other, a, b, community) for a, b in same}
            both = {a: distance for a, distance in apart.items() if distance is not None}
            if both:
                against = [a for a, distance in both.items() if distance > _UNLIKE]
                yield f"{evidence.survey.name} and {other.name}", community, against, len(both)


def _same_questions(one: Survey, other: Survey) -> list[tuple[str, str]]:
    """Ids, in each survey, of the questions that have the same words in both."""
    # By their words, because the ids of two surveys have nothing in common.
    first = {_words(q.text): q.id for q in one.questions.values()}
    same = []
    for question in other.questions.values():
        words = _words(question.text)
        if words in first:
            same.append((first[words], question.id))
    return same


def _apart(one: Survey, other: Survey, a: str, b: str, community: str) -> float | None:
    """Distance between two surveys' shares; None if the options differ or nobody was asked."""
    shares = []
    for survey, question in ((one, a), (other, b)):
        found = survey.distribution(question, community)
        options = survey.questions[question].options
        if found is None or sum(found.probs_O) <= 0:
            return None
        shares.append(dict(zip(map(_words, options), found.normalised(), strict=True)))
    first, second = shares
    # The second condition: two options with the same words would have become one.
    if first.keys() != second.keys() or len(first) != len(one.questions[a].options):
        return None
    return float(total_variation(list(first.values()), [second[option] for option in first]))


def _pair_contradictions(
    pairs: Sequence[PreferencePair],
) -> Iterator[tuple[str, str, list[str], int]]:
    """Sources whose majorities oppose each other on the same two responses in one community."""
    votes: dict[tuple[str, str, tuple[str, str]], dict[str, int]] = defaultdict(
        lambda: defaultdict(int)
    )
    for p in pairs:
        # Sorted, so that opposite choices between two responses count against each other.
        first, second = sorted((p.chosen, p.rejected))
        by_source = votes[p.community, prompt_text(p.prompt), (first, second)]
        by_source[p.source or "unnamed"] += 1 if p.chosen == first else -1
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
