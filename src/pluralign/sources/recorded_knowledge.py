"""Recorded answers of language models to tests of knowledge, one row for each answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pluralign.core import (
    InvalidInput,
    KnowledgeAnswer,
    NotEnoughData,
    Tally,
    in_one_order,
    is_missing,
    is_sealed,
    is_sound,
    knowledge_answer_from_row,
)
from pluralign.sources.inspect_logs import LOG_FILES, inspect_rows, is_inspect_log
from pluralign.sources.knowledge_reading import region_id
from pluralign.sources.lm_eval_samples import SAMPLE_FILES, answer_of_sample
from pluralign.sources.row_files import RowPolicy, location, read_rows
from pluralign.sources.typed_cells import BadRow, Row

UNSIGNED_WORDS = "machine-written words around the questions that no native reader has signed"
"""The note about templates, before the tags of their languages."""
_ALTERED = (
    "run the command that wrote the file again, or remove line_sha256 from a line that you change "
    "on purpose"
)


@dataclass(frozen=True, slots=True)
class KnowledgeNames:
    """Values for rows that lack these columns.

    Attributes:
        model: Name of the model that answered.
        community: The community asked about.
        language: BCP 47 tag of the questions.
    """

    model: str | None = None
    community: str | None = None
    language: str | None = None

    def fill(self, row: Row) -> Mapping[str, object]:
        """The row with the values that it lacks."""
        given = {"model": self.model, "community": self.community, "language": self.language}
        lacking = {k: v for k, v in given.items() if v is not None and is_missing(row.get(k))}
        return {**row, **lacking}


def answer_files(paths: Sequence[Path]) -> list[Path]:
    """Files of answers: the files given, and those of lm-eval and Inspect in the folders given.

    Raises:
        NotEnoughData: If a folder has none.
    """
    found: list[Path] = []
    for path in paths:
        found += _files_in(path) if path.is_dir() else [path]
    return found


def _files_in(folder: Path) -> list[Path]:
    found = in_one_order(folder.rglob(SAMPLE_FILES))
    for pattern in LOG_FILES:
        found += [path for path in in_one_order(folder.rglob(pattern)) if is_inspect_log(path)]
    if not found:
        raise NotEnoughData(
            f"the folder has no files {SAMPLE_FILES}, and no logs of Inspect (*.eval, *.json)",
            where=str(folder),
            hint="name the folder of lm-eval's results with --log_samples, that of Inspect's logs, "
            "or a file of answers",
        )
    return found


def read_knowledge_answers(
    paths: Sequence[Path],
    tally: Tally,
    *,
    skip_bad: bool = False,
    names: KnowledgeNames = KnowledgeNames(),
) -> list[KnowledgeAnswer]:
    """Read files of recorded answers to a test of knowledge.

    A row is ``{"model", "community", "question_id", "language", "answer"}`` and, where it differs
    from the default, ``place_named``, ``form``, ``options``, ``option_communities``, ``labels``,
    ``draw``, ``log_probs``, ``finish_reason``. Of two answers to one ask the first is kept. Files
    of lm-eval and logs of Inspect are read as well (`lm_eval_samples`, `inspect_logs`). Where rows
    have ``machine_written``, a note lists the languages of the words that nobody signed.

    Args:
        paths: JSON Lines or CSV, plain or gzip, JSON or Parquet.
        tally: Where rows are counted.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
        names: Model, community and language of rows that lack them.

    Raises:
        InvalidInput: If a file is missing or a row cannot be read.
        NotEnoughData: If no answer is left.
    """
    policy = RowPolicy(tally, skip_bad)
    kept: dict[tuple[object, ...], KnowledgeAnswer] = {}
    unsigned: set[str] = set()
    for path in paths:
        read = inspect_rows if is_inspect_log(path) else read_rows
        for number, row in read(path, policy):
            try:
                filled = names.fill(answer_of_sample(row))
                answer = _answer(filled)
            except BadRow as bad:
                policy.refuse(bad, location(path, number))
                continue
            if filled.get("machine_written") is True:
                unsigned.add(answer.language)
            first = kept.setdefault(_key(answer), answer)
            if first is not answer:
                same = first.text == answer.text
                tally.drop("repeated answer" if same else "second answer to one ask")
    tally.kept += len(kept)
    if unsigned:
        tally.note(f"{UNSIGNED_WORDS}: {', '.join(sorted(unsigned))}")
    if not kept:
        raise NotEnoughData(
            "no answer is left", where=", ".join(map(str, paths)), hint=tally.why() or None
        )
    return list(kept.values())


def _answer(row: Row) -> KnowledgeAnswer:
    if is_sealed(row) and not is_sound(row):
        raise BadRow(
            "the line was altered after it was written", reason="altered line", hint=_ALTERED
        )
    label = row.get("community")
    community = region_id(label) if isinstance(label, str) and not is_missing(label) else label
    try:
        return knowledge_answer_from_row({**row, "community": community})
    except InvalidInput as error:
        reason = error.what.partition(", got ")[0]
        raise BadRow(error.what, reason=reason, hint=error.hint) from error


def _key(answer: KnowledgeAnswer) -> tuple[object, ...]:
    return (answer.model, answer.question, *answer.condition, answer.draw)
