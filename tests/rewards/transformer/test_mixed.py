from pluralign.core import rng_for
from pluralign.rewards.transformer.mixed import lots_of


def test_every_request_is_in_one_lot_with_all_of_its_adapter() -> None:
    rng = rng_for(0, "lots")
    for _ in range(50):
        names = [f"part{k}" for k in rng.integers(6, size=rng.integers(1, 30))]
        lots = lots_of(
            rng.integers(1, 20, size=len(names)).tolist(), names, int(rng.integers(0, 80))
        )
        assert sorted(row for lot in lots for row in lot) == list(range(len(names)))
        for name in names:
            assert sum(name in {names[row] for row in lot} for lot in lots) == 1


def test_several_adapters_are_scored_together_only_as_far_as_a_batch_has_room() -> None:
    rng = rng_for(1, "lots")
    for _ in range(50):
        names = [f"part{k}" for k in rng.integers(6, size=20)]
        lengths, most = rng.integers(1, 20, size=20).tolist(), int(rng.integers(0, 120))
        for lot in lots_of(lengths, names, most):
            assert len({names[row] for row in lot}) == 1 or sum(lengths[row] for row in lot) <= most
    assert lots_of([3, 3, 3], ["a", "b", "c"], most=100) == [[0, 1, 2]]
    assert lots_of([3, 3, 3], ["a", "b", "a"], most=0) == [[0, 2], [1]]
