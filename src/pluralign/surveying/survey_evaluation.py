"""Compare recorded answers with those of people, and write the results."""

import json
import platform
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.core import (
    MANIFEST,
    NotEnoughData,
    Reporter,
    Silent,
    Survey,
    SurveySource,
    Tally,
    answer_row,
    community_name,
    count_of,
    file_digest,
    listed,
    rng_for,
    text_digest,
    without_secrets,
)
from pluralign.evaluation.surveys import (
    ALIGNMENT,
    CLOSENESS,
    EXACT,
    REFUSALS,
    SIMILARITY,
    AnswerTable,
    Numbering,
    Parser,
    Peoples,
    ReadAnswer,
    SurveySums,
    anchor_rows,
    difference_rows,
    distribution_rows,
    effect_rows,
    nearest_people,
    rank_rows,
    read_all,
    score_rows,
    variety_difference_rows,
    variety_rows,
)
from pluralign.metrics import draw_questions
from pluralign.runs.folder import RECORD, RunFolder
from pluralign.runs.record import counts_of, plain
from pluralign.sources import AnswerNames, read_answers
from pluralign.surveying.questions_in import question_notes, without_excluded

COMPARED = (ALIGNMENT, EXACT, CLOSENESS, SIMILARITY, REFUSALS)
UNAWARE = "culture_unaware"
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class SurveyOutcome:
    """The results of an evaluation, as in its folder.

    Attributes:
        record: Content of ``record.json``.
        results: Rows of ``results.jsonl``.
        comparisons: Rows of ``comparisons.jsonl``.
    """

    record: Mapping[str, Any]
    results: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]

    def __repr__(self) -> str:
        return f"SurveyOutcome({self.record.get('name')}: {count_of(len(self.results), 'result')})"


def evaluate_answers(
    answers: Sequence[Path],
    source: SurveySource,
    out: Path,
    *,
    parser: Parser = "strict",
    numbering: Numbering = "auto",
    communities: Sequence[str] | None = None,
    seed: int = 0,
    draws: int = 2000,
    skip_bad: bool = False,
    names: AnswerNames = AnswerNames(),  # noqa: B008
    reporter: Reporter | None = None,
    settings: Mapping[str, Any] | None = None,
) -> SurveyOutcome:
    """Measure recorded answers, and write the results to a folder.

    The files are ``record.json``, ``results.jsonl``, ``comparisons.jsonl`` and ``answers.jsonl``.

    Args:
        answers: Files of recorded answers.
        source: The survey.
        out: The folder; files of an earlier evaluation in it are replaced.
        parser: ``strict`` distinguishes refusals from answers; ``published`` takes numbers as
            CultureSPA does.
        numbering: The numbering of options in rows without labels.
        communities: Communities whose people to compare with; by default the communities that
            answers name, or all where no answer names one.
        seed: Seed of the intervals.
        draws: Number of draws of questions for the intervals.
        skip_bad: Whether to drop and count rows that cannot be read, instead of stopping.
        names: Model, strategy and community of rows that lack them.
        reporter: Receives the progress.
        settings: Settings of the run that asked for the answers, for the record.

    Raises:
        InvalidInput: If a file cannot be read.
        NotEnoughData: If nothing can be measured.
    """
    reporter, started = reporter or Silent(), time.perf_counter()
    reporter.stage("reading answers")
    tally, asked = Tally(), Tally()
    survey = source.survey(asked)
    asked.made = len(survey.distributions)
    counts = survey.option_counts()
    recorded = read_answers(answers, tally, skip_bad=skip_bad, options=counts, names=names)
    recorded = without_excluded(recorded, source, tally)
    read = read_all(recorded, survey, parser, numbering, tally)
    chosen, read = _communities(read, survey, communities, tally)
    answered = list(dict.fromkeys(one.answer.question for one in read))
    for note in question_notes(answered, survey, asked, parser, numbering):
        tally.note(note)
    _note_machine_written(read, tally)
    reporter.stage("measuring")
    results, comparisons, nearest = measure(read, survey, chosen, tally, seed, draws)
    files = {path.name: file_digest(path) for path in answers}
    how = {
        "parser": parser,
        "numbering": numbering,
        "seed": seed,
        "draws": draws,
        "communities": list(chosen),
    }
    record = {
        "name": str((settings or {}).get("name") or out.name),
        "manifest": MANIFEST,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": dict(settings or {}) | {"evaluate": how},
        "versions": {"pluralign": __version__, "python": platform.python_version()},
        "data": {
            "survey": _survey_record(source, survey) | counts_of(asked),
            "answers": {"files": files} | counts_of(tally),
        },
        "nearest": nearest,
        "notes": list(tally.notes),
        "seconds": {"total": round(time.perf_counter() - started, 3)},
        "outcome": [row for row in results if row["community"] is None],
    }
    folder = RunFolder(out)
    folder.begin(RECORD)
    folder.write_rows("answers.jsonl", (_as_read(one, survey) for one in read))
    folder.write_rows("results.jsonl", results)
    folder.write_rows("comparisons.jsonl", comparisons)
    folder.write_json(RECORD, record)
    return SurveyOutcome(record, results, comparisons)


def measure(
    read: Sequence[ReadAnswer],
    survey: Survey,
    communities: Sequence[str],
    tally: Tally,
    seed: int,
    draws: int,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, object]]]:
    """All numbers of one set of answers.

    Args:
        read: Answers as read.
        survey: The answers of people.
        communities: Communities whose people to compare with.
        tally: Notes ties and missing golds.
        seed: Seed of the intervals.
        draws: Number of draws of questions.

    Returns:
        Rows of results, rows of comparisons, and the nearest people of each profile.
    """
    asked = {one.answer.question for one in read}
    questions = [q for q in survey.questions if q in asked]
    peoples = Peoples.of(survey, questions, communities, tally)
    table = AnswerTable.of(read, questions)
    counts = draw_questions(len(questions), rng_for(seed, "questions"), draws)
    scored = SurveySums.of(table, peoples, counts)
    everyone = Peoples.of(survey, questions, survey.communities, Tally())
    against_all = SurveySums.of(table, everyone, counts, everyone=True)
    rows = [
        *score_rows(scored),
        *rank_rows(against_all),
        *variety_rows(table, peoples, counts),
        *effect_rows(table, peoples, counts),
        *anchor_rows(peoples, counts),
        *distribution_rows(peoples, counts),
    ]
    comparisons: list[dict[str, Any]] = []
    for left, right in _compared(table):
        comparisons += difference_rows(scored, COMPARED, left, right)
        comparisons += variety_difference_rows(table, peoples, counts, left, right)
    return [row.as_dict() for row in rows], comparisons, nearest_people(against_all)


def _communities(
    read: list[ReadAnswer], survey: Survey, wanted: Sequence[str] | None, tally: Tally
) -> tuple[tuple[str, ...], list[ReadAnswer]]:
    """The communities to compare with, and the answers for them or for no community."""
    known = set(survey.communities)
    named = {one.answer.community for one in read if one.answer.community is not None}
    for missing in sorted((named | set(wanted or ())) - known):
        tally.note(f"{missing} is not in the survey: its answers are not compared")
    chosen = tuple(sorted(known & (set(wanted) if wanted else named or known)))
    if not chosen:
        raise NotEnoughData(
            "no community of the answers is in the survey",
            hint=f"the survey has {', '.join(survey.communities[:20])}",
        )
    if left_out := sorted(known - set(chosen)):
        tally.note(_not_compared(left_out, len(known), named))
    kept = [one for one in read if one.answer.community is None or one.answer.community in chosen]
    if len(kept) < len(read):
        tally.drop_kept("answer for a community that is not compared", len(read) - len(kept))
    if not kept:
        raise NotEnoughData("no answer is left", hint="name communities that were asked for")
    return chosen, kept


def _not_compared(left_out: Sequence[str], known: int, named: Collection[str]) -> str:
    """A note on the communities of the survey that are not measured, with the reason."""
    unnamed = not set(named) & set(left_out)
    why = "no answer is in their name" if unnamed else "they are not among those to compare"
    shown = listed(list(map(community_name, left_out)), _SHOWN)
    return (
        f"{len(left_out)} of the survey's {known} communities are not measured, because {why}: "
        f"{shown}"
    )


def _note_machine_written(read: Sequence[ReadAnswer], tally: Tally) -> None:
    """Note the strategies and languages whose words no native reader has signed."""
    answers = [one.answer for one in read if one.answer.machine_written]
    for strategy in dict.fromkeys(answer.strategy for answer in answers):
        own = [answer.language for answer in answers if answer.strategy == strategy]
        tags = ", ".join(sorted(set(own)))
        tally.note(
            f"machine translation that no native reader has signed: {strategy}, {tags}", len(own)
        )


def _compared(table: AnswerTable) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """The pairs of (model, strategy) to compare.

    Each strategy of a model is compared with its unaware (else first) strategy, and within each
    strategy every two models.
    """
    groups = list(table.groups())
    for model in dict.fromkeys(m for m, _ in groups):
        own = [s for m, s in groups if m == model]
        baseline = UNAWARE if UNAWARE in own else own[0]
        for strategy in own:
            if strategy != baseline:
                yield (model, strategy), (model, baseline)
    for strategy in dict.fromkeys(s for _, s in groups):
        models = [m for m, s in groups if s == strategy]
        for first, second in combinations(models, 2):
            yield (second, strategy), (first, strategy)


def _as_read(one: ReadAnswer, survey: Survey) -> dict[str, Any]:
    question = survey.questions[one.answer.question]
    option = one.option(question)
    return answer_row(one.answer) | {
        "option": option,
        "read_as": None if option is None else question.options[option],
    }


def fingerprint_of_survey(survey: Survey) -> str:
    """SHA-256 over questions, options and shares; it changes with every change of the survey."""
    questions = [[q.id, q.text, q.options, q.codes] for q in survey.questions.values()]
    answers = [[d.question, d.community, d.probs_O, d.n] for d in survey.distributions]
    return text_digest(json.dumps([questions, answers]))


def _survey_record(source: SurveySource, survey: Survey) -> dict[str, Any]:
    """The record of a survey, enough to read it again."""
    settings: dict[str, Any] = {}
    if is_dataclass(source) and not isinstance(source, type):
        settings = without_secrets(plain(asdict(source)))
    return {
        "name": source.name,
        "license": source.license,
        "settings": settings,
        "fingerprint": fingerprint_of_survey(survey),
    }
