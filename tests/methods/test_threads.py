"""A run promises the same numbers, to the last bit, on one core and on several."""

from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pluralign.core import rng_for
from pluralign.settings import method_named


@pytest.mark.parametrize("name", ["full", "scpo", "pooled", "adaptive"])
def test_a_method_gives_the_same_bits_with_any_number_of_threads(name: str, village: Any) -> None:
    method = method_named(name)

    def heads(threads: int) -> Any:
        with threadpool_limits(threads):
            model = method.fit(
                village.train, village.reference, method.configure(), rng_for(3, "fit")
            )
        return model.heads()

    one, two = heads(1), heads(2)
    assert np.array_equal(one, two)
