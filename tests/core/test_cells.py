import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import InvalidInput, cell_id, cell_number, is_missing, tidy

MARKS = [
    None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, Decimal("nan"), "", "NA", "N/A", "n/a",
    "nan",
    "NaN", "None",
    "null", "NULL", "nil", "-", "--", ".", "?", "#N/A", "<NA>", "(null)", "\\N", "#VALUE!",
    "Prefer not to say",
    "prefer not to answer", "I’d rather not say", "Unknown", "missing", "not stated", " NA ",
    "\u00a0N/A\u200b", "\ufeff",
]  # fmt: skip
BLANKS = ["", " ", "\t", "\r\n", "\u00a0", "\u200b", "\ufeff", "\u2009", "\u200e"]


@pytest.mark.parametrize("mark", MARKS, ids=repr)
def test_a_mark_of_a_missing_value_is_no_id_and_no_number(mark: object) -> None:
    assert is_missing(mark)
    assert cell_id(mark) is None
    assert cell_number(mark) is None


@pytest.mark.parametrize(
    "value", [0, 0.0, False, "0", "no", "NO", "DK", "NE", "r1", "Nan Goldin", "x" * 500, [], "~"]
)
def test_a_value_is_not_missing(value: object) -> None:
    assert not is_missing(value)


@given(st.integers(-(2**53), 2**53), st.sampled_from(BLANKS), st.sampled_from(BLANKS))
def test_a_whole_number_is_one_id_in_every_format(number: int, before: str, after: str) -> None:
    written = [number, float(number), str(number), f"{before}{number}{after}", Decimal(number)]
    if number >= 0:
        written += [f"{number}.0", np.float64(number), np.int64(number)]
    assert {cell_id(value) for value in written} == {str(number)}


@given(st.text(max_size=20), st.sampled_from(BLANKS), st.sampled_from(BLANKS))
def test_blanks_around_an_id_do_not_matter(text: str, before: str, after: str) -> None:
    assert cell_id(before + text + after) == cell_id(text)
    assert tidy(tidy(text)) == tidy(text)


def test_an_id_in_either_normal_form_is_one_id() -> None:
    assert cell_id("Jose\u0301") == cell_id("Jos\u00e9")


@pytest.mark.parametrize("value", [True, np.True_, 1.5, math.inf, [1], {"id": 1}, b"1"])
def test_a_value_that_is_neither_text_nor_a_whole_number_is_not_an_id(value: object) -> None:
    with pytest.raises(InvalidInput, match="must be text or a whole number"):
        cell_id(value)


def test_an_id_that_lost_digits_as_a_float_is_refused() -> None:
    with pytest.raises(InvalidInput, match="lost its last digits"):
        cell_id(1.2345678901234567e18)
    assert cell_id(1234567890123456789) == "1234567890123456789"


@pytest.mark.parametrize("value", ["one", "1_0", "inf", math.inf, True, [1.0], "1 2", 10**400])
def test_a_value_that_is_not_a_finite_number_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="the value must be a number"):
        cell_number(value)


def test_a_number_may_be_text_with_blanks() -> None:
    assert [cell_number(value) for value in ("2", " 2.0\u00a0", np.float32(2), 2, Decimal(2))] == [
        2.0
    ] * 5
