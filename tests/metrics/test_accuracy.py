import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.metrics import correct, pairwise_accuracy

margins = st.lists(st.floats(-50, 50), min_size=1, max_size=30)


def test_a_tie_counts_half():
    assert pairwise_accuracy([0.0, 0.0]) == 0.5
    assert correct([1e-9, -1e-9, -0.0]).tolist() == [1.0, 0.0, 0.5]


def test_nothing_is_an_error_and_not_zero():
    with pytest.raises(NotEnoughData):
        pairwise_accuracy([])
    with pytest.raises(NotEnoughData):
        pairwise_accuracy([1.0, 2.0], weight_N=[0, 0])


def test_a_margin_that_is_not_a_number_is_named_with_its_row():
    with pytest.raises(InvalidInput, match="row 1"):
        pairwise_accuracy([1.0, float("nan")])
    with pytest.raises(InvalidInput, match="row 0"):
        pairwise_accuracy([1.0, 2.0], weight_N=[-1, 1])
    with pytest.raises(InvalidInput, match="aligned"):
        pairwise_accuracy([1.0, 2.0], weight_N=[1])


@given(margins)
def test_a_model_and_its_opposite_share_all_credit(values):
    assert pairwise_accuracy(values) + pairwise_accuracy([-v for v in values]) == pytest.approx(1)


@given(margins)
def test_only_the_sign_and_not_the_order_matters(values):
    doubled = [2 * v for v in reversed(values)]
    assert pairwise_accuracy(doubled) == pytest.approx(pairwise_accuracy(values))


def test_whole_weights_act_as_repeated_pairs():
    assert pairwise_accuracy([1, -1, 0], [3, 2, 1]) == pytest.approx(
        pairwise_accuracy(np.repeat([1, -1, 0], [3, 2, 1]))
    )
