"""Tastes that are planted on features."""

import numpy as np
import pytest

from pluralign.core import InvalidInput
from pluralign.simulation import plant_taste


def test_a_planted_taste_has_the_spread_that_was_asked_for_and_choices_follow_it():
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(4000, 5))
    taste = plant_taste(pairs, 1.5, rng)
    margin = taste.margins(pairs)
    assert np.sqrt((margin**2).mean()) == pytest.approx(1.5)
    taken = taste.takes_first(pairs, rng)
    assert taken[margin > 1].mean() > 0.8
    assert taken[margin < -1].mean() < 0.2


@pytest.mark.parametrize(("pairs", "spread"), [(np.ones((3, 2)), 0.0), (np.zeros((3, 2)), 1.0)])
def test_a_taste_needs_a_spread_and_pairs_that_differ(pairs, spread):
    with pytest.raises(InvalidInput, match="spread must be > 0 and pairs must differ"):
        plant_taste(pairs, spread, np.random.default_rng(0))
