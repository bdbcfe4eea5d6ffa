"""Pairwise comparisons made in Potato, joined with the items that were shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from pluralign.core import InvalidInput, Tally, is_missing
from pluralign.sources.foreign import ForeignPairs, preferred
from pluralign.sources.row_files import RowPolicy, read_rows, refused_at
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    id_of,
    optional_id,
    optional_number,
    require_columns,
)

_USERS = ("user_id", "user", "username")
_IDS = ("instance_id", "id")


@dataclass(frozen=True)
class PotatoPairs(ForeignPairs):
    """``annotated_instances`` as JSON Lines, JSON, CSV or TSV, and Potato's file of items.

    An annotation names its item by id and has the choice under ``label_annotations`` -> scheme ->
    label (JSON), or in a column ``SCHEME:::LABEL`` (tables). Where the label is ``selection``, its
    value is the choice; where it is ``scale_value``, a negative number prefers the first text and a
    positive one the second. A choice that is neither of the two labels makes no pair and is
    counted. The layout is that of Potato's documentation (Pairwise Comparison) and of its program,
    which writes ``id`` or ``instance_id``; it was not checked against a published file.

    Attributes:
        items: The data file of the task with ``id``, the prompt and the two texts, in two columns
            or as a list.
        responses: Column of the items with the list of the two texts (Potato's ``items_key``); read
            where the items lack the columns ``first`` and ``second``.
        scheme: Name of the annotation scheme.
        prompt: Column of the items with the prompt.
        first: Column of the first text.
        second: Column of the second text.
        first_label: Label that prefers the first text.
        second_label: Label that prefers the second text.

    Raises:
        InvalidInput: If no file of items is given.
    """

    name: ClassVar[str] = "potato"
    about: ClassVar[str] = (
        "pairwise comparisons exported from Potato, with the file of items that were shown"
    )

    items: Path | None = None
    responses: str = "responses"
    scheme: str = "preference"
    prompt: str = "prompt"
    first: str = "text_a"
    second: str = "text_b"
    first_label: str = "A"
    second_label: str = "B"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.items is None:
            raise InvalidInput(
                "the file of items must be given",
                where="items",
                hint="name Potato's data file: its output does not contain the two texts",
            )

    def _converted(self, row: Row) -> Iterable[Row | UnusableRow]:
        item = self._shown.get(id_of(row, _named(row, _IDS)))
        if item is None:
            raise UnusableRow("annotation of an item that is not in the file of items")
        labels = self._labels(row)
        label = labels[0] if len(labels) == 1 else f"{len(labels)} labels"
        sides = {self.first_label: "a", self.second_label: "b"}
        yield {
            "prompt": item[self.prompt],
            **preferred(item[self.first], item[self.second], sides.get(label, label)),
            "rater": optional_id(row, _named(row, _USERS)),
        }

    @cached_property
    def _shown(self) -> dict[str, Row]:
        """Items by id."""
        assert self.items is not None
        found: dict[str, Row] = {}
        for number, item in read_rows(self.items, RowPolicy(Tally())):
            row = self._with_two_columns(item)
            with refused_at(self.items, number):
                require_columns(row, ("id", self.prompt, self.first, self.second))
                found[id_of(row, "id")] = row
        return found

    def _with_two_columns(self, item: Row) -> Row:
        texts = item.get(self.responses)
        if self.first in item or not isinstance(texts, list) or len(texts) != 2:
            return item
        return {**item, self.first: texts[0], self.second: texts[1]}

    def _labels(self, row: Row) -> list[str]:
        """Labels of the scheme that the annotator chose."""
        start = f"{self.scheme}:::"
        columns = [name for name in row if name.startswith(start)]
        if columns:
            filled = [name for name in columns if not is_missing(row[name])]
            return self._chosen({name.removeprefix(start): row[name] for name in filled})
        annotations = row.get("label_annotations")
        if not isinstance(annotations, Mapping):
            raise BadRow(
                f"a choice must be in label_annotations or in a column {start}..., got neither",
                reason="no annotations",
                hint="name the annotation scheme: scheme = ...",
            )
        chosen = annotations.get(self.scheme)
        return self._chosen(chosen) if isinstance(chosen, Mapping) else []

    def _chosen(self, labels: Row) -> list[str]:
        """The choices that labels and their values mean."""
        if labels.get("selection"):
            return [str(labels["selection"])]
        number = optional_number(labels, "scale_value")
        if number == 0:
            return ["equal"]
        if number is not None:
            return [self.first_label if number < 0 else self.second_label]
        return [str(label) for label, value in labels.items() if value]


def _named(row: Row, names: tuple[str, ...]) -> str:
    """The first of these columns that the row has; else the first name."""
    return next((name for name in names if name in row), names[0])
