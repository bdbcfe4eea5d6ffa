"""Score recorded answers to a test of knowledge, and write the results."""

import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.core import (
    MANIFEST,
    AnyPath,
    InvalidSettings,
    KnowledgeAnswer,
    KnowledgeTest,
    NotEnoughData,
    Reporter,
    Silent,
    Tally,
    as_path,
    count_of,
    file_digest,
    place_names,
)
from pluralign.evaluation.knowledge import AnswerScorer, KnowledgeRow, ScoredText, knowledge_rows
from pluralign.matching import stemmed
from pluralign.runs.finished import read_object
from pluralign.runs.folder import RECORD, RunFolder
from pluralign.runs.knowledge import SCORED
from pluralign.runs.measured import RESULTS
from pluralign.runs.record import counts_of
from pluralign.settings.resolved_knowledge import knowledge_source, paths_of
from pluralign.sources.knowledge_reading import KnowledgeSource, read_knowledge
from pluralign.sources.recorded_knowledge import (
    UNSIGNED_WORDS,
    KnowledgeNames,
    answer_files,
    read_knowledge_answers,
)
from pluralign.sources.row_files import BLANK_LINE
from pluralign.surveying.judging import JudgedAnswers, JudgeModel, judged_answers
from pluralign.surveying.knowledge_run import ANSWERS, ASKED, questions_digest


@dataclass(frozen=True, slots=True)
class KnowledgeOutcome:
    """The scores of recorded answers, as in their folder.

    Attributes:
        record: Content of ``record.json``.
        results: Rows of ``results.jsonl``.
    """

    record: Mapping[str, Any]
    results: Sequence[KnowledgeRow]

    def __repr__(self) -> str:
        results = count_of(len(self.results), "result")
        return f"KnowledgeOutcome({self.record.get('name')}: {results})"


def score_folder(
    folder: AnyPath,
    test: KnowledgeSource | None = None,
    out: AnyPath | None = None,
    reporter: Reporter | None = None,
    judge: JudgeModel | None = None,
    *,
    skip_bad: bool = False,
) -> KnowledgeOutcome:
    """Score the answers that `run_knowledge` recorded in a folder.

    The folder gets ``record.json``, ``results.jsonl`` and ``scored.jsonl``. A run that was stopped
    is scored as far as it came.

    Args:
        folder: The folder.
        test: The test, where it is no longer where it was.
        out: Another folder for the results.
        reporter: Receives the progress.
        judge: A judge of the free answers that match no whole answer.
        skip_bad: Whether to drop and count answers that cannot be read, instead of stopping.

    Raises:
        InvalidSettings: If the folder has no answers, or its test is not there any more.
        NotEnoughData: If nothing can be scored.
    """
    folder = as_path(folder)
    asked = read_object(folder / ASKED) if folder.is_dir() else None
    if asked is None:
        raise InvalidSettings(
            f"the folder has no {ASKED}",
            where=str(folder),
            hint="name a folder of `pluralign knowledge ask`; for answers recorded elsewhere give "
            "--answers FILE --test TEST",
        )
    if test is None:
        test = _asked_test(asked["settings"]["test"], folder)
    return evaluate_knowledge(
        [folder / ANSWERS],
        test,
        folder if out is None else as_path(out),
        skip_bad=skip_bad,
        reporter=reporter,
        asked=asked,
        judge=judge,
    )


def _asked_test(table: Mapping[str, Any], folder: Path) -> KnowledgeSource:
    """The test that a folder asked.

    Raises:
        InvalidSettings: If it is no longer there.
    """
    gone = [str(path) for path in paths_of(table) if not Path(path).exists()]
    if gone:
        raise InvalidSettings(
            f"the test that was asked is no longer at {', '.join(gone)}",
            where=str(folder / ASKED),
            hint="give it with --test, or as the argument test",
        )
    return knowledge_source(table, folder, f"{folder / ASKED}: test")


def evaluate_knowledge(
    answers: Sequence[Path],
    source: KnowledgeSource,
    out: Path,
    *,
    skip_bad: bool = False,
    names: KnowledgeNames = KnowledgeNames(),  # noqa: B008
    reporter: Reporter | None = None,
    asked: Mapping[str, Any] | None = None,
    judge: JudgeModel | None = None,
) -> KnowledgeOutcome:
    """Score recorded answers, and write the results to a folder.

    The files are ``record.json``, ``results.jsonl`` and ``scored.jsonl``, which has each answer
    with its match and its credits.

    Args:
        answers: Files of recorded answers, and folders of lm-eval's results or Inspect's logs.
        source: The test.
        out: The folder; files of an earlier evaluation in it are replaced.
        skip_bad: Whether to drop and count rows that cannot be read, instead of stopping.
        names: Model, community and language of rows that lack them.
        reporter: Receives the progress.
        asked: Content of ``asked.json`` of the run that asked, for the record.
        judge: A judge of the free answers that match no whole answer; its replies are in
            ``judged.jsonl``.

    Raises:
        InvalidInput: If a file cannot be read.
        NotEnoughData: If nothing can be scored.
    """
    reporter, started = reporter or Silent(), time.perf_counter()
    reporter.stage("reading answers")
    tally, read = Tally(), Tally()
    test = read_knowledge(source, read)
    files = answer_files(answers)
    recorded = read_knowledge_answers(files, tally, skip_bad=skip_bad, names=names)
    judged = (
        None
        if judge is None
        else judged_answers(judge, recorded, test, out, reporter, skip_bad=skip_bad)
    )
    reporter.stage("scoring")
    scorer = AnswerScorer(test, stemmed, {} if judged is None else judged.matches)
    scored = scorer.score(recorded, tally)
    if not scored:
        raise NotEnoughData("no answer can be scored", where=test.name, hint=tally.why() or None)
    if (asked or {}).get("questions") not in (None, questions_digest(test)):
        tally.note("the questions of the test are no longer those that were asked")
    for note in _notes(scored, recorded, asked or {}):
        tally.note(note)
    for note in () if judged is None else judged.notes:
        tally.note(note)
    rows = knowledge_rows(scored, test, stemmed)
    record = {
        "name": str((asked or {}).get("name") or out.name),
        **_record(test, read, files, tally, asked or {}, judged),
        "seconds": {"total": round(time.perf_counter() - started, 3)},
    }
    folder = RunFolder(out)
    folder.begin(RECORD)
    folder.write_rows(SCORED, map(_scored_row, scored))
    folder.write_rows(RESULTS, (row.as_dict() for row in rows))
    folder.write_json(RECORD, record)
    return KnowledgeOutcome(record, rows)


def _record(
    test: KnowledgeTest,
    read: Tally,
    files: Sequence[Path],
    tally: Tally,
    asked: Mapping[str, Any],
    judged: JudgedAnswers | None,
) -> dict[str, Any]:
    """The record of an evaluation, but for its name and its seconds."""
    return {
        "manifest": MANIFEST,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": dict(asked.get("settings", {})),
        "versions": {"pluralign": __version__, "python": platform.python_version()},
        "data": {
            "test": {"name": test.name, "license": test.license} | counts_of(read),
            "answers": {"files": {path.name: file_digest(path) for path in files}}
            | counts_of(tally),
        },
        "languages": {c: test.of(c)[0].language for c in test.communities},
        "places": place_names(test.questions),
        "judge": None if judged is None else dict(judged.record),
        "notes": [note for note in tally.notes if note != BLANK_LINE],
    }


def _notes(
    scored: Sequence[ScoredText], recorded: Sequence[KnowledgeAnswer], asked: Mapping[str, Any]
) -> Iterator[str]:
    asks = asked.get("asks")
    if asks is not None and len(recorded) < asks:
        yield f"{len(recorded):,} of {asks:,} asks have an answer; the same ask resumes"
    templates = asked.get("templates", {}).values()
    unread = sorted({words["language"] for words in templates if words["machine_written"]})
    if unread:
        yield f"{UNSIGNED_WORDS}: {', '.join(unread)}"
    if not all(one.question.counted for one in scored):
        yield (
            "the test has no counts of people for some questions: each accepted answer scores 1, "
            "and there is no typical person"
        )
    yield from _note_on_languages(scored)
    cut = sum(one.answer.finish_reason == "length" for one in scored)
    if cut:
        yield f"{count_of(cut, 'answer')} reached the limit of tokens, and may be incomplete"


def _note_on_languages(scored: Sequence[ScoredText]) -> Iterator[str]:
    """A note on answers in a language in which the test has neither the question nor answers."""
    answered: Counter[str] = Counter()
    asked: set[str] = set()
    for one in scored:
        variants = (tag for answer in one.question.answers for tag in answer.variants)
        known = {*one.question.texts, *variants}
        if one.answer.language not in known:
            answered[one.answer.language] += 1
            asked |= known
    if answered:
        counts = ", ".join(f"{language} {n:,}" for language, n in sorted(answered.items()))
        yield (
            f"{count_of(answered.total(), 'answer')} in a language that the test does not have for "
            f"these questions ({counts}; the test has {', '.join(sorted(asked))}): words that "
            "differ from those of the test's languages score 0"
        )


def _scored_row(one: ScoredText) -> dict[str, Any]:
    return {
        "model": one.answer.model,
        "community": one.question.community,
        "question": one.question.id,
        "topic": one.question.topic,
        "language": one.answer.language,
        "place_named": one.answer.place_named,
        "form": one.answer.form,
        "draw": one.answer.draw,
        "text": one.text,
        "valid": one.valid,
        "match": one.kind,
        "matched_in": one.matched_in,
        "credits": dict(one.credits),
        "people": one.question.people,
    }
