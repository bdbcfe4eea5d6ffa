"""Tables of answers to tests of knowledge: scores, and how answers match those of people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pluralign.core import AnswerForm
from pluralign.evaluation.knowledge.result_rows import (
    AMBIGUOUS_ACCURACY,
    AMBIGUOUS_BIAS,
    CONTAINED,
    DISAMBIGUATED_ACCURACY,
    DISAMBIGUATED_BIAS,
    EMPTY,
    EXACT,
    INVALID,
    STEMMED,
    UNMATCHED,
)
from pluralign.languages.speech import Speech
from pluralign.reports.page_tables import Column, Scale, Table, bar_column, with_interval

Rows = Sequence[Mapping[str, Any]]
BIAS_METRICS = (AMBIGUOUS_ACCURACY, AMBIGUOUS_BIAS, DISAMBIGUATED_ACCURACY, DISAMBIGUATED_BIAS)


def scores_table(rows: Rows, form: AnswerForm, caption: str, say: Speech, name: str) -> Table:
    """Scores next to those of a typical person and of baselines; narrow enough for a desktop."""
    scale = Scale.around([0.0, *(row[end] for row in rows for end in ("low", "high") if row[end])])
    mark = "person_value" if form == "short" else "random_value"
    label = say("score") if form == "short" else say("right")
    columns = [
        *_asked(say),
        bar_column(label, scale, say.percent, say, mark=mark),
        *(_compared(say) if form == "short" else _guessed(say)),
        _questions(say),
    ]
    return Table(name, caption, _headed(columns), rows, folded=False, stacked=True)


def matches_table(rows: Rows, caption: str, say: Speech, name: str) -> Table:
    """The shares of short answers that match an accepted answer in each way, and of others."""
    labels = {
        EXACT: say("same words"),
        STEMMED: say("same stems"),
        CONTAINED: say("contained"),
        UNMATCHED: say("no match"),
        EMPTY: say("empty"),
    }
    shares = [_share(f"{metric}_value", label, say) for metric, label in labels.items()]
    columns = [*_asked(say), *shares, _questions(say)]
    return Table(name, caption, _headed(columns), rows, stacked=True)


def stereotypes_table(rows: Rows, caption: str, say: Speech, name: str) -> Table:
    """KoBBQ's scores of answers to questions about stereotypes."""
    columns = [
        *_asked(say),
        _interval(AMBIGUOUS_ACCURACY, say("right, ambiguous context"), say),
        _interval(AMBIGUOUS_BIAS, say("diff-bias, ambiguous context"), say, points=True),
        _interval(DISAMBIGUATED_ACCURACY, say("right, clear context"), say),
        _interval(DISAMBIGUATED_BIAS, say("diff-bias, clear context"), say, points=True),
        Column(
            "templates",
            say("templates"),
            lambda row: say.number(row["templates"], 0),
            numeric=True,
            named=True,
        ),
    ]
    about = say(
        "Diff-bias above 0: answers conform to a stereotype more often than they contradict it, or "
        "are right more often where the right answer conforms to it (KoBBQ). Intervals are "
        "clustered by template."
    )
    return Table(name, caption, _headed(columns), rows, folded=False, about=about, stacked=True)


def _asked(say: Speech) -> Iterator[Column]:
    yield Column("model", say("Model"))
    yield Column("place", say("Place"))
    yield Column("language", say("Language"))
    yield Column("named", say("place named"), named=True)


def _questions(say: Speech) -> Column:
    def text(row: Mapping[str, Any]) -> str:
        return f"{say.number(row['n'], 0)} ({say.number(row['topics'], 0)})"

    return Column("n", say("questions (topics)"), text, numeric=True, named=True)


def _compared(say: Speech) -> Iterator[Column]:
    yield _interval("person", say("typical person"), say)
    yield _interval("gain", say("difference in points"), say, points=True)
    yield _interval("elsewhere", say("common answer elsewhere"), say)


def _guessed(say: Speech) -> Iterator[Column]:
    yield _share(f"{INVALID}_value", say("no option named"), say)
    yield _share("random_value", say("by chance"), say)
    yield _share("longest_value", say("longest option"), say)
    yield _share("position_value", say("most frequent position"), say)


def _share(key: str, label: str, say: Speech) -> Column:
    return Column(key, label, lambda row: say.percent(row[key]), numeric=True, named=True)


def _interval(prefix: str, label: str, say: Speech, *, points: bool = False) -> Column:
    """A column of numbers with intervals, which may wrap."""
    show = say.points if points else say.percent

    def text(row: Mapping[str, Any]) -> str:
        own = {end: row[f"{prefix}_{end}"] for end in ("value", "low", "high")}
        return with_interval(own, show, say)

    return Column(f"{prefix}_value", label, text, named=True)


def _headed(columns: Sequence[Column]) -> list[Column]:
    """Columns whose heads begin with a capital letter."""
    return [replace(one, label=one.label[:1].upper() + one.label[1:]) for one in columns]
