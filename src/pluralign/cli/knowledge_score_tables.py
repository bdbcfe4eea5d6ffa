"""The tables of ``pluralign knowledge score``."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pluralign.cli.numbers import scaled
from pluralign.cli.output import Output
from pluralign.cli.printed_tables import Cell, Number, PrintedColumn, PrintedTable
from pluralign.core import AnswerForm, count_of
from pluralign.evaluation.knowledge import BASELINE, PEOPLE, KnowledgeRow
from pluralign.evaluation.knowledge.result_rows import (
    ACCURACY,
    AMBIGUOUS_ACCURACY,
    AMBIGUOUS_BIAS,
    CONTAINED,
    CREDIT,
    DISAMBIGUATED_ACCURACY,
    DISAMBIGUATED_BIAS,
    EMPTY,
    EXACT,
    GAIN,
    INVALID,
    JUDGED,
    OTHER_LANGUAGE,
    PERSON,
    STEMMED,
    UNMATCHED,
    VALID_ACCURACY,
    is_reference,
)
from pluralign.languages import Speech
from pluralign.sources.row_files import BLANK_LINE
from pluralign.surveying import KnowledgeOutcome

_FEW = 10
"""Number of topics below which a line warns that intervals are rough."""
Asked = tuple[str, str, bool, AnswerForm]
"""Community, language, whether the place is named, and form."""


def show_scores(outcome: KnowledgeOutcome, folder: Path, output: Output) -> None:
    """Print the scores of each model, next to those of a typical person and of baselines."""
    if output.as_json:
        results = [row.as_dict() for row in outcome.results]
        output.json({"folder": str(folder), "record": outcome.record, "results": results})
        return
    data = outcome.record["data"]
    output.line(
        f"{data['answers']['kept']:,} answers to {data['test']['name']}, 95 % intervals clustered "
        "by topic",
        style="bold",
    )
    found = _Rows(outcome.results, outcome.record["places"])
    output.table(_short_table(found))
    output.table(_options_table(found))
    output.table(_stereotypes_table(found))
    if any(row.form == "short" for row in outcome.results):
        output.line("Score: people who gave the answer / people who gave the most common one.")
        output.line("Difference: on the questions to which two people or more gave an answer.")
    if any(row.metric == AMBIGUOUS_BIAS for row in outcome.results):
        output.line(
            "Diff-bias (KoBBQ): above 0 answers conform to the stereotype more often than they "
            "contradict it; intervals are clustered by template."
        )
    for line in _lines(outcome):
        output.line(line, style="dim")
    output.line(
        f"Written to {folder}: results.jsonl, scored.jsonl, record.json. For a page: pluralign "
        f"report {folder}"
    )


class _Rows:
    """Rows of results by model, metric and what was asked."""

    def __init__(
        self, rows: Sequence[KnowledgeRow], places: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._say = Speech().with_names(places)
        self._found = {(row.model, row.metric, self.asked(row)): row for row in rows}
        self.rows = rows

    def asked_cells(self, row: KnowledgeRow) -> list[Cell]:
        """The model, the place with the test's English name of it, and how it was asked."""
        named = "yes" if row.place_named else "no"
        return [row.model, self._say.place(row.community), row.language, named]

    @staticmethod
    def asked(row: KnowledgeRow) -> Asked:
        return row.community, row.language, row.place_named, row.form

    def of_models(self, metric: str, form: AnswerForm) -> Iterator[KnowledgeRow]:
        """The rows of models, sorted by community, language and whether the place is named."""
        own = [
            row
            for row in self.rows
            if row.metric == metric and row.form == form and not is_reference(row)
        ]
        models = list(dict.fromkeys(row.model for row in own))

        def place_of(row: KnowledgeRow) -> tuple[int, str, bool, bool]:
            position = models.index(row.model)
            return position, row.community, row.language == "en", not row.place_named

        yield from sorted(own, key=place_of)

    def number(
        self, row: KnowledgeRow, metric: str, model: str = "", signed: bool = False
    ) -> Number:
        """A number about what was asked in a row: of its own model, or of another respondent."""
        found = self._found.get((model or row.model, metric, self.asked(row)))
        return scaled(None if found is None else found.as_dict(), scale=100, signed=signed)

    def share(self, row: KnowledgeRow, metric: str, model: str = "") -> Number:
        """The same without its interval."""
        return Number(self.number(row, metric, model).value)


def _short_table(found: _Rows) -> PrintedTable:
    judged = [JUDGED] if any(row.metric == JUDGED for row in found.rows) else []
    matches = (EXACT, STEMMED, CONTAINED, *judged, UNMATCHED, EMPTY, OTHER_LANGUAGE)
    table = PrintedTable(
        title="Answers in the model's own words, in %",
        columns=[
            *_asked_columns(),
            PrintedColumn(head="score", interval=True),
            PrintedColumn(head="typical\nperson", interval=True, rank=1),
            PrintedColumn(head="difference", interval=True, rank=2),
            PrintedColumn(head="common\nelsewhere", interval=True, rank=4),
            PrintedColumn(head="exact", rank=3),
            PrintedColumn(head="stems", rank=5),
            PrintedColumn(head="contained", rank=3),
            *([PrintedColumn(head="judged", rank=3)] if judged else []),
            PrintedColumn(head="no match", rank=3),
            PrintedColumn(head="empty", rank=5),
            PrintedColumn(head="other\nlanguage", rank=6),
            PrintedColumn(head="questions", rank=2),
        ],
    )
    for row in found.of_models(CREDIT, "short"):
        table.rows.append(
            [
                *found.asked_cells(row),
                found.number(row, CREDIT),
                found.number(row, PERSON, PEOPLE),
                found.number(row, GAIN, signed=True),
                found.number(row, CREDIT, f"{BASELINE}other communities"),
                *(found.share(row, metric) for metric in matches),
                Number(f"{row.n:,}"),
            ]
        )
    return table


def _options_table(found: _Rows) -> PrintedTable:
    table = PrintedTable(
        title="One of several options, in %",
        columns=[
            *_asked_columns(),
            PrintedColumn(head="right", interval=True),
            PrintedColumn(head="invalid", rank=1),
            PrintedColumn(head="right of\nvalid", interval=True, rank=4),
            PrintedColumn(head="random", rank=1),
            PrintedColumn(head="longest", rank=2),
            PrintedColumn(head="position", rank=2),
            PrintedColumn(head="typical\nperson", interval=True, rank=3),
            PrintedColumn(head="questions", rank=2),
        ],
    )
    for row in found.of_models(ACCURACY, "options"):
        table.rows.append(
            [
                *found.asked_cells(row),
                found.number(row, ACCURACY),
                found.share(row, INVALID),
                found.number(row, VALID_ACCURACY),
                *(
                    found.share(row, ACCURACY, f"{BASELINE}{guess}")
                    for guess in ("random", "longest", "position")
                ),
                found.number(row, PERSON, PEOPLE),
                Number(f"{row.n:,}"),
            ]
        )
    return table


def _stereotypes_table(found: _Rows) -> PrintedTable:
    metrics = (AMBIGUOUS_ACCURACY, AMBIGUOUS_BIAS, DISAMBIGUATED_ACCURACY, DISAMBIGUATED_BIAS)
    table = PrintedTable(
        title="Stereotypes, accuracy in % and diff-bias in points",
        columns=[
            *_asked_columns(),
            PrintedColumn(head="ambiguous\nright", interval=True, rank=1),
            PrintedColumn(head="ambiguous\ndiff-bias", interval=True),
            PrintedColumn(head="clear\nright", interval=True, rank=1),
            PrintedColumn(head="clear\ndiff-bias", interval=True),
            PrintedColumn(head="invalid", rank=2),
            PrintedColumn(head="templates", rank=2),
        ],
    )
    for row in found.of_models(AMBIGUOUS_BIAS, "options"):
        numbers = [found.number(row, m, signed=m.startswith("diff_bias")) for m in metrics]
        share = found.share(row, INVALID)
        table.rows.append([*found.asked_cells(row), *numbers, share, Number(f"{row.topics:,}")])
    return table


def _asked_columns() -> list[PrintedColumn]:
    return [
        PrintedColumn(head="model", cut="middle"),
        PrintedColumn(head="place", cut="middle"),
        PrintedColumn(head="in"),
        PrintedColumn(head="named"),
    ]


def _lines(outcome: KnowledgeOutcome) -> Iterator[str]:
    answers = outcome.record["data"]["answers"]
    blank = {reason: n for reason, n in answers["notes"].items() if reason == BLANK_LINE}
    for reason, n in (answers["dropped"] | answers["left_out"] | blank).items():
        yield f"{n:,} x {reason}"
    for note in outcome.record["notes"]:
        yield f"note: {note}"
    people = {row.mentions for row in outcome.results}
    if None not in people:
        least = min(row.mentions / row.n for row in outcome.results if row.mentions and row.n)
        yield f"answers of people behind a question: {least:.1f} or more on average in each row"
    topics = {row.topics for row in outcome.results}
    if min(topics) == 1:
        yield "no intervals where there is one topic only: they are clustered by topic"
    elif min(topics) < _FEW:
        yield (
            f"intervals are over {count_of(min(topics), 'topic')} only: they are rough, and a test "
            "of other topics may differ more"
        )
