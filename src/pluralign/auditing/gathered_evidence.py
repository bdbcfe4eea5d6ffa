"""Evidence from the folders that runs leave behind, and from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.auditing.given_tables import read_axes, read_items, read_residents
from pluralign.auditing.policy_evidence import policy_answers, read_abilities
from pluralign.auditing.response_sets import (
    read_concepts,
    read_sets,
    scored_sets,
    with_word_rules,
)
from pluralign.audits import (
    Evidence,
    KnowledgeEvidence,
    PerturbedSet,
    PolicyEvidence,
    RewardMargins,
)
from pluralign.core import (
    NO_STEER,
    DamagedFile,
    FloatArray,
    InvalidSettings,
    NotEnoughData,
    PluralignError,
    PreferencePair,
    Survey,
    SurveySource,
    Tally,
    count_of,
)
from pluralign.evaluation import LazyMargins, TestPairs
from pluralign.evaluation.surveys import Numbering, Parser, ReadAnswer, read_all
from pluralign.models import open_reward_model
from pluralign.runs import AlignRun, AuditRun, KnowledgeRun, RewardRun, SurveyRun, TaskRun, open_run
from pluralign.runs.folder import RECORD
from pluralign.runs.withdrawn import read_withdrawn
from pluralign.settings.resolved_survey import survey_source
from pluralign.settings.validation import source_from
from pluralign.sources import JsonlPairs, read_answers
from pluralign.sources.pair_loading import load_pairs
from pluralign.surveying.survey_evaluation import fingerprint_of_survey

_OF_REWARDS = (
    *("communities.steered", "seeds", "settings.methods", "settings.limit", "settings.seed"),
    *("data.sources", "data.fingerprint"),
)
_OF_SURVEY = ("data.survey.name", "settings.evaluate.parser", "settings.evaluate.numbering")


_Audited = RewardRun | SurveyRun | AlignRun | KnowledgeRun
"""Runs whose folders have evidence."""


@dataclass(frozen=True, slots=True)
class Given:
    """The paths of an audit's evidence.

    Attributes:
        folder: Folder of a run of reward models, a survey, policies or a test of knowledge.
        answers: Files of recorded answers.
        surveys: Surveys; the first is the one that was answered.
        pairs: Files of pairs.
        residents: CSV of the residents of the communities.
        axes: Name of a theory and file of positions on its axes.
        items: JSONL of answers to items that need reasoning about cultures.
        abilities: CSV of the general ability of policies, before and after.
        sets: JSONL of responses with perturbed versions, or of scored ones.
        concepts: CSV of words for concepts and for those of other cultures.
        rewards: Folders of reward models that score the sets, or URLs of servers.
        parser: Parser of answers.
        numbering: Numbering of the options, for rows without labels.
    """

    folder: Path | None = None
    answers: Sequence[Path] = ()
    surveys: Sequence[SurveySource] = ()
    pairs: Sequence[Path] = ()
    residents: Path | None = None
    axes: Sequence[tuple[str, Path]] = ()
    items: Path | None = None
    abilities: Path | None = None
    sets: Path | None = None
    concepts: Path | None = None
    rewards: Sequence[str] = ()
    parser: Parser = "strict"
    numbering: Numbering = "auto"


@dataclass(slots=True)
class Gathered:
    """Evidence, with the counts of its rows.

    Attributes:
        evidence: The evidence.
        tallies: Name of an input -> its tally.
        licenses: Name of a source -> its terms.
        places: Community -> language -> name of its place, where a test of knowledge gives one.
    """

    evidence: Evidence
    tallies: dict[str, Tally] = field(default_factory=dict)
    licenses: dict[str, str] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def tally(self, name: str) -> Tally:
        """The tally of the input with a name."""
        return self.tallies.setdefault(name, Tally())


def gather(given: Given, methods: Sequence[str] | None = None) -> Gathered:
    """Read all given evidence.

    A missing input of a run does not stop the audit: the checks that need it are not assessed, and
    the reason is reported.

    Args:
        given: The paths of the evidence.
        methods: Methods of reward models to audit; all that steer if None.

    Raises:
        InvalidSettings: If the folder has no run, or the run has no such method.
        InvalidInput: If a file cannot be read.
        NotEnoughData: If there is no evidence.
    """
    found = Gathered(Evidence())
    run = _opened(given.folder)
    rewarded = run if isinstance(run, RewardRun) else None
    if methods is not None and rewarded is None:
        raise InvalidSettings(
            "methods are set, but there is no run of reward models", where="methods"
        )
    missing: list[str] = []
    survey, answers = _answered(given, run, found, missing)
    parts: dict[str, Any] = {
        "survey": survey,
        "answers": answers,
        "other_surveys": [_survey(s, found, k) for k, s in enumerate(given.surveys[1:], 2)],
        "pairs": _pairs(given, rewarded, found, missing),
        "rewards": _rewards(rewarded, methods, missing) if rewarded is not None else None,
        "seen": _seen(rewarded, methods) if rewarded is not None else None,
        "residents": read_residents(given.residents, found.tally("residents"))
        if given.residents
        else {},
        "axes": read_axes(given.axes, found.tally("axes")) if given.axes else {},
        "items": read_items(given.items, found.tally("items")) if given.items else (),
        "policies": _policies(given, run, found),
        "perturbed": _perturbed(given, found),
        "knowledge": _knowledge(run, found),
    }
    found.evidence = Evidence(**parts, missing=tuple(missing))
    if not any(parts[name] for name in _ENOUGH):
        hint = "; ".join(missing) or "name the folder of a run, --answers or --pairs"
        raise NotEnoughData("there is no evidence to audit", where=_place(given), hint=hint)
    return found


_ENOUGH = (
    *("survey", "answers", "other_surveys", "pairs", "rewards", "items"),
    *("policies", "perturbed", "knowledge"),
)
"""Parts of evidence, one of which is enough for an audit."""


def _policies(given: Given, run: _Audited | None, found: Gathered) -> PolicyEvidence | None:
    """The answers of a run's policies."""
    if not isinstance(run, AlignRun):
        if given.abilities is not None:
            raise InvalidSettings(
                "abilities are those of policies, but there is no run of policies",
                where="--abilities",
                hint="name the folder of a run of `pluralign align`",
            )
        return None
    abilities = read_abilities(given.abilities, found.tally("abilities")) if given.abilities else ()
    return policy_answers(run, abilities, found.tally("answers of policies"))


def _perturbed(given: Given, found: Gathered) -> list[PerturbedSet]:
    """Sets of responses with rewards, from the file or from reward models."""
    if given.sets is None:
        if given.rewards or given.concepts:
            raise InvalidSettings(
                "reward models and concepts are for sets of responses",
                where="--reward" if given.rewards else "--concepts",
                hint="name the file of sets: --sets FILE",
            )
        return []
    sets, scored = read_sets(given.sets, found.tally("sets"))
    if sets and not given.rewards:
        raise InvalidSettings(
            f"{count_of(len(sets), 'set')} without rewards",
            where=str(given.sets),
            hint="name the reward model that scores them: --reward FOLDER",
        )
    concepts = read_concepts(given.concepts, found.tally("concepts")) if given.concepts else {}
    ready = [with_word_rules(one, concepts) for one in sets]
    for where in given.rewards:
        model, name = open_reward_model(where), Path(where).name
        scored += scored_sets(ready, model, name, found.tally(f"versions scored by {name}"))
    if not scored:
        reasons = "; ".join(tally.why() for tally in found.tallies.values() if tally.why())
        raise NotEnoughData(
            "no set has a version that can be scored", where=str(given.sets), hint=reasons or None
        )
    return scored


def _place(given: Given) -> str | None:
    return None if given.folder is None else str(given.folder)


def _knowledge(run: _Audited | None, found: Gathered) -> KnowledgeEvidence | None:
    """The scored answers of a run to a test of knowledge."""
    if not isinstance(run, KnowledgeRun):
        return None
    test = run.record["data"]["test"]
    found.licenses[test["name"]] = test["license"] or "not stated"
    found.places = run.record.get("places", {})
    return KnowledgeEvidence(run.scored, run.languages)


def _opened(folder: Path | None) -> _Audited | None:
    """The run to audit, whose record names the sources of its evidence."""
    if folder is None:
        return None
    run = open_run(folder)
    if isinstance(run, AuditRun):
        raise InvalidSettings(
            "this is an audit, not a run", where=str(folder), hint="name the folder of the run"
        )
    if isinstance(run, TaskRun):
        raise InvalidSettings(
            "runs of `pluralign align --data task` have no audit",
            where=str(folder),
            hint="name the folder of a run with a reward model, or of a survey",
        )
    if isinstance(run, AlignRun | KnowledgeRun):
        return run
    for key in _OF_REWARDS if isinstance(run, RewardRun) else _OF_SURVEY:
        if not _holds(run.record, key):
            raise DamagedFile(
                f"not the record of a run of reward models or of a survey: no {key}",
                where=str(folder / RECORD),
                hint="run it again",
            )
    return run


def _holds(record: object, key: str) -> bool:
    """Whether a record has a dotted key."""
    for part in key.split("."):
        if not isinstance(record, Mapping) or part not in record:
            return False
        record = record[part]
    return True


def _answered(
    given: Given, run: _Audited | None, found: Gathered, missing: list[str]
) -> tuple[Survey | None, list[ReadAnswer]]:
    """The survey, and the answers to it: the given answers, else the answers of the run."""
    if given.answers and not given.surveys:
        raise InvalidSettings(
            "answers cannot be audited without their survey", where="--survey", hint="name it"
        )
    asked = run if isinstance(run, SurveyRun) else None
    paths, parser, numbering = list(given.answers), given.parser, given.numbering
    if not paths and asked is not None:
        paths = [asked.file("answers.jsonl")]
        parser, numbering = (asked.settings["evaluate"][key] for key in ("parser", "numbering"))
    if given.surveys:
        survey: Survey | None = _survey(given.surveys[0], found)
    else:
        recorded_survey = asked.record["data"]["survey"] if asked is not None else None
        survey = _told_survey(recorded_survey, found, missing)
    if survey is None or not paths:
        return survey, []
    tally = found.tally("answers")
    recorded = read_answers(paths, tally, options=survey.option_counts())
    read = read_all(recorded, survey, parser, numbering, tally)
    named = {one.answer.community for one in read if one.answer.community is not None}
    for strange in sorted(named - set(survey.communities)):
        tally.note(f"{strange} is not in the survey: its answers are not compared")
    return survey, read


def _told_survey(
    told: Mapping[str, Any] | None, found: Gathered, missing: list[str]
) -> Survey | None:
    """The survey that a run's record names."""
    if told is None:
        return None
    try:
        if "settings" not in told:
            raise InvalidSettings("the record, an early one, does not have its path")
        survey = _survey(
            survey_source({"source": told["name"]} | told["settings"], Path.cwd(), "record.json"),
            found,
        )
    except (PluralignError, OSError) as error:
        missing.append(
            f"the survey of the run cannot be read ({_line(error)}); give it with --survey"
        )
        return None
    if told.get("fingerprint", fingerprint_of_survey(survey)) != fingerprint_of_survey(survey):
        missing.append(
            "the survey of the run has changed since; it is not used: give another with --survey"
        )
        return None
    return survey


def _survey(source: SurveySource, found: Gathered, number: int = 1) -> Survey:
    """Read a survey; a further one of the same name gets a number."""
    again = f"survey {source.name}" in found.tallies
    name = f"{source.name} {number}" if again else source.name
    survey = source.survey(found.tally(f"survey {name}"))
    found.licenses[name] = source.license
    return replace(survey, name=f"{survey.name} {number}") if again else survey


def _pairs(
    given: Given, run: RewardRun | None, found: Gathered, missing: list[str]
) -> tuple[PreferencePair, ...]:
    """The pairs given, else those of the run, read again from their sources."""
    if given.pairs:
        loaded = load_pairs([JsonlPairs(path) for path in given.pairs], 1_000_000, 0)
        names = [path.name for path in given.pairs]
        for path, tally in zip(given.pairs, loaded.tallies, strict=True):
            found.tallies[path.name if names.count(path.name) == 1 else str(path)] = tally
        return loaded.pairs
    if run is None:
        return ()
    settings, told = run.settings, run.record["data"]["sources"]
    try:
        sources = [
            source_from({"source": s["name"]} | s["settings"], Path.cwd(), "record.json")
            for s in told
        ]
        gone = read_withdrawn(run.folder)
        loaded = load_pairs(sources, settings["limit"], settings["seed"], withdrawn=gone)
    except (PluralignError, OSError) as error:
        missing.append(
            f"the pairs of the run cannot be read ({_line(error)}); give them with --pairs"
        )
        return ()
    if loaded.fingerprint != run.record["data"]["fingerprint"]:
        missing.append(
            "the pairs of the run have changed since; they are not used: give the original ones "
            "with --pairs"
        )
        return ()
    for k, (source, tally) in enumerate(zip(sources, loaded.tallies, strict=True), 1):
        found.tallies[f"{source.name} {k}" if len(sources) > 1 else source.name] = tally
        found.licenses[source.name] = source.license
    return loaded.pairs


def _rewards(run: RewardRun, wanted: Sequence[str] | None, missing: list[str]) -> RewardMargins:
    """The margins of the run's repeats, one after the other, by method and steer."""
    strange = [method for method in wanted or () if method not in run.methods]
    if strange:
        raise InvalidSettings(
            "the run has no such method", where=strange[0], hint=f"it has {', '.join(run.methods)}"
        )
    margins: dict[str, Mapping[str, FloatArray]] = {}
    for method in wanted or run.methods:
        parts = [run.margins(method, seed) for seed in run.seeds]
        judged = TestPairs.join([pairs for pairs, _ in parts])
        joined, lacking = _joined([own for _, own in parts])
        if joined:
            margins[method] = joined.in_memory(len(judged))
        if lacking:
            missing.append(
                f"{method} is not steered to {', '.join(lacking)} in every repeat of the run (no "
                "training pairs there), so its margins for that steer are not audited"
            )
    return RewardMargins(judged, margins, tuple(run.steered))


def _seen(run: RewardRun, wanted: Sequence[str] | None) -> RewardMargins | None:
    """The margins of training pairs by method, where the run wrote them."""
    margins: dict[str, dict[str, FloatArray]] = {}
    judged: TestPairs | None = None
    for method in wanted or run.methods:
        found = [run.seen_margins(method, seed) for seed in run.seeds]
        parts = [one for one in found if one is not None]
        if parts and len(parts) == len(found):
            judged = TestPairs.join([pairs for pairs, _ in parts])
            margins[method] = {NO_STEER: np.concatenate([own for _, own in parts])}
    return None if judged is None else RewardMargins(judged, margins, tuple(run.steered))


def _joined(
    repeats: Sequence[Mapping[str, FloatArray]],
) -> tuple[LazyMargins, list[str]]:
    """Margins of each steer that all repeats have, and the steers that some repeat lacks."""
    steers: dict[str, None] = {}
    for own in repeats:
        steers |= dict.fromkeys(own)
    steers.pop(NO_STEER, None)
    shared = [steer for steer in steers if all(steer in own for own in repeats)]
    joined = LazyMargins(shared, lambda s: np.concatenate([own[s] for own in repeats]))
    return joined, [steer for steer in steers if steer not in shared]


def _line(error: Exception) -> str:
    """The message of an error, without its hint."""
    return str(error).partition("\n")[0]
