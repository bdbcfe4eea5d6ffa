"""Run `pluralign align` stage by stage; a run that was stopped is resumed."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pluralign.aligning.ability_change import ability_rows, need_tasks
from pluralign.aligning.adapter_cards import write_adapter_cards
from pluralign.aligning.align_record import record_of
from pluralign.aligning.best_of_n_curves import curve_rows
from pluralign.aligning.earlier_work import OUTCOME, check_same_samples, forget_outdated
from pluralign.aligning.gain_measures import gain_measures
from pluralign.aligning.palette_shares import check_palette
from pluralign.aligning.passing import judge_conditions, register_conditions
from pluralign.aligning.people_intervals import about_people
from pluralign.aligning.policy_folders import SETTINGS
from pluralign.aligning.policy_rows import policy_rows
from pluralign.aligning.prompt_checks import check_prompts
from pluralign.aligning.route_rows import route_rows
from pluralign.aligning.route_stage import fit_routers, need_router
from pluralign.aligning.sampling import check_sampled_by, sample_candidates
from pluralign.aligning.scoring import score_candidates, scored_candidates, write_test_prompts
from pluralign.aligning.selecting import select_answers
from pluralign.aligning.survey_change import check_survey, survey_rows
from pluralign.aligning.tuned_policies import tune_policies
from pluralign.aligning.work import (
    AlignWork,
    RewardModels,
    check_sides,
    read_all_prompts,
)
from pluralign.core import (
    AnyPath,
    ChatModel,
    InvalidSettings,
    Reporter,
    SteerableRewardModel,
    Tally,
    UnknownCommunity,
    as_path,
    count_of,
    known_community,
    listed,
)
from pluralign.huggingface.processes import process_count
from pluralign.models import open_reward_model
from pluralign.runs import Refits, refits_of
from pluralign.runs.claim import claimed, note_earlier
from pluralign.runs.folder import RECORD, RunFolder
from pluralign.runs.measured import RESULTS
from pluralign.runs.policies import PASS_FILE
from pluralign.runs.progress_bars import reporting
from pluralign.runs.stages import (
    SUMMARY,
    read_summary,
    redone_stages,
    run_stage,
    stage_number,
    summaries_from,
)
from pluralign.settings import ALIGN_STAGES, ResolvedAlign, resolve_align
from pluralign.settings.pass_file import read_pass_file
from pluralign.settings.toml_tables import shown
from pluralign.surveying.respondents import open_chat_model


@dataclass(frozen=True, slots=True)
class AlignOutcome:
    """The results of a run.

    Attributes:
        stages: Stage -> its summary, as in its ``summary.json``.
        record: Content of ``record.json``; empty if the run stopped before the last stage.
        results: Rows of ``results.jsonl``.
        judged: Content of ``pass.json``; None for a run without registered conditions.
    """

    stages: Mapping[str, Mapping[str, Any]]
    record: Mapping[str, Any] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    judged: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return (
            f"AlignOutcome({count_of(len(self.stages), 'stage')} ({listed(list(self.stages))}); "
            f"{count_of(len(self.results), 'result')})"
        )


def run_align(
    resolved: ResolvedAlign | AnyPath | Mapping[str, Any],
    out: AnyPath,
    reporter: Reporter | None = None,
    *,
    until: str = ALIGN_STAGES[-1],
    again: str | None = None,
    fresh: bool = False,
    workers: Executor | None = None,
) -> AlignOutcome:
    """Sample answers, score them under every community, and measure what choosing gains.

    Every stage has a folder in ``out`` with its files and a ``summary.json``. ``record.json`` and
    ``results.jsonl`` are written at the end.

    Args:
        resolved: The run: a TOML file, its tables, or what `resolve_align` made of them.
        out: The folder.
        reporter: Receives the progress. Default: a bar in a notebook and on a terminal.
        until: The last stage to run.
        again: Redo this stage and the later ones.
        fresh: Whether to start again instead of resuming.
        workers: Encode and score for the reward models (see `pluralign.scaling.workers_on`).
            Default: this process does.

    Raises:
        PluralignError: If the settings, the prompts or a model do not allow the run; finished
            stages are kept.
    """
    if not isinstance(resolved, ResolvedAlign):
        resolved = resolve_align(resolved)
    last = stage_number(ALIGN_STAGES, until, "until")
    redone = redone_stages(ALIGN_STAGES, again, fresh)
    folder = RunFolder(as_path(out))
    if not fresh:
        check_same_samples(folder, resolved)
    claim = claimed(folder, resolved.fingerprint, fresh, partial(summaries_from, ALIGN_STAGES))
    with reporting(reporter) as drawn, claim as faults:
        note_earlier(drawn, folder.path, faults)
        folder.remove(*redone, *(OUTCOME if redone else ()))
        work = open_work(resolved, folder, drawn, workers)
        _check_processes(work, last)
        checked = check_prompts(work)
        wanted = resolved.settings.evaluate.pass_file
        conditions = None if wanted is None else read_pass_file(wanted)
        registered = register_conditions(folder, conditions, drawn)
        forget_outdated(folder, resolved.settings, drawn)
        stages: dict[str, Mapping[str, Any]] = {"sample": _stage(work, "sample")}
        # Not before: a run that could not begin leaves nothing that keeps others out of its folder.
        folder.write_json(SETTINGS, shown(resolved.settings))
        for name in ALIGN_STAGES[1 : min(last + 1, len(ALIGN_STAGES) - 1)]:
            stages[name] = _stage(work, name)
        if last < len(ALIGN_STAGES) - 1:
            return AlignOutcome(stages)
        return _finish(work, stages, {"registered": registered, "prompts_checked": checked})


def read_align_stage(out: AnyPath, stage: str) -> dict[str, Any]:
    """Read the summary of a finished stage.

    Raises:
        InvalidSettings: If there is no such stage, or it did not run yet.
    """
    return read_summary(out, ALIGN_STAGES, stage)


_RUN: Mapping[str, Callable[[AlignWork], dict[str, Any]]] = {
    "sample": sample_candidates,
    "score": score_candidates,
    "select": select_answers,
    "tune": tune_policies,
    "route": fit_routers,
}


def _stage(work: AlignWork, name: str) -> dict[str, Any]:
    """Run one stage, or read the summary of samples that are complete."""
    done = work.folder.read_json(f"{name}/{SUMMARY}")
    if done is not None and name == "sample" and not done["failed"]:
        return done
    return run_stage(work.folder, name, partial(_RUN[name], work), work.reporter)


def _finish(
    work: AlignWork, stages: dict[str, Mapping[str, Any]], before: dict[str, Any]
) -> AlignOutcome:
    work.reporter.stage("evaluate")
    since = time.perf_counter()
    scored = scored_candidates(work)
    write_test_prompts(work, scored)
    measures = gain_measures(work, scored)
    if work.rewards.judge is not None:
        about = about_people(work.rewards.judge_refits)
        work.reporter.note(f"intervals over the people of the judge: {about}")
    results = curve_rows(work, scored, measures) if "best-of-n" in work.settings.methods else []
    results += policy_rows(work, scored, measures)
    results += route_rows(work, scored)
    results = [row for row in results if row["n"]]
    results += survey_rows(work)
    results += ability_rows(work)
    stages["evaluate"] = {"seconds": round(time.perf_counter() - since, 2)}
    record = record_of(work, stages) | before
    registered = before["registered"]
    judged = None if registered is None else judge_conditions(registered, results)
    if judged is not None:
        work.folder.write_json(PASS_FILE, judged)
    write_adapter_cards(work, record, results)
    work.folder.write_rows(RESULTS, results)
    work.folder.write_json(f"evaluate/{SUMMARY}", stages["evaluate"])
    work.folder.write_json(RECORD, record)
    return AlignOutcome(stages, record, results, judged)


def open_work(
    resolved: ResolvedAlign,
    folder: RunFolder,
    reporter: Reporter,
    workers: Executor | None = None,
) -> AlignWork:
    """Read the prompts and open the reward models of a run; its language model is opened later."""
    settings, tally = resolved.settings, Tally()
    prompts = read_all_prompts(settings, tally)
    for reason, n in tally.dropped.items():
        reporter.note(f"prompts left out: {n:,} {reason}")
    reward = settings.reward
    model = open_reward_model(reward.model, workers=workers)
    judge = None if reward.judge is None else open_reward_model(reward.judge, workers=workers)
    wanted = settings.communities or tuple(model.communities)
    communities = tuple(_followed(c, model.communities, "communities") for c in wanted)
    if judge is not None:
        for community in communities:
            _followed(community, judge.communities, f"reward.judge: {reward.judge}")
    opened: list[ChatModel] = []

    def open_chat() -> ChatModel:
        if not opened:
            reporter.stage("opening the model")
            opened.append(open_chat_model(settings.model, reporter.note))
            check_sampled_by(folder.path / "sample", opened[0])
            for note in getattr(opened[0], "notes", ()):
                reporter.note(note)
        return opened[0]

    rewards = RewardModels(model, judge, _refits(reward.judge, judge))
    work = AlignWork(
        settings,
        prompts,
        communities,
        folder,
        reporter,
        open_chat,
        rewards,
        tally,
        resolved.survey,
    )
    check_sides(work)
    need_router(work)
    check_survey(work)
    need_tasks(work)
    check_palette(work)
    return work


def _refits(where: str | None, judge: SteerableRewardModel | None) -> Refits | None:
    """The other fits of a judge; None without a judge, and of one behind a URL."""
    if where is None or judge is None or not Path(where).is_dir():
        return None
    return refits_of(Path(where), judge)


def _followed(label: str, known: Sequence[str], where: str) -> str:
    """The id of a community for which a reward model has a head of its own."""
    found = known_community(label, known, where)
    if found not in known:  # the world, which stands for the reference in a blend
        raise UnknownCommunity(
            f"the reward model has no rewards of its own for {found}",
            where=where,
            hint=f"it can be steered to {listed(known)}",
        )
    return found


def _check_processes(work: AlignWork, last: int) -> None:
    """Refuse several processes of a launcher for more than the stage ``tune``."""
    if process_count() == 1:
        return
    summary = work.folder.read_json(f"sample/{SUMMARY}")
    if last != ALIGN_STAGES.index("tune") or summary is None or summary["failed"]:
        raise InvalidSettings(
            "several processes share the stage tune only",
            where=f"{process_count()} processes",
            hint="first run --until select in one process, then --until tune under the launcher, "
            "then the rest in one process",
        )
