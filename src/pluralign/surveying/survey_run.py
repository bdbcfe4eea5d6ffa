"""Put a survey to a respondent: every answer is kept the moment it is there, then all of them are measured."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
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
    Silent,
    Survey,
    Tally,
    as_path,
    count_of,
    rng_for,
)
from pluralign.respondents.recorded import RecordedRespondent
from pluralign.runs.claim import claimed, note_earlier
from pluralign.runs.folder import RunFolder
from pluralign.settings.resolved_survey import ResolvedSurvey
from pluralign.settings.survey import CHANGES_NO_ANSWER, AskingSettings
from pluralign.settings.toml_tables import shown
from pluralign.sources import read_neighbours, read_similarity
from pluralign.surveying.evaluation import SurveyOutcome, evaluate_answers
from pluralign.surveying.respondents import notes_of, open_respondent

RECORDED = "recorded.jsonl"


def run_survey(
    resolved: ResolvedSurvey, out: AnyPath, reporter: Reporter | None = None, fresh: bool = False
) -> SurveyOutcome:
    """Ask, record, measure; a run that was stopped goes on where it was.

    The folder holds ``recorded.jsonl`` (every answer as it came), and what `evaluate_answers`
    writes.

    Args:
        resolved: What to ask of whom.
        out: The folder; answers of the same run found there are not asked for again.
        reporter: Hears the progress.
        fresh: Begin anew, whatever is in the folder.

    Raises:
        PluralignError: If the survey or the respondent does not allow the run; answers had stay in
            the folder.
    """
    reporter, out = reporter or Silent(), as_path(out)
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
    """Open the model, and ask it what is not answered in the folder yet."""
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
            hint="mend what the notes name, then give the same command again",
        )


def asks_of(resolved: ResolvedSurvey) -> list[Ask]:
    """All that a survey asks, in the order in which it asks."""
    return put_asks(resolved, resolved.source.survey(), Tally())


def put_asks(resolved: ResolvedSurvey, survey: Survey, tally: Tally) -> list[Ask]:
    """The asks of every strategy, over one choice of questions.

    Raises:
        InvalidSettings: If two strategies have one name.
        NotEnoughData: If nothing is left to ask.
    """
    settings = resolved.settings
    communities = _known_communities(settings.communities, survey, tally)
    questions = chosen_questions(survey, settings.limit, settings.seed)
    strategies = _strategies(settings.strategies)
    needs = {place for strategy in strategies for place in strategy.needs}
    cultures = culture_tables(survey, cultures_of(settings.asking) or CultureTables(), needs)
    asking = settings.asking
    putting = Putting(
        numbering=asking.numbering,
        orders=asking.orders,
        paraphrases=asking.paraphrases,
        draws=asking.draws,
        seed=settings.seed,
    )
    asks = [
        ask
        for strategy in strategies
        for ask in put(
            strategy,
            survey,
            communities,
            questions,
            cultures=cultures,
            putting=putting,
            tally=tally,
        )
    ]
    if not asks:
        raise NotEnoughData(
            "nothing is left to ask", hint="; ".join(tally.dropped) or "check the communities"
        )
    return asks


def _known_communities(wanted: Sequence[str] | None, survey: Survey, tally: Tally) -> Sequence[str]:
    """Those whose people's answers the survey has: the others are counted, and nobody is asked for them."""
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
                f"two strategies are called {strategy.name!r}",
                where="strategies",
                hint="results tell strategies apart by the names of their files: give your copy another",
            )
    return found


def cultures_of(settings: AskingSettings) -> CultureTables | None:
    """The tables of alike cultures and near questions that settings name; None where they name none."""
    if settings.similarity is None and settings.neighbours is None:
        return None
    return CultureTables(
        similarity=read_similarity(settings.similarity) if settings.similarity else {},
        neighbours=read_neighbours(settings.neighbours) if settings.neighbours else {},
    )


def chosen_questions(survey: Survey, limit: int | None, seed: int) -> list[str]:
    """Ids of all questions, or of so many drawn by the seed."""
    ids = list(survey.questions)
    if limit is None or limit >= len(ids):
        return ids
    chosen = rng_for(seed, "questions").choice(len(ids), limit, replace=False)
    return [ids[i] for i in np.sort(chosen)]


def ask_all(respondent: RecordedRespondent, asks: list[Ask], reporter: Reporter) -> list[str]:
    """Ask what is not answered yet; the reasons of those that failed."""
    reporter.stage(f"asking {respondent.name}")
    if respondent.damaged:
        reporter.note(
            f"{respondent.damaged:,} recorded answers were damaged, and are asked for again"
        )
    done = 0

    def heard(_: int, __: Reply) -> None:
        nonlocal done
        done += 1
        reporter.progress(done, len(asks))

    replies = respondent.answer(asks, heard)
    return [reply.failure for reply in replies if reply.failure is not None]


def note_failures(failures: Sequence[str], reporter: Reporter, about: str = "") -> None:
    """Note how many asks failed for each of the most frequent reasons.

    Args:
        failures: The reason of each ask that failed.
        reporter: Receives the notes.
        about: What the notes begin with, such as the name of a model.
    """
    for reason, n in Counter(failures).most_common(3):
        text = f"{count_of(n, 'ask')} failed: {reason}; the same command asks them again"
        reporter.note(f"{about}: {text}" if about else text)


def _fingerprint(resolved: ResolvedSurvey, asks: list[Ask]) -> str:
    """Changes whenever an answer could change: who is asked, what, and how."""
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
