"""The stages before training, questions, filter, answer and collect; each leaves files that can be read."""

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
    rng_for,
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
from pluralign.pluralising.culture_map import draw_culture_map
from pluralign.respondents.chat import ChatRespondent
from pluralign.respondents.recorded import KeptCompletions, RecordedRespondent
from pluralign.runs.folder import RunFolder, read_rows
from pluralign.settings.pluralise import PluraliseSettings
from pluralign.sources import read_similarity
from pluralign.surveying.survey_run import ask_all, note_failures

SUMMARY = "summary.json"


@dataclass(frozen=True, slots=True)
class Work:
    """What every stage works with.

    Attributes:
        settings: The settings.
        survey: The people's survey.
        communities: Which cultures.
        folder: The run's folder; each stage has a folder of its name in it.
        reporter: Hears the progress.
        open_chat: Opens the model, once.
    """

    settings: PluraliseSettings
    survey: Survey
    communities: tuple[str, ...]
    folder: RunFolder
    reporter: Reporter
    open_chat: Callable[[], ChatModel]

    def place(self, stage: str) -> Path:
        """The folder of a stage."""
        return self.folder.path / stage


def write_questions(work: Work) -> dict[str, Any]:
    """Have the model write questions, or take those of a file; all that came back is kept, readable or not."""
    config, tally = work.settings.questions, Tally()
    if config.file is not None:
        rows, source = _questions_of(config.file), config.file.name
    else:
        chat = work.open_chat()
        kept = KeptCompletions(chat, work.place("questions") / "completions.jsonl")
        topics = topics_of(work.survey, _topics(config.topics) if config.topics else None)
        rows = generate_questions(
            kept, topics, config, work.settings.seed, work.reporter.progress, tally
        )
        source = chat.name
    work.folder.write_rows("questions/questions.jsonl", rows)
    by_topic: dict[str, int] = {}
    for row in rows:
        by_topic[str(row.get("topic"))] = by_topic.get(str(row.get("topic")), 0) + (
            "question" in row
        )
    if not any(by_topic.values()):
        raise NotEnoughData(
            f"{source} wrote no question that can be read",
            where=str(work.place("questions")),
            hint="; ".join(tally.dropped)
            or "look at its texts in questions.jsonl: they must hold a JSON object",
        )
    return {
        "written by": source,
        "questions": sum(by_topic.values()),
        "texts without a question": len(rows) - sum(by_topic.values()),
        "by_topic": by_topic,
    } | _counts(tally)


def keep_questions(work: Work) -> dict[str, Any]:
    """Keep the questions that can be asked; every reason is counted."""
    tally = Tally()
    kept = filter_questions(read_rows(work.place("questions") / "questions.jsonl"), tally)
    if not kept:
        raise NotEnoughData(
            "no written question can be asked",
            where=str(work.place("questions") / "questions.jsonl"),
            hint="; ".join(f"{n:,} {reason}" for reason, n in tally.dropped.most_common())
            or "no question was written",
        )
    work.folder.write_rows("filter/questions.jsonl", (asdict(q) for q in kept))
    return _counts(tally)


def answer_questions(work: Work) -> dict[str, Any]:
    """Have the model answer each question as nobody in particular, then in each culture's name."""
    tally = Tally()
    asks = answer_asks(work, tally)
    config = work.settings.answer
    sampling = Sampling(config.temperature, config.top_p, config.max_new_tokens, work.settings.seed)
    respondent = RecordedRespondent(
        ChatRespondent(work.open_chat(), sampling), work.place("answer") / "recorded.jsonl"
    )
    failures = ask_all(respondent, asks, work.reporter)
    note_failures(failures, work.reporter)
    work.folder.list_files("answer/recorded.jsonl")
    return {"asked": len(asks), "failed": len(failures)} | _counts(tally)


def collect_answers(work: Work) -> dict[str, Any]:
    """Keep the questions on which naming the culture changes the answer, and draw the culture map."""
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
    rows = read_rows(work.place("filter") / "questions.jsonl")
    return [GeneratedQuestion(r["id"], r["topic"], r["text"], tuple(r["options"])) for r in rows]


def collected_pairs(work: Work) -> list[AnswerPair]:
    """The shifted answers that were collected."""
    rows = read_rows(work.place("collect") / "collected.jsonl")
    return [AnswerPair(r["question_id"], r["community"], r["unaware"], r["aware"]) for r in rows]


def answer_asks(work: Work, tally: Tally) -> list[Ask]:
    """All that is asked in the answer stage: without a culture first, then with each."""
    config = work.settings.answer
    written = _as_survey(kept_questions(work))
    aware = load_strategy(config.aware)
    given = (
        CultureTables(similarity=read_similarity(config.similarity))
        if config.similarity
        else CultureTables()
    )
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
    read = read_all(
        _recorded(work.place("answer") / "recorded.jsonl"), written, "strict", "codes", tally
    )
    unaware, aware = (load_strategy(name).name for name in (config.unaware, config.aware))
    options = {
        (one.answer.strategy, one.answer.question, one.answer.community): one.option(
            written.questions[one.answer.question]
        )
        for one in read
    }
    return pair_answers(
        {q: option for (strategy, q, _), option in options.items() if strategy == unaware},
        {
            (q, c): option
            for (strategy, q, c), option in options.items()
            if strategy == aware and c is not None
        },
        tally,
    )


def _map(work: Work, pairs: Sequence[AnswerPair]) -> dict[str, Any]:
    """The culture map, written beside what was collected; what it is worth against the people's own answers."""
    seed = work.settings.seed
    try:
        found = culture_map(pairs, rng_for(seed, "culture map"))
    except NotEnoughData as error:
        return {"none": error.what}
    work.folder.write_rows("collect/culture_map.jsonl", found.rows())
    places = {
        c: [round(float(x), 4) for x in xy]
        for c, xy in zip(found.communities, found.place_C_2, strict=True)
    }
    drawn: dict[str, Any] = {
        "order": list(found.communities),
        "nearest": found.nearest(),
        "place": places,
    }
    if not draw_culture_map(found.rows(), drawn, work.place("collect") / "culture_map.png"):
        work.reporter.note("no picture of the culture map: pip install 'pluralign[report]'")
    people = culture_tables(work.survey, CultureTables(), {"nearest"}).similarity
    try:
        drawn["agreement_with_people"] = asdict(
            agreement_with_people(found, people, rng_for(seed, "agreement"))
        )
    except NotEnoughData as error:
        work.reporter.note(f"the culture map is not compared with the people's: {error.what}")
    return drawn


def _row(pair: AnswerPair, question: GeneratedQuestion) -> dict[str, Any]:
    said = {
        name: question.options[option]
        for name, option in (("unaware", pair.unaware), ("aware", pair.aware))
        if option is not None
    }
    return {
        "question_id": pair.question,
        "community": pair.community,
        "unaware": pair.unaware,
        "aware": pair.aware,
        "question": question.text,
        "said_unaware": said["unaware"],
        "said_aware": said["aware"],
    }


def _recorded(path: Path) -> list[RecordedAnswer]:
    """Answers of this run; their communities are ids already."""
    return [answer_from_row(row, row.get("community")) for row in read_rows(path)]


def _as_survey(questions: Sequence[GeneratedQuestion]) -> Survey:
    """Written questions as a survey that nobody has answered."""
    return Survey("written questions", {q.id: q.as_question() for q in questions}, ())


def _topics(path: Path) -> dict[str, list[str]]:
    try:
        table = parse_json(path.read_bytes())
    except (ValueError, OSError) as error:
        raise InvalidInput(f"cannot be read: {error}", where=str(path)) from error
    if (
        not isinstance(table, dict)
        or not all(isinstance(ids, list) for ids in table.values())
        or not table
    ):
        raise InvalidInput("not a mapping topic -> ids of questions", where=str(path))
    return table


def _questions_of(path: Path) -> list[dict[str, Any]]:
    from pluralign.sources.row_files import RowPolicy
    from pluralign.sources.row_files import read_rows as read_any

    return [
        dict(row) for _, row in read_any(path, RowPolicy(Tally(), skip_bad=False), kinds=("jsonl",))
    ]


def _counts(tally: Tally) -> dict[str, Any]:
    told = {
        "dropped": dict(tally.dropped),
        "flagged": dict(tally.flagged),
        "notes": dict(tally.notes),
    }
    rows = {"read": tally.read, "kept": tally.kept} if tally.read else {}
    return rows | {name: counts for name, counts in told.items() if counts}
