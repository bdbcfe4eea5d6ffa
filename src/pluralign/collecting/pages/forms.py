"""Forms: their fields, and how their content is carried along until it can be kept."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pluralign.collecting.written_texts import clean_text

CARRIED, CARRIED_TO = "carried", "carried_to"
"""Fields with the content of another form, and the page that it was sent to."""
_OWN = (CARRIED, CARRIED_TO)


@dataclass(frozen=True, slots=True)
class Form:
    """A form that a person sent.

    Attributes:
        fields: Name -> values, in their order.
    """

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_items(cls, items: Iterable[tuple[str, Any]]) -> Self:
        """A form from its pairs of name and value; files are left out."""
        found: dict[str, tuple[str, ...]] = {}
        for name, value in items:
            if isinstance(value, str):
                found[name] = (*found.get(name, ()), value)
        return cls(found)

    def one(self, name: str) -> str:
        """The first value of a field; empty where it is missing."""
        return self.fields.get(name, ("",))[0]

    def several(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return self.fields.get(name, ())

    def text(self, name: str, most: int) -> str:
        """A text, checked and cleaned.

        Raises:
            NotAccepted: As `clean_text` does.
        """
        return clean_text(self.one(name), most)

    def text_or_none(self, name: str, most: int) -> str | None:
        """A text that may be left out."""
        return self.text(name, most) if self.one(name).strip() else None

    def number(self, name: str, least: int, most: int) -> int | None:
        """A whole number; None where the field is missing or has anything else."""
        given = self.one(name)
        value = int(given) if given.isascii() and given.isdigit() and len(given) < 12 else None
        return value if value is not None and least <= value <= most else None

    def items(self) -> list[tuple[str, str]]:
        """Pairs of name and value, without those that carry another form."""
        return [(k, v) for k, values in self.fields.items() if k not in _OWN for v in values]


@dataclass(frozen=True, slots=True)
class Carried:
    """A form whose content waits for something else, such as a new consent.

    Attributes:
        path: The page that it was sent to.
        form: The form.
    """

    path: str
    form: Form

    @property
    def packed(self) -> str:
        """The content as the value of one field."""
        return json.dumps(self.form.items(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def of(cls, path: str, form: Form) -> "Carried | None":
        """The form that a form carries, else the form itself; None where there is nothing."""
        if form.one(CARRIED):
            return unpacked(form)
        return cls(path, form) if form.items() else None


def unpacked(form: Form) -> Carried | None:
    """The form that a form carries along; None if it carries none."""
    path, packed = form.one(CARRIED_TO), form.one(CARRIED)
    if not packed or not path.startswith("/") or path.startswith("//"):
        return None
    try:
        items = [(str(name), str(value)) for name, value in json.loads(packed)]
    except (ValueError, TypeError):
        return None
    return Carried(path, Form.from_items(items))
