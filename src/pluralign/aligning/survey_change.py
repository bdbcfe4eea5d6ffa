"""Survey answers of the start model and of every tuned policy: a claim of its own.

A reward model's gain on prompts does not show that a policy answers a survey as its community's
people do. So the start model and each policy answer the same questions, and the similarity of their
answers to the people's is compared, with intervals over questions.
"""

import gc
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pluralign.aligning.earlier_work import made_for_these_settings
from pluralign.aligning.result_rows import START_MODEL, MeasuredPolicy, result_row
from pluralign.aligning.tuned_policies import policies
from pluralign.aligning.work import AlignWork
from pluralign.core import Ask, InvalidSettings, Respondent, Survey, Tally, listed, text_digest
from pluralign.evaluation.surveys import SIMILARITY
from pluralign.respondents.recorded import RecordedRespondent
from pluralign.settings import ResolvedSurvey
from pluralign.settings.toml_tables import shown
from pluralign.surveying import ask_all, open_respondent, put_asks
from pluralign.surveying.survey_evaluation import SurveyOutcome, evaluate_answers
from pluralign.surveying.survey_run import note_failures

_SURVEY = "survey_similarity"
CHANGE, OVER_SWAP = f"{_SURVEY}_change", f"{_SURVEY}_over_swap"
_FOLDER = "survey"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Respondent:
    """A model that answers the survey.

    Attributes:
        policy: Its name in rows.
        adapter: Its adapter; None for the start model.
    """

    policy: MeasuredPolicy
    adapter: Path | None

    @property
    def label(self) -> str:
        """Its name in the survey's files."""
        method = self.policy.method
        return method if self.adapter is None else f"{method}-{self.adapter.name}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """The survey as it is asked.

    Attributes:
        resolved: Its settings and source.
        people: The people's answers.
        communities: Communities of the run with people in it.
    """

    resolved: ResolvedSurvey
    people: Survey
    communities: tuple[str, ...]


def check_survey(work: AlignWork) -> None:
    """Check that the survey has people of the communities that are followed.

    Raises:
        InvalidSettings: If it has none of them.
    """
    if work.survey is not None:
        asked = _asked(work, work.survey)
        for missing in sorted(set(work.communities) - set(asked.communities)):
            note = f"the survey has no people of {missing}: no answers are compared with theirs"
            work.reporter.note(note)


def survey_rows(work: AlignWork) -> list[dict[str, Any]]:
    """Rows of the similarity to people before and after, of its change, and the swap control.

    ``survey_similarity_over_swap`` is the similarity of a policy to its community's people, less
    that of another community's policy of the same method (``against``) to the same people.
    Empty without a survey.
    """
    if work.survey is None:
        return []
    asked = _asked(work, work.survey)
    folder = work.stage_folder("evaluate") / _FOLDER
    respondents = [_Respondent(START_MODEL, None)]
    respondents += [_Respondent(name.measured, adapter) for name, adapter in policies(work)]
    files = [_ask(work, asked, one, folder) for one in respondents]
    work.reporter.stage("measuring survey answers")
    settings = asked.resolved.settings
    outcome = evaluate_answers(
        files,
        asked.resolved.source,
        folder,
        parser=settings.evaluate.parser,
        numbering="codes" if settings.asking.numbering == "codes" else "one",
        communities=asked.communities,
        seed=settings.seed,
        draws=settings.evaluate.draws,
        reporter=work.reporter,
        settings=shown(settings),
    )
    work.folder.list_files(f"evaluate/{_FOLDER}/*.json*")
    by_label = {one.label: one.policy for one in respondents}
    return [*_levels(outcome, by_label), *_differences(outcome, by_label)]


def _asked(work: AlignWork, resolved: ResolvedSurvey) -> _Asked:
    people = resolved.source.survey()
    known = tuple(c for c in work.communities if c in people.communities)
    if not known:
        raise InvalidSettings(
            "the survey has people of none of the communities that are followed",
            where="evaluate.survey",
            hint=f"it has {listed(people.communities)}; the run follows {listed(work.communities)}",
        )
    return _Asked(resolved, people, known)


def _ask(work: AlignWork, asked: _Asked, one: _Respondent, folder: Path) -> Path:
    """Ask a model what it has not answered yet; its file, whose name changes with the questions."""
    asks = _asks(work, asked, one)
    words = [[m.content for m in ask.conversation] for ask in asks]
    path = folder / f"{one.label}.{text_digest(json.dumps(words))[:8]}.asked.jsonl"
    respondent = _open(work, asked, one)
    recorded = made_for_these_settings(work, lambda: RecordedRespondent(respondent, path))
    failures = ask_all(recorded, asks, work.reporter)
    gc.collect()  # one model at a time
    note_failures(failures, work.reporter, about=one.label)
    return path


def _open(work: AlignWork, asked: _Asked, one: _Respondent) -> Respondent:
    changed: dict[str, object] = {"called": one.label}
    if one.adapter is not None:
        changed["adapter"] = one.adapter
    settings = asked.resolved.settings
    model = work.settings.model.model_copy(update=changed)
    return open_respondent(
        model, settings.method, settings.sampling, settings.seed, asked.people, work.reporter.note
    )


def _asks(work: AlignWork, asked: _Asked, one: _Respondent) -> list[Ask]:
    """The asks of a model: a policy of one community is asked in the name of no other one."""
    tally = Tally()
    settings = asked.resolved.settings.model_copy(update={"communities": asked.communities})
    asks = put_asks(replace(asked.resolved, settings=settings), asked.people, tally)
    for reason, n in tally.dropped.items():
        work.reporter.note(f"not asked: {n:,} {reason}")
    if one.policy.steer not in work.communities:
        return asks
    return [ask for ask in asks if ask.community in (None, one.policy.steer)]


def _levels(
    outcome: SurveyOutcome, by_label: Mapping[str, MeasuredPolicy]
) -> Iterator[dict[str, Any]]:
    for row in outcome.results:
        policy = by_label.get(row["model"])
        if row["metric"] == SIMILARITY and policy is not None and row["community"] is not None:
            yield _as_row(policy, _SURVEY, row)


def _differences(
    outcome: SurveyOutcome, by_label: Mapping[str, MeasuredPolicy]
) -> Iterator[dict[str, Any]]:
    """Changes against the start model, and differences of two communities' policies."""
    for row in outcome.comparisons:
        first, second = (by_label.get(row[key]) for key in ("model", "baseline_model"))
        if row["metric"] != SIMILARITY or first is None or second is None or first == second:
            continue
        if row["community"] is None or row["strategy"] != row["baseline_strategy"]:
            continue
        if second == START_MODEL:
            yield _as_row(first, CHANGE, row)
        elif first.method == second.method and row["community"] == first.steer:
            yield _as_row(first, OVER_SWAP, row) | {"against": second.steer}
        elif first.method == second.method and row["community"] == second.steer:
            yield _as_row(second, OVER_SWAP, _turned(row)) | {"against": first.steer}


def _as_row(policy: MeasuredPolicy, metric: str, row: Row) -> dict[str, Any]:
    interval = (row["low"], row["high"])
    found = result_row(policy, metric, row["community"], row["value"], interval, row["n"])
    return found | {"strategy": row["strategy"]}


def _turned(row: Row) -> dict[str, Any]:
    """The difference from the other side."""
    low, high = row["low"], row["high"]
    ends = {} if low is None else {"low": 0.0 - high, "high": 0.0 - low}
    return dict(row) | {"value": 0.0 - row["value"]} | ends
