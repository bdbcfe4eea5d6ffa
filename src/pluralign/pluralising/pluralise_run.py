"""Run CultureSPA stage by stage; a run that was stopped is resumed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pluralign.core import (
    AnyPath,
    ChatModel,
    Reporter,
    UnknownCommunity,
    as_path,
    count_of,
    listed,
)
from pluralign.pluralising.comparison import compare_models, measure_ability
from pluralign.pluralising.stages import (
    Work,
    answer_questions,
    collect_answers,
    keep_questions,
    write_questions,
)
from pluralign.pluralising.tuned_models import tune_models
from pluralign.runs.claim import claimed, note_earlier
from pluralign.runs.folder import RECORD, RunFolder
from pluralign.runs.progress_bars import reporting
from pluralign.runs.stages import (
    SUMMARY,
    read_summary,
    redone_stages,
    run_stage,
    stage_number,
    summaries_from,
)
from pluralign.settings.resolved_pluralise import STAGES, ResolvedPluralise, resolve_pluralise
from pluralign.surveying.respondents import open_chat_model

_KEPT = {"questions", "filter"}
"""Stages that never run again once they are done: their settings belong to the folder."""


@dataclass(frozen=True, slots=True)
class PluraliseOutcome:
    """The results of a run.

    Attributes:
        stages: Stage -> its summary, as in its ``summary.json``.
        record: Content of ``record.json``; empty if the run stopped before the last stage.
        results: Rows of ``results.jsonl``.
        comparisons: Rows of ``comparisons.jsonl``.
    """

    stages: Mapping[str, Mapping[str, Any]]
    record: Mapping[str, Any] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    comparisons: list[dict[str, Any]] = field(default_factory=list)

    def __repr__(self) -> str:
        return (
            f"PluraliseOutcome({count_of(len(self.stages), 'stage')} "
            f"({listed(list(self.stages))}); "
            f"{count_of(len(self.results), 'result')})"
        )


def run_pluralise(
    resolved: ResolvedPluralise | AnyPath | Mapping[str, Any],
    out: AnyPath,
    reporter: Reporter | None = None,
    *,
    until: str = STAGES[-1],
    again: str | None = None,
    fresh: bool = False,
) -> PluraliseOutcome:
    """Write questions, filter them, answer, collect, tune and evaluate.

    Every stage has a folder in ``out`` with its files and a ``summary.json``. ``record.json``,
    ``results.jsonl`` and ``comparisons.jsonl`` are written at the end.

    Args:
        resolved: The run: a TOML file, its tables, or what `resolve_pluralise` made of them.
        out: The folder.
        reporter: Receives the progress. Default: a bar in a notebook and on a terminal.
        until: The last stage to run.
        again: Redo this stage and the later ones.
        fresh: Whether to start again instead of resuming.

    Raises:
        PluralignError: If the settings, the survey or the model do not allow the run; finished
            stages are kept.
    """
    if not isinstance(resolved, ResolvedPluralise):
        resolved = resolve_pluralise(resolved)
    last = stage_number(STAGES, until, "until")
    redone = redone_stages(STAGES, again, fresh)
    folder = RunFolder(as_path(out))
    claim = claimed(folder, resolved.fingerprint, fresh, partial(summaries_from, STAGES))
    with reporting(reporter) as drawn, claim as faults:
        note_earlier(drawn, folder.path, faults)
        folder.remove(*redone)
        work = _work(resolved, folder, drawn)
        stages: dict[str, Mapping[str, Any]] = {}
        for name in STAGES[: min(last + 1, len(STAGES) - 1)]:
            stages[name] = _stage(work, name)
        if last < len(STAGES) - 1:
            return PluraliseOutcome(stages)
        return _finish(work, resolved, stages)


def read_stage(out: AnyPath, stage: str) -> dict[str, Any]:
    """Read the summary of a finished stage.

    Raises:
        InvalidSettings: If there is no such stage, or it did not run yet.
    """
    return read_summary(out, STAGES, stage)


_RUN: Mapping[str, Callable[[Work], dict[str, Any]]] = {
    "questions": write_questions,
    "filter": keep_questions,
    "answer": answer_questions,
    "collect": collect_answers,
    "tune": tune_models,
}


def _stage(work: Work, name: str) -> dict[str, Any]:
    """Run one stage, or read its summary if it is done."""
    done = work.folder.read_json(f"{name}/{SUMMARY}")
    if done is not None and (name in _KEPT or (name == "answer" and not done["failed"])):
        return done
    return run_stage(work.folder, name, partial(_RUN[name], work), work.reporter)


def _finish(
    work: Work, resolved: ResolvedPluralise, stages: dict[str, Mapping[str, Any]]
) -> PluraliseOutcome:
    since = time.perf_counter()
    outcome = compare_models(work, resolved.source)
    ability = measure_ability(work)
    stages["evaluate"] = {"seconds": round(time.perf_counter() - since, 2)}
    results = [*outcome.results, *ability]
    record = dict(outcome.record) | {
        "stages": stages,
        "seconds": {name: stage["seconds"] for name, stage in stages.items()},
        "outcome": [row for row in results if row["community"] is None],
    }
    work.folder.write_rows("results.jsonl", results)
    work.folder.write_json(RECORD, record)
    work.folder.write_json(f"evaluate/{SUMMARY}", stages["evaluate"])
    return PluraliseOutcome(stages, record, results, outcome.comparisons)


def _work(resolved: ResolvedPluralise, folder: RunFolder, reporter: Reporter) -> Work:
    survey = resolved.source.survey()
    communities = resolved.settings.communities or survey.communities
    missing = [c for c in communities if c not in survey.communities]
    if missing:
        raise UnknownCommunity(
            f"communities must be in the survey, got {', '.join(missing)}",
            where="communities",
            hint=f"it has {', '.join(survey.communities[:20])}",
        )
    opened: list[ChatModel] = []

    def open_chat() -> ChatModel:
        if not opened:
            reporter.stage("opening the model")
            opened.append(open_chat_model(resolved.settings.model, reporter.note))
            for note in getattr(opened[0], "notes", ()):
                reporter.note(note)
        return opened[0]

    return Work(
        settings=resolved.settings,
        survey=survey,
        communities=tuple(communities),
        folder=folder,
        reporter=reporter,
        open_chat=open_chat,
    )
