"""What a setting means is read from where it is defined, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from pluralign.core.units import Unit
from pluralign.settings.meanings import meanings_of_class, meanings_of_settings


class Inner(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)
    ridge: Annotated[float, Field(gt=0), Unit("pairs")] | Literal["auto"] = "auto"
    """Pull towards ``zero``,
    in pairs."""


class Other(BaseModel):
    width: Annotated[int, Field(ge=1, le=9)] = 1


class Outer(BaseModel):
    fit: Inner | Other = Inner()
    by: Literal["rater", "question"] = "rater"
    path: Path | None = None
    names: tuple[str, ...] = ()
    whether: bool = False
    taus: tuple[Annotated[float, Field(gt=0, le=1), Unit("logits")], ...] = ()


@dataclass
class Base:
    """A source.

    It has two settings.

    Attributes:
        path: The file; ``.csv``
            or ``.jsonl``.

    Raises:
        ValueError: Never.
    """

    path: Path


@dataclass
class Extended(Base):
    """More of it.

    Attributes:
        columns: Our name of a column.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    strange: Any = None


@pytest.mark.parametrize(
    ("key", "allowed", "unit"),
    [
        ("fit.ridge", "number > 0 | auto", "pairs"),
        ("fit.width", "whole number >= 1 and <= 9", ""),
        ("by", "rater | question", ""),
        ("path", "path", ""),
        ("names", "list of texts", ""),
        ("whether", "true | false", ""),
        ("taus", "list of number > 0 and <= 1", "logits"),
    ],
)
def test_allowed_values_and_units_come_from_the_type(key: str, allowed: str, unit: str) -> None:
    found = dict(meanings_of_settings(Outer))[key]
    assert (found.allowed, found.unit) == (allowed, unit)


def test_the_description_is_the_docstring_of_the_setting_on_one_line() -> None:
    found = dict(meanings_of_settings(Outer))
    assert found["fit.ridge"].description == "Pull towards `zero`, in pairs."


def test_values_are_listed_where_there_are_few() -> None:
    found = dict(meanings_of_settings(Outer))
    assert found["by"].values == ("rater", "question")
    assert found["fit.ridge"].values == ("auto",)
    assert found["names"].values == ()


def test_a_dataclass_is_described_by_its_attributes_and_those_it_extends() -> None:
    found = meanings_of_class(Extended)
    assert found["path"].description == "The file; `.csv` or `.jsonl`."
    assert found["columns"].description == "Our name of a column."
    assert (found["columns"].allowed, found["strange"].allowed) == ("table", "")
