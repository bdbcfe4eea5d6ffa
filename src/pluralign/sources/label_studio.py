"""Pairwise comparisons made in Label Studio, exported as JSON or JSON-MIN."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from pluralign.sources.foreign import ForeignPairs, preferred
from pluralign.sources.typed_cells import BadRow, Row, UnusableRow, optional_id, require_columns

_SIDES = {"left": "a", "right": "b"}


@dataclass(frozen=True)
class LabelStudioPairs(ForeignPairs):
    """Tasks with two texts and a ``Pairwise`` choice of the left or the right one.

    In JSON every annotation is one answer, by ``completed_by``; cancelled and empty ones are
    dropped. In JSON-MIN each row is one answer, by ``annotator``. The layout is that of Label
    Studio's documentation (Task format; Pairwise tag).

    Attributes:
        prompt: Key of the prompt in the task's data.
        left: Key of the left text.
        right: Key of the right text.
        choice: Name of the ``Pairwise`` tag; used in JSON-MIN.
    """

    name: ClassVar[str] = "label_studio"
    about: ClassVar[str] = "pairwise comparisons exported from Label Studio as JSON or JSON-MIN"

    prompt: str = "prompt"
    left: str = "text1"
    right: str = "text2"
    choice: str = "pw"

    def _converted(self, row: Row) -> Iterable[Row | UnusableRow]:
        annotations = row.get("annotations")
        data = row.get("data")
        if not isinstance(annotations, list) or not isinstance(data, Mapping):
            require_columns(row, (self.choice,))
            yield self._answer(row, row[self.choice], optional_id(row, "annotator"))
            return
        for annotation in annotations:
            try:
                yield self._answer(data, _selected(annotation), _annotator(annotation))
            except UnusableRow as reason:
                yield reason

    def _answer(self, data: Row, selected: object, rater: str | None) -> Row:
        require_columns(data, (self.prompt, self.left, self.right))
        if isinstance(selected, Mapping):
            selected = selected.get("selected")
        side = str(selected or "")
        sides = preferred(data[self.left], data[self.right], _SIDES.get(side, side))
        ours = {name: data[name] for name in ("community", "language") if name in data}
        return {"prompt": data[self.prompt], **sides, "rater": rater, **ours}


def _selected(annotation: object) -> object:
    if not isinstance(annotation, Mapping):
        raise BadRow("an annotation must be an object", reason="annotation is not an object")
    if annotation.get("was_cancelled"):
        raise UnusableRow("cancelled annotation")
    found = list(_choices(annotation.get("result")))
    if len(found) > 1:
        raise UnusableRow("several pairwise choices in one annotation")
    return found[0] if found else None


def _choices(result: object) -> Iterator[object]:
    for item in result if isinstance(result, list) else ():
        if isinstance(item, Mapping) and item.get("type") == "pairwise":
            yield item.get("value")


def _annotator(annotation: Row) -> str | None:
    by = annotation.get("completed_by")
    if isinstance(by, Mapping):
        return optional_id(by, "id")
    return optional_id(annotation, "completed_by")
