"""Ask a respondent a test of knowledge, and record every answer at once."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.asking import KnowledgeAsk, KnowledgePutting, put_knowledge
from pluralign.core import (
    AnyPath,
    Ask,
    KnowledgeAnswer,
    KnowledgeQuestion,
    KnowledgeTest,
    NotEnoughData,
    Reply,
    Reporter,
    Tally,
    as_path,
    count_of,
    knowledge_answer_from_row,
    knowledge_answer_row,
    text_digest,
)
from pluralign.matching import stemmed
from pluralign.respondents.recorded import AnswerRows, RecordedRespondent
from pluralign.runs.claim import claimed, note_earlier
from pluralign.runs.folder import RECORD, RunFolder
from pluralign.runs.progress_bars import reporting
from pluralign.runs.record import counts_of
from pluralign.settings.resolved_knowledge import ResolvedKnowledge, resolve_knowledge
from pluralign.settings.survey import CHANGES_NO_ANSWER
from pluralign.settings.toml_tables import shown
from pluralign.sources.knowledge_reading import read_knowledge
from pluralign.surveying.knowledge_notes import (
    notes_before,
    notes_on_places,
    notes_on_tokens,
    reasons_not_asked,
    same_words,
)
from pluralign.surveying.respondents import notes_of, open_knowledge_respondent
from pluralign.surveying.survey_run import ask_all, note_failures

ANSWERS, ASKED = "answers.jsonl", "asked.json"


@dataclass(frozen=True, slots=True)
class KnowledgeAsked:
    """The asks of a respondent, and its answers.

    Attributes:
        asks: The asks.
        answers: The answers, those of failed asks left out.
        failed: Number of asks that failed; the same command asks them again.
        tally: Asks that could not be made, by reason.
    """

    asks: Sequence[KnowledgeAsk]
    answers: Sequence[KnowledgeAnswer]
    failed: int
    tally: Tally


def run_knowledge(
    resolved: ResolvedKnowledge | AnyPath | Mapping[str, Any],
    out: AnyPath,
    reporter: Reporter | None = None,
    fresh: bool = False,
) -> KnowledgeAsked:
    """Ask and record; a run that was stopped is resumed.

    The folder has ``answers.jsonl``, with every answer as returned, and ``asked.json``, with the
    settings by which `score_folder` finds the test again.

    Args:
        resolved: The settings: a TOML file, its tables, or what `resolve_knowledge` made of them.
        out: The folder; recorded answers of the same run in it are not asked for again.
        reporter: Receives the progress. Default: a bar in a notebook and on a terminal.
        fresh: Whether to start again instead of resuming.

    Raises:
        PluralignError: If the test or the respondent does not allow the run; recorded answers stay
            in the folder.
    """
    if not isinstance(resolved, ResolvedKnowledge):
        resolved = resolve_knowledge(resolved)
    with reporting(reporter) as drawn:
        return _run(resolved, as_path(out), drawn, fresh)


def _run(resolved: ResolvedKnowledge, out: Path, reporter: Reporter, fresh: bool) -> KnowledgeAsked:
    settings, read, tally = resolved.settings, Tally(), Tally()
    test = read_knowledge(resolved.source, read)
    asks = knowledge_asks(resolved, test, tally)
    for note in notes_before(asks, read, tally):
        reporter.note(note)
    if False in settings.place_named:
        for note in notes_on_places(_asked_about(resolved, test), settings.languages):
            reporter.note(note)
    with claimed(RunFolder(out), _fingerprint(resolved, asks), fresh) as faults:
        note_earlier(reporter, out, faults)
        folder = RunFolder(out)
        folder.write_json(ASKED, _record(resolved, test, asks, read, tally))
        reporter.stage("opening the model")
        respondent = open_knowledge_respondent(settings, test, reporter.note)
        for note in (*notes_of(respondent), *notes_on_tokens(respondent, asks)):
            reporter.note(note)
        rows = _rows_of(asks)
        recorded = RecordedRespondent(respondent, out / ANSWERS, rows, same_words)
        put = [one.ask for one in asks]
        if len(recorded.known(put)) < len(put):
            folder.begin(RECORD)  # Earlier scores are of fewer answers.
        failures = ask_all(recorded, put, reporter)
        note_failures(failures, reporter)
    if len(failures) == len(asks):
        raise NotEnoughData(
            f"all {count_of(len(asks), 'ask')} failed",
            where=settings.model.name or settings.model.kind,
            hint="fix the causes in the notes, then run the same command again",
        )
    answers = recorded.known(put)
    return KnowledgeAsked(
        asks=asks,
        answers=[
            one.answered(recorded.name, answers[one.ask.key])
            for one in asks
            if one.ask.key in answers
        ],
        failed=len(failures),
        tally=tally,
    )


def knowledge_asks(
    resolved: ResolvedKnowledge, test: KnowledgeTest, tally: Tally
) -> list[KnowledgeAsk]:
    """All asks of a run, in their order.

    Args:
        resolved: The settings.
        test: The test that they name.
        tally: Counts the asks that cannot be made, by reason.

    Raises:
        NotEnoughData: If there is no ask; the hint has the reasons.
    """
    settings = resolved.settings
    for missing in sorted(set(settings.communities or ()) - set(test.communities)):
        tally.drop(f"community that the test does not have: {missing}")
    putting = KnowledgePutting(
        languages=settings.languages,
        place_named=settings.place_named,
        forms=settings.forms,
        options=settings.options,
        shows_options=settings.method == "generate",
        draws=settings.draws,
        seed=settings.seed,
        limit=settings.limit,
    )
    asks = put_knowledge(test, _asked_about(resolved, test), putting, tally, stemmed)
    if not asks:
        reasons = [f"{reason}: {counts}" for reason, counts in reasons_not_asked(tally)]
        reasons += tally.advice
        raise NotEnoughData(
            "there is no question to ask", where=test.name, hint="; ".join(reasons) or None
        )
    return asks


def _asked_about(resolved: ResolvedKnowledge, test: KnowledgeTest) -> list[KnowledgeQuestion]:
    """The questions about the communities that the settings name."""
    wanted = resolved.settings.communities or test.communities
    return [question for question in test.questions if question.community in wanted]


def _rows_of(asks: Sequence[KnowledgeAsk]) -> AnswerRows:
    by_key = {one.ask.key: one for one in asks}

    def written(name: str, ask: Ask, reply: Reply) -> Mapping[str, Any]:
        return knowledge_answer_row(by_key[ask.key].answered(name, reply))

    def read(row: Mapping[str, Any]) -> Reply:
        answer = knowledge_answer_from_row(row)
        return Reply(
            answer.text,
            finish_reason=answer.finish_reason,
            not_sent=answer.not_sent,
            log_probs_O=answer.log_probs or None,
        )

    return AnswerRows(written, read)


def _record(
    resolved: ResolvedKnowledge,
    test: KnowledgeTest,
    asks: Sequence[KnowledgeAsk],
    read: Tally,
    tally: Tally,
) -> dict[str, Any]:
    return {
        "name": resolved.settings.name,
        "settings": shown(resolved.settings),
        "test": {"name": test.name, "license": test.license} | counts_of(read),
        "questions": questions_digest(test),
        "asks": len(asks),
        "not_asked": dict(tally.dropped),
        "templates": {
            language: {"language": words.language, "machine_written": words.machine_written}
            for language, words in {o.ask.language: o.template for o in asks}.items()
        },
    }


def questions_digest(test: KnowledgeTest) -> str:
    """A digest of the words of a test that a model reads; counts of people may be corrected."""
    words = [(q.id, q.community, dict(q.texts), dict(q.options)) for q in test.questions]
    return text_digest(json.dumps(words, sort_keys=True))


def _fingerprint(resolved: ResolvedKnowledge, asks: Sequence[KnowledgeAsk]) -> str:
    """A digest that changes whenever an answer could change: by model, asks or sampling."""
    left_out: dict[str, Any] = {"name": True, "test": True, "model": CHANGES_NO_ANSWER}
    settings = shown(resolved.settings, exclude=left_out)
    words = hashlib.sha256()
    for one in asks:
        turns = [(m.role, m.content) for m in one.ask.conversation]
        words.update(repr((one.ask.key, one.ask.shown, turns)).encode())
    return hashlib.sha256(
        json.dumps([settings, words.hexdigest()], sort_keys=True).encode()
    ).hexdigest()
