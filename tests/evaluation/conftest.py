"""Test pairs that are nothing but columns."""

from collections.abc import Callable

import numpy as np
import pytest

from pluralign.core import rng_for
from pluralign.evaluation import Drawing, TestPairs


@pytest.fixture(scope="session")
def drawing() -> Drawing:
    return Drawing(seed=1, draws=200)


@pytest.fixture(scope="session")
def columns() -> Callable[..., TestPairs]:
    """``columns({"MEX": 12}, each=5)``: twelve raters of MEX, five pairs each, random margins."""

    def build(raters: dict[str, int], each: int = 5, people: bool = True) -> TestPairs:
        community = [c for c, n in raters.items() for _ in range(n * each)]
        cluster = [f"{c}/r{i}" for c, n in raters.items() for i in range(n) for _ in range(each)]
        reference_N = rng_for(0, "reference").normal(0.3, 1.0, len(community))
        ids = [f"p{i}" for i in range(len(community))]
        return TestPairs(
            *(np.array(column, dtype=np.str_) for column in (ids, community, cluster)),
            reference_N,
            people,
        )

    return build
