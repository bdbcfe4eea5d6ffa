"""Recorded answers of language models to surveys: raw, one row for each answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pluralign.core import (
    NotEnoughData,
    RecordedAnswer,
    Tally,
    answer_from_row,
    cell_id,
    is_missing,
    is_sealed,
    is_sound,
    split_thought,
)
from pluralign.core.errors import InvalidInput
from pluralign.sources.answer_names import AnswerNames, missing_names
from pluralign.sources.community_labels import required_community
from pluralign.sources.row_files import RowPolicy, location, read_rows
from pluralign.sources.typed_cells import BadRow, Row

_ENORMOUS = 100_000
_KEPT = 2000
_OPTIONS = {"model": "--model", "strategy": "--strategy", "community": "--named"}
_ALTERED = (
    "run the command that wrote the file again, or remove line_sha256 from a line that you change "
    "on purpose"
)


def read_answers(
    paths: Sequence[Path],
    tally: Tally,
    *,
    skip_bad: bool = False,
    options: Mapping[str, int] | None = None,
    names: AnswerNames = AnswerNames(),  # noqa: B008
) -> list[RecordedAnswer]:
    """Read files of recorded answers.

    A row is ``{"model", "strategy", "country" or "community", "question_id", "answer"}``. The
    community is null where none was named; the answer is the text as returned. Of two answers to
    one ask the first is kept. Of an enormous answer the beginning and the end are kept.

    Args:
        paths: JSON Lines or CSV, plain or gzip, JSON or Parquet.
        tally: Where rows are counted.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
        options: Id of a question -> its number of options, for the questions that are known.
        names: Model, strategy and community of rows that lack them; they are also read from the
            names of CultureSPA's own result files.

    Returns:
        The answers, in the order of the files.

    Raises:
        InvalidInput: If a file is missing or a row cannot be read.
        NotEnoughData: If no answer is left.
    """
    policy = RowPolicy(tally, skip_bad)
    kept: dict[tuple[object, ...], RecordedAnswer] = {}
    for path in paths:
        for number, row in read_rows(path, policy):
            try:
                if is_sealed(row) and not is_sound(row):
                    raise BadRow(
                        "the line was altered after it was written",
                        reason="altered line",
                        hint=_ALTERED,
                    )
                answer = _answer(names.fill(row, path), tally, options or {})
            except BadRow as bad:
                policy.refuse(bad, location(path, number))
                continue
            first = kept.setdefault(_key(answer), answer)
            if first is not answer:
                same = first.text == answer.text
                tally.drop("repeated answer" if same else "second answer to one ask")
    tally.kept += len(kept)
    if not kept:
        reasons = Counter(tally.dropped).most_common(3)
        raise NotEnoughData(
            "no answer is left",
            where=", ".join(map(str, paths)),
            hint="; ".join(f"{n:,} x {reason}" for reason, n in reasons) or None,
        )
    return list(kept.values())


def _answer(row: Row, tally: Tally, options: Mapping[str, int]) -> RecordedAnswer:
    label = row.get("community") if row.get("community") is not None else row.get("country")
    if label is not None and not isinstance(label, str) and not is_missing(label):
        raise BadRow(
            f"the community must be text, got {label!r:.60}", reason="community is not text"
        )
    if missing := missing_names(row):
        given = " ".join(f"{_OPTIONS[name]} ..." for name in missing)
        hint = f"write null where no community was named; for all rows of the files give {given}"
        raise BadRow(f"no {' and no '.join(missing)}", reason=f"no {missing[0]}", hint=hint)
    community = _community(label) if isinstance(label, str) and label else None
    try:
        answer = answer_from_row(row, community, options.get(_question(row)))
    except InvalidInput as error:
        reason = error.what.partition(", got ")[0]
        raise BadRow(error.what, reason=reason, hint=error.hint) from error
    if len(answer.text) > _ENORMOUS:
        tally.flag("enormous answer: its beginning and its end are kept")
        return replace(answer, text=_shortened(answer.text))
    return answer


def _shortened(text: str) -> str:
    """The beginning and the end of an enormous text; after thoughts, the end is the answer."""
    split = split_thought(text)
    if not split.thought or split.answer is None:
        return _ends(text)
    answer = _ends(split.answer).lstrip()
    kept = f"{text[:_KEPT]}\n</think>\n{answer}"
    return kept if split_thought(kept).answer == answer else answer


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _KEPT else f"{text[:_KEPT]}\n{text[-_KEPT:]}"


def _question(row: Row) -> str:
    """Id of the question; empty where it cannot be read, which `answer_from_row` then reports."""
    try:
        return cell_id(row.get("question_id")) or ""
    except InvalidInput:
        return ""


@lru_cache(maxsize=4096)
def _community(label: str) -> str:
    return required_community(label)


def _key(a: RecordedAnswer) -> tuple[object, ...]:
    return (
        a.model,
        a.strategy,
        a.community,
        a.question,
        a.order,
        a.labels,
        a.variant,
        a.language,
        a.draw,
    )
