"""The stages before training: questions, filter, answer and collect."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pluralign.asking import CultureTables, Putting, culture_tables, load_strategy, put
from pluralign.core import (
    Ask,
    ChatModel,
    InvalidInput,
    NotEnoughData,
    RecordedAnswer,
    Reporter,
    Sampling,
    Survey,
    Tally,
    answer_from_row,
    parse_json,
)
from pluralign.evaluation.surveys import read_all
from pluralign.methods.culturespa import (
    AnswerPair,
    GeneratedQuestion,
    agreement_with_people,
    collect_shifted,
    culture_map,
    filter_questions,
    generate_questions,
    pair_answers,
    shift_rates,
    take_fraction,
    topics_of,
)
from pluralign.pluralising.map_picture import draw_culture_map
from pluralign.respondents.chat import ChatRespondent
from pluralign.respondents.recorded import KeptCompletions, RecordedRespondent
from pluralign.runs.folder import RunFolder, read_rows
from pluralign.settings.pluralise import PluraliseSettings
from pluralign.sources import read_similarity
from pluralign.surveying.survey_run import ask_all, note_failures


@dataclass(frozen=True, slots=True)
class Work:
    """The inputs of every stage.

    Attributes:
        settings: The settings.
        survey: The people's survey.
        communities: Ids of the cultures.
        folder: The run's folder; each stage has a folder with its name in it.
        reporter: Receives the progress.
        open_chat: Opens the model once.
    """

    settings: PluraliseSettings
    survey: Survey
    communities: tuple[str, ...]
    folder: RunFolder
    reporter: Reporter
    open_chat: Callable[[], ChatModel]

    def stage_folder(self, stage: str) -> Path:
        """The folder of a stage."""
        return self.folder.path / stage


def write_questions(work: Work) -> dict[str, Any]:
    """Let the model write questions, or read those of a file; unreadable texts are kept, too."""
    config, tally = work.settings.questions, Tally()
    if config.file is not None:
        rows, source = _questions_of(config.file), config.file.name
    else:
        chat = work.open_chat()
        kept = KeptCompletions(chat, work.stage_folder("questions") / "completions.jsonl")
        topics = topics_of(work.survey, _topics(config.topics) if config.topics else None)
        rows = generate_questions(
            kept, topics, config, work.settings.seed, work.reporter.progress, tally
        )
        source = chat.name
    work.folder.write_rows("questions/questions.jsonl", rows)
    by_topic: Counter[str] = Counter()
    for row in rows:
        by_topic[str(row.get("topic"))] += "question" in row
    if not any(by_topic.values()):
        raise NotEnoughData(
            f"no question of {source} can be read",
            where=str(work.stage_folder("questions")),
            hint="; ".join(tally.dropped)
            or "see the texts in questions.jsonl: each must contain a JSON object",
        )
    return {
        "written by": source,
        "questions": sum(by_topic.values()),
        "texts without a question": len(rows) - sum(by_topic.values()),
        "by_topic": dict(by_topic),
    } | _counts(tally)


def keep_questions(work: Work) -> dict[str, Any]:
    """Keep the questions that can be asked; count the reasons for dropping others."""
    tally = Tally()
    kept = filter_questions(read_rows(work.stage_folder("questions") / "questions.jsonl"), tally)
    if not kept:
        raise NotEnoughData(
            "no written question can be asked",
            where=str(work.stage_folder("questions") / "questions.jsonl"),
            hint="; ".join(f"{n:,} {reason}" for reason, n in tally.dropped.most_common())
            or "no question was written",
        )
    work.folder.write_rows("filter/questions.jsonl", (asdict(q) for q in kept))
    return _counts(tally)


def answer_questions(work: Work) -> dict[str, Any]:
    """Let the model answer each question without a culture, then in the name of each culture."""
    tally = Tally()
    asks = answer_asks(work, tally)
    config = work.settings.answer
    sampling = Sampling(config.temperature, config.top_p, config.max_new_tokens, work.settings.seed)
    chat = ChatRespondent(work.open_chat(), sampling)
    respondent = RecordedRespondent(chat, work.stage_folder("answer") / "recorded.jsonl")
    failures = ask_all(respondent, asks, work.reporter)
    note_failures(failures, work.reporter)
    work.folder.list_files("answer/recorded.jsonl")
    return {"asked": len(asks), "failed": len(failures)} | _counts(tally)


def collect_answers(work: Work) -> dict[str, Any]:
    """Keep the questions whose answer changes with the culture's name, and draw the culture map."""
    tally, seed = Tally(), work.settings.seed
    pairs = _pairs(work, tally)
    shifted = collect_shifted(pairs, tally)
    taken = take_fraction(shifted, work.settings.collect.fraction, seed) if shifted else []
    by_id = {q.id: q for q in kept_questions(work)}
    work.folder.write_rows(
        "collect/collected.jsonl", (_row(pair, by_id[pair.question]) for pair in taken)
    )
    rates = shift_rates(pairs)
    return {
        "shifted": {c: asdict(rate) for c, rate in rates.items()},
        "collected": {c: sum(p.community == c for p in taken) for c in work.communities},
        "map": _map(work, pairs),
    } | _counts(tally)


def kept_questions(work: Work) -> list[GeneratedQuestion]:
    """The questions that the filter kept."""
    rows = read_rows(work.stage_folder("filter") / "questions.jsonl")
    return [GeneratedQuestion(r["id"], r["topic"], r["text"], tuple(r["options"])) for r in rows]


def collected_pairs(work: Work) -> list[AnswerPair]:
    """The shifted answers that were collected."""
    rows = read_rows(work.stage_folder("collect") / "collected.jsonl")
    return [AnswerPair(r["question_id"], r["community"], r["unaware"], r["aware"]) for r in rows]


def answer_asks(work: Work, tally: Tally) -> list[Ask]:
    """All asks of the answer stage: first without a culture, then with each culture."""
    config = work.settings.answer
    written = _as_survey(kept_questions(work))
    aware = load_strategy(config.aware)
    similarity = read_similarity(config.similarity) if config.similarity else {}
    given = CultureTables(similarity=similarity)
    cultures = culture_tables(work.survey, given, aware.needs)
    asks = put(load_strategy(config.unaware), written, work.communities, tally=tally)
    return asks + put(
        aware,
        written,
        work.communities,
        cultures=cultures,
        putting=Putting(seed=work.settings.seed),
        tally=tally,
    )


def _pairs(work: Work, tally: Tally) -> list[AnswerPair]:
    config = work.settings.answer
    written = _as_survey(kept_questions(work))
    recorded = _recorded(work.stage_folder("answer") / "recorded.jsonl")
    unaware, aware = load_strategy(config.unaware).name, load_strategy(config.aware).name
    without: dict[str, int | None] = {}
    named: dict[tuple[str, str], int | None] = {}
    for one in read_all(recorded, written, "strict", "codes", tally):
        answer = one.answer
        option = one.option(written.questions[answer.question])
        if answer.strategy == unaware:
            without[answer.question] = option
        if answer.strategy == aware and answer.community is not None:
            named[answer.question, answer.community] = option
    return pair_answers(without, named, tally)


def _map(work: Work, pairs: Sequence[AnswerPair]) -> dict[str, Any]:
    """Write the culture map next to the collected answers, and compare it with the people's."""
    try:
        found = culture_map(pairs)
    except NotEnoughData as error:
        return {"none": error.what}
    work.folder.write_rows("collect/culture_map.jsonl", found.rows())
    positions: dict[str, list[float]] = {}
    for community, (x, y) in zip(found.communities, found.place_C_2, strict=True):
        positions[community] = [round(float(x), 4), round(float(y), 4)]
    drawn: dict[str, Any] = {
        "order": list(found.communities),
        "nearest": found.nearest(),
        "place": positions,
    }
    if not draw_culture_map(found.rows(), drawn, work.stage_folder("collect") / "culture_map.png"):
        work.reporter.note("no picture of the culture map: pip install 'pluralign[report]'")
    people = culture_tables(work.survey, CultureTables(), {"nearest"}).similarity
    try:
        agreement = agreement_with_people(found, people)
        drawn["agreement_with_people"] = asdict(agreement)
    except NotEnoughData as error:
        work.reporter.note(f"the culture map is not compared with the people's: {error.what}")
    return drawn


def _row(pair: AnswerPair, question: GeneratedQuestion) -> dict[str, Any]:
    assert pair.unaware is not None and pair.aware is not None  # shifted answers are options
    return {
        "question_id": pair.question,
        "community": pair.community,
        "unaware": pair.unaware,
        "aware": pair.aware,
        "question": question.text,
        "said_unaware": question.options[pair.unaware],
        "said_aware": question.options[pair.aware],
    }


def _recorded(path: Path) -> list[RecordedAnswer]:
    """Answers of this run, whose communities are ids already."""
    return [answer_from_row(row, row.get("community")) for row in read_rows(path)]


def _as_survey(questions: Sequence[GeneratedQuestion]) -> Survey:
    """Written questions as a survey that nobody has answered."""
    return Survey("written questions", {q.id: q.as_question() for q in questions}, ())


def _topics(path: Path) -> dict[str, list[str]]:
    try:
        table = parse_json(path.read_bytes())
    except (ValueError, OSError) as error:
        raise InvalidInput(f"cannot be read: {error}", where=str(path)) from error
    lists = table.values() if isinstance(table, dict) else ()
    if not lists or not all(isinstance(ids, list) for ids in lists):
        raise InvalidInput("must be a mapping topic -> ids of questions", where=str(path))
    return dict(table)


def _questions_of(path: Path) -> list[dict[str, Any]]:
    from pluralign.sources.row_files import RowPolicy
    from pluralign.sources.row_files import read_rows as read_any

    rows = read_any(path, RowPolicy(Tally(), skip_bad=False), kinds=("jsonl",))
    return [dict(row) for _, row in rows]


def _counts(tally: Tally) -> dict[str, Any]:
    found = {
        "dropped": dict(tally.dropped),
        "flagged": dict(tally.flagged),
        "notes": dict(tally.notes),
    }
    rows = {"read": tally.read, "kept": tally.kept} if tally.read else {}
    return rows | {name: counts for name, counts in found.items() if counts}
