"""Numbers of the audit ``knowledge``: effects of language and place, fits to other cultures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import TypeVar

from pluralign.audits.checks import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.sentences import Language, Place, Sentence, Share, Value
from pluralign.core import Estimate
from pluralign.metrics import CultureFit, DefaultCulture, KnowledgeEffect, PairedMeans

Fit = TypeVar("Fit", CultureFit, DefaultCulture)
_SHOWN = 8
NO_ANSWERS = Skipped(
    "no scored answers to knowledge questions", "a folder that `pluralign knowledge score` wrote"
)
_ONE_CREDIT = "answers have a credit in one community only"
_SEVERAL = "a test with the same questions in several communities"
_LOOK = "Read the listed questions: the answer is the other community's common one."
_OTHER_PLACES = "the same questions about several places in one language"
_WORSE_IN_ENGLISH = (
    "{subject} knows {community} worse in English: the same questions score {share} in {language} "
    "and {other_share} in English."
)
_WORSE_IN_LOCAL = (
    "{subject} knows {community} worse in {language}: the same questions score {share} in it and "
    "{other_share} in English."
)
_OTHER_NAMED = (
    "{subject} responds as the people of {other}: asked in {language} about {community} by name, "
    "its answers score {share} in {other} and {other_share} in {community}."
)
_OTHER_UNNAMED = (
    "{subject} responds as the people of {other}: asked in {language} without the name of "
    "{community}, its answers score {share} in {other} and {other_share} in {community}."
)
_DEFAULT_IN_ENGLISH = (
    "{subject} falls back on {community}: asked about other places by name, in English, its "
    "answers score {share} in {community} and {other_share} in the places themselves."
)
_DEFAULT_NAMED = (
    "{subject} falls back on {community}: asked about other places by name, in their languages, "
    "its answers score {share} in {community} and {other_share} in the places themselves."
)
_DEFAULT_UNNAMED = (
    "{subject} falls back on {community}: asked in the languages of other places without naming "
    "them, its answers score {share} in {community} and {other_share} in the places themselves."
)


def language(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The effect of the language on answers about one place, and about other places."""
    yield from _without_answers(evidence)
    for subject, effects in _effects(evidence):
        found = [one for one in effects if one.kind in {"language", "home"}]
        if not found:
            yield Skipped(
                f"{subject}: one language for each place",
                "questions about one place in its language and in English",
            )
        for effect in found:
            yield (
                _of_language(subject, effect)
                if effect.kind == "language"
                else _of_home(subject, effect)
            )


def places_alike(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How much better answers about a place fit it than answers about other places do."""
    yield from _without_answers(evidence)
    for subject, effects in _effects(evidence):
        found = [one for one in effects if one.kind == "place" and not one.community]
        if not found:
            yield Skipped(f"{subject}: one place in each language", _OTHER_PLACES)
        for effect in found:
            yield _measured(
                subject,
                None,
                effect.means,
                1.0,
                ("effect_of_place", "credit", "credit_about_others"),
                "{subject} hardly distinguishes places: in {language}, answers about a place "
                "score {share} there, and answers about other places {other_share}.",
                {"language": Language(effect.language)},
                "Compare the answers to one question about several places.",
            )


def wrong_neighbour(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Whether answers about another place fit a place better than answers about itself."""
    yield from _without_answers(evidence)
    for subject, effects in _effects(evidence):
        found: dict[tuple[str, str], list[KnowledgeEffect]] = {}
        for effect in effects:
            if effect.kind == "place" and effect.other:
                found.setdefault((effect.community, effect.language), []).append(effect)
        if not found:
            yield Skipped(f"{subject}: one place in each language", _OTHER_PLACES)
        for (community, spoken), pairs in found.items():
            worst = min(pairs, key=lambda one: one.means.difference.value)
            yield _measured(
                subject,
                community,
                worst.means,
                -1.0,
                ("gained_about_other", "credit", "credit_about_other"),
                "{subject} takes {other} for {community}: in {language}, answers about {other} "
                "score {other_share} in {community}, those about {community} itself {share}.",
                {"other": Place(worst.other), "language": Language(spoken)},
                "Read the listed questions: the answer about the other place is common here.",
                picked_of=len(pairs),
            )


def other_people(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Whether answers about a place fit another community better than the place itself."""
    yield from _without_answers(evidence)
    if evidence.knowledge is not None:
        yield from _of_each(evidence.knowledge.fits, _of_fit)


def default_culture(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Whether answers about all other places fit one community better than these places."""
    yield from _without_answers(evidence)
    if evidence.knowledge is not None:
        yield from _of_each(evidence.knowledge.defaults, _of_default)


def _without_answers(evidence: Evidence) -> Iterator[Skipped]:
    if evidence.knowledge is None:
        yield NO_ANSWERS


def _of_each(
    fits: Mapping[str, Sequence[Fit]], measured: Callable[[str, Fit], Measured | Skipped]
) -> Iterator[Measured | Skipped]:
    """Each subject's fits to cultures as numbers of an audit."""
    for subject, own in fits.items():
        if not own:
            yield Skipped(f"{subject}: {_ONE_CREDIT}", _SEVERAL)
        for fit in own:
            yield measured(subject, fit)


def _effects(evidence: Evidence) -> Iterator[tuple[str, Sequence[KnowledgeEffect]]]:
    """Each subject with its effects."""
    if evidence.knowledge is not None:
        yield from evidence.knowledge.effects.items()


def _of_language(subject: str, effect: KnowledgeEffect) -> Measured | Skipped:
    better = effect.means.difference.value >= 0
    return _measured(
        subject,
        effect.community,
        effect.means,
        1.0 if better else -1.0,
        ("lost_by_language", "credit_in_local_language", "credit_in_english"),
        _WORSE_IN_ENGLISH if better else _WORSE_IN_LOCAL,
        {"language": Language(effect.language)},
        "Compare both answers to the listed questions; only their language differs.",
    )


def _of_home(subject: str, effect: KnowledgeEffect) -> Measured | Skipped:
    return _measured(
        subject,
        effect.community,
        effect.means,
        1.0,
        ("gained_by_language", "credit_in_its_language", "credit_in_second_language"),
        "{subject} takes the language for the place: asked about other places in {language}, its "
        "answers score {share} in {community}, in their second language {other_share}.",
        {"language": Language(effect.language)},
        "Read the answers to the listed questions about other places, in both languages.",
    )


def _of_fit(subject: str, fit: CultureFit) -> Measured | Skipped:
    found = _measured(
        subject,
        fit.community,
        fit.lead,
        1.0,
        ("credit_beyond_own", "credit_in_other", "credit"),
        _OTHER_NAMED if fit.place_named else _OTHER_UNNAMED,
        {"other": Place(fit.default), "language": Language(fit.language)},
        _LOOK,
        picked_of=len(fit.credits) - 1,
    )
    if isinstance(found, Skipped):
        return found
    as_close = {f"credit_in_{name}_as_close": fit.credits[name] for name in fit.as_close}
    return replace(found, numbers={**found.numbers, **as_close})


def _of_default(subject: str, default: DefaultCulture) -> Measured | Skipped:
    """A default culture; the numbers have each place, too."""
    named = _DEFAULT_IN_ENGLISH if default.in_english else _DEFAULT_NAMED
    found = _measured(
        subject,
        None,
        default.lead,
        1.0,
        ("credit_beyond_own", "credit_in_default", "credit"),
        named if default.place_named else _DEFAULT_UNNAMED,
        {"community": Place(default.community)},
        _LOOK,
        picked_of=default.candidates,
    )
    if isinstance(found, Skipped):
        return found
    places = {f"beyond_own_of_{p}": one.difference for p, one in default.by_place.items()}
    return replace(found, community=default.community, numbers={**found.numbers, **places})


def _measured(
    subject: str,
    community: str | None,
    means: PairedMeans,
    sign: float,
    names: tuple[str, str, str],
    template: str,
    values: Mapping[str, Value],
    look: str,
    picked_of: int = 1,
) -> Measured | Skipped:
    """A difference of two credits, times a sign, as a number of an audit."""
    if not isfinite(means.error):
        return Skipped(f"{subject}: all questions have one topic", "questions of two topics")
    difference: Estimate = means.difference if sign > 0 else -means.difference
    beyond = {q: sign * d for q, d in means.by_question.items() if sign * d > 0}
    largest = sorted(beyond, key=lambda q: -beyond[q])[:_SHOWN]
    ids = tuple(q if community is None else f"{community}/{q}" for q in largest)
    shares = {"share": Share(means.first.value), "other_share": Share(means.second.value)}
    place = {} if community is None else {"community": Place(community)}
    return Measured(
        subject=subject,
        community=community,
        value=difference.value,
        error=means.error,
        numbers=dict(zip(names, (difference, means.first, means.second), strict=True)),
        claim=Sentence(template, {"subject": subject, **place, **values, **shares}),
        rows=Rows("questions", len(beyond), ids),
        look=look,
        picked_of=picked_of,
        clusters=means.topics,
    )
