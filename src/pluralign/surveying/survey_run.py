"""Run a survey: ask a respondent, record every answer at once, then measure all answers."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.asking import CultureTables, Putting, Strategy, culture_tables, load_strategy, put
from pluralign.core import (
    AnyPath,
    Ask,
    InvalidSettings,
    NotEnoughData,
    Reply,
    Reporter,
    Survey,
    Tally,
    as_path,
    count_of,
    rng_for,
)
from pluralign.respondents.recorded import RecordedRespondent
from pluralign.runs.claim import claimed, note_earlier
from pluralign.runs.folder import RunFolder
from pluralign.runs.progress_bars import reporting
from pluralign.settings.resolved_survey import ResolvedSurvey, resolve_survey
from pluralign.settings.survey import CHANGES_NO_ANSWER, AskingSettings
from pluralign.settings.toml_tables import shown
from pluralign.sources import read_neighbours, read_similarity
from pluralign.surveying.respondents import notes_of, open_respondent
from pluralign.surveying.survey_evaluation import SurveyOutcome, evaluate_answers

RECORDED = "recorded.jsonl"


def run_survey(
    resolved: ResolvedSurvey | AnyPath | Mapping[str, Any],
    out: AnyPath,
    reporter: Reporter | None = None,
    fresh: bool = False,
) -> SurveyOutcome:
    """Ask, record and measure; a run that was stopped is resumed.

    The folder has ``recorded.jsonl`` (every answer as returned) and the files of
    `evaluate_answers`.

    Args:
        resolved: The survey: a TOML file, its tables, or what `resolve_survey` made of them.
        out: The folder; recorded answers of the same run in it are not asked for again.
        reporter: Receives the progress. Default: a bar in a notebook and on a terminal.
        fresh: Whether to start again instead of resuming.

    Raises:
        PluralignError: If the survey or the respondent does not allow the run; recorded answers
            stay in the folder.
    """
    if not isinstance(resolved, ResolvedSurvey):
        resolved = resolve_survey(resolved)
    with reporting(reporter) as drawn:
        return _run(resolved, as_path(out), drawn, fresh)


def _run(resolved: ResolvedSurvey, out: Path, reporter: Reporter, fresh: bool) -> SurveyOutcome:
    settings = resolved.settings
    tally = Tally()
    survey = resolved.source.survey()
    asks = put_asks(resolved, survey, tally)
    for reason, n in tally.dropped.items():
        reporter.note(f"not asked: {n:,} {reason}")
    with claimed(RunFolder(out), _fingerprint(resolved, asks), fresh) as faults:
        note_earlier(reporter, out, faults)
        _ask(resolved, survey, asks, out, reporter)
        return evaluate_answers(
            [out / RECORDED],
            resolved.source,
            out,
            parser=settings.evaluate.parser,
            numbering="codes" if settings.asking.numbering == "codes" else "one",
            communities=settings.communities,
            seed=settings.seed,
            draws=settings.evaluate.draws,
            reporter=reporter,
            settings=shown(settings),
        )


def _ask(
    resolved: ResolvedSurvey, survey: Survey, asks: list[Ask], out: Path, reporter: Reporter
) -> None:
    """Open the model, and ask for the answers that are not in the folder yet."""
    settings = resolved.settings
    reporter.stage("opening the model")
    respondent = open_respondent(
        settings.model, settings.method, settings.sampling, settings.seed, survey, reporter.note
    )
    for note in notes_of(respondent):
        reporter.note(note)
    failures = ask_all(RecordedRespondent(respondent, out / RECORDED), asks, reporter)
    note_failures(failures, reporter)
    if failures and len(failures) == len(asks):
        raise NotEnoughData(
            f"all {count_of(len(asks), 'ask')} failed",
            where=settings.model.name or settings.model.kind,
            hint="fix the causes in the notes, then run the same command again",
        )


def asks_of(resolved: ResolvedSurvey) -> list[Ask]:
    """All asks of a survey run, in their order."""
    return put_asks(resolved, resolved.source.survey(), Tally())


def put_asks(resolved: ResolvedSurvey, survey: Survey, tally: Tally) -> list[Ask]:
    """The asks of every strategy, over the same questions.

    Raises:
        InvalidSettings: If two strategies have the same name.
        NotEnoughData: If there is no ask.
    """
    settings = resolved.settings
    communities = _known_communities(settings.communities, survey, tally)
    questions = chosen_questions(survey, settings.limit, settings.seed)
    strategies = _strategies(settings.strategies)
    needs = frozenset().union(*(strategy.needs for strategy in strategies))
    cultures = culture_tables(survey, cultures_of(settings.asking) or CultureTables(), needs)
    asking = settings.asking
    putting = Putting(
        numbering=asking.numbering,
        orders=asking.orders,
        paraphrases=asking.paraphrases,
        draws=asking.draws,
        seed=settings.seed,
        languages=asking.languages,
    )
    asks: list[Ask] = []
    for strategy in strategies:
        asks += put(
            strategy,
            survey,
            communities,
            questions,
            cultures=cultures,
            putting=putting,
            tally=tally,
        )
    if not asks:
        raise NotEnoughData(
            "there is no question to ask", hint="; ".join(tally.dropped) or "check the communities"
        )
    return asks


def _known_communities(wanted: Sequence[str] | None, survey: Survey, tally: Tally) -> Sequence[str]:
    """The wanted communities in the survey; the other ones are counted, and are not asked for."""
    for missing in sorted(set(wanted or ()) - set(survey.communities)):
        tally.drop(f"community that the survey does not have: {missing}")
    known = [c for c in wanted or survey.communities if c in survey.communities]
    if not known:
        raise NotEnoughData(
            "the survey has none of these communities",
            hint=f"it has {', '.join(survey.communities[:20])}",
        )
    return known


def _strategies(wanted: Sequence[str]) -> list[Strategy]:
    found = [load_strategy(name) for name in wanted]
    names = [strategy.name for strategy in found]
    for strategy in found:
        if names.count(strategy.name) > 1:
            raise InvalidSettings(
                f"strategies must have different names, got {strategy.name!r} twice",
                where="strategies",
                hint="results name a strategy by its file: rename your copy",
            )
    return found


def cultures_of(settings: AskingSettings) -> CultureTables | None:
    """The tables of similar cultures and near questions that settings name; None without any."""
    if settings.similarity is None and settings.neighbours is None:
        return None
    return CultureTables(
        similarity=read_similarity(settings.similarity) if settings.similarity else {},
        neighbours=read_neighbours(settings.neighbours) if settings.neighbours else {},
    )


def chosen_questions(survey: Survey, limit: int | None, seed: int) -> list[str]:
    """Ids of all questions, or of ``limit`` questions drawn by the seed."""
    ids = list(survey.questions)
    if limit is None or limit >= len(ids):
        return ids
    chosen = rng_for(seed, "questions").choice(len(ids), limit, replace=False)
    return [ids[i] for i in np.sort(chosen)]


def ask_all(respondent: RecordedRespondent, asks: list[Ask], reporter: Reporter) -> list[str]:
    """Ask for the answers that are not recorded yet; return the reasons of failed asks."""
    reporter.stage(f"asking {respondent.name}")
    if respondent.damaged:
        reporter.note(
            f"{count_of(respondent.damaged, 'damaged answer')} left out, to be asked for again"
        )
    done = 0

    def count(_: int, __: Reply) -> None:
        nonlocal done
        done += 1
        reporter.progress(done, len(asks))

    replies = respondent.answer(asks, count)
    return [reply.failure for reply in replies if reply.failure is not None]


def note_failures(failures: Sequence[str], reporter: Reporter, about: str = "") -> None:
    """Note the number of failed asks for each of the most frequent reasons.

    Args:
        failures: The reason of each ask that failed.
        reporter: Receives the notes.
        about: A prefix of the notes, such as the name of a model.
    """
    for reason, n in Counter(failures).most_common(3):
        text = f"{count_of(n, 'ask')} failed: {reason}; the same command asks them again"
        reporter.note(f"{about}: {text}" if about else text)


def _fingerprint(resolved: ResolvedSurvey, asks: list[Ask]) -> str:
    """A digest that changes whenever an answer could change: by model, asks or sampling."""
    left_out: dict[str, Any] = {
        "evaluate": True,
        "name": True,
        "survey": True,
        "model": CHANGES_NO_ANSWER,
    }
    settings = shown(resolved.settings, exclude=left_out)
    words = hashlib.sha256()
    for ask in asks:
        words.update(repr((ask.key, [(m.role, m.content) for m in ask.conversation])).encode())
    return hashlib.sha256(
        json.dumps([settings, words.hexdigest()], sort_keys=True).encode()
    ).hexdigest()
