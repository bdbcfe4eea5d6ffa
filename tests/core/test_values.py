"""Estimates, steering, randomness, errors and tallies."""

import math
import pickle
from collections import Counter

import numpy as np
import pytest

from pluralign.core import (
    DamagedFile,
    Estimate,
    InvalidInput,
    InvalidSettings,
    MissingExtra,
    NotEnoughData,
    PluralignError,
    Steer,
    Tally,
    UnknownCommunity,
    rng_for,
)


def test_an_estimate_is_written_with_its_interval_and_its_people() -> None:
    assert (
        str(Estimate(0.5, 0.4, 0.6, n=1200, n_raters=30))
        == "0.500 [0.400, 0.600] (n=1,200, 30 raters)"
    )
    assert str(Estimate(0.5, None, None, n=1)) == "0.500 no interval (n=1)"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_estimate_must_be_a_finite_number(value: float) -> None:
    with pytest.raises(ValueError, match="must be a finite number"):
        Estimate(value, None, None, n=1)


def test_nothing_measured_is_no_estimate() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Estimate(0.0, None, None, n=0)


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.1, None), (None, 0.1), (0.6, 0.4), (math.nan, math.nan), (0.1, math.nan), (0.1, math.inf)],
)
def test_an_interval_has_two_ends_in_order_or_none(low: float | None, high: float | None) -> None:
    with pytest.raises(ValueError, match=r"low .* high"):
        Estimate(0.5, low, high, n=1)


@pytest.mark.parametrize(
    "shares",
    [
        {},
        {"MEX": 0.5},
        {"MEX": 0.7, "GBR": 0.7},
        {"MEX": 1.5, "GBR": -0.5},
        {"MEX": math.nan},
        {"MEX": math.inf},
    ],
)
def test_shares_that_are_no_blend_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="shares"):
        Steer(shares)


@pytest.mark.parametrize("strength", [-0.1, math.nan, math.inf])
def test_a_strength_that_is_no_number_from_zero_is_refused(strength: float) -> None:
    with pytest.raises(InvalidInput, match="strength"):
        Steer.to("MEX", strength)


def test_shares_may_sum_to_one_up_to_rounding() -> None:
    assert len(Steer({f"~c{i}": 1 / 3 for i in range(3)}).shares) == 3
    assert Steer({f"~c{i}": 0.1 for i in range(10)}).strength == 1.0


def test_a_steer_is_a_value_that_nobody_can_change_from_outside() -> None:
    shares = {"MEX": 1.0}
    steer = Steer(shares)
    shares["GBR"] = 1.0
    assert steer == Steer.to("MEX")
    assert hash(steer) == hash(Steer.to("MEX"))
    assert steer != Steer.to("MEX", strength=0.5)
    with pytest.raises(TypeError):
        steer.shares["MEX"] = 0.0  # type: ignore[index]


def test_the_same_seed_and_name_give_the_same_stream() -> None:
    first, again = rng_for(7, "bootstrap", "MEX"), rng_for(7, "bootstrap", "MEX")
    assert np.array_equal(first.random(100), again.random(100))


def test_other_names_or_seeds_give_independent_streams() -> None:
    keys: list[tuple[int, *tuple[str | int, ...]]] = [
        (7, "split"),
        (8, "split"),
        (7, "bootstrap"),
        (7, "split", "MEX"),
        (7, "split", 1),
        (7,),
        (-7, "split"),
    ]
    streams = np.stack([rng_for(*key).normal(size=2000) for key in keys])
    others = np.asarray(np.corrcoef(streams))[~np.eye(len(keys), dtype=bool)]
    assert np.abs(others).max() < 0.1


def test_drawing_for_one_purpose_never_shifts_another() -> None:
    expected = rng_for(7, "b").random(5)
    rng_for(7, "a").random(1000)
    assert np.array_equal(rng_for(7, "b").random(5), expected)


def test_names_are_not_glued_together() -> None:
    assert rng_for(1, "ab", "c").random() != rng_for(1, "a", "bc").random()
    assert rng_for(1, "1").random() != rng_for(11).random()


def test_an_error_gives_place_fault_and_hint_as_far_as_known() -> None:
    assert str(InvalidInput("tau is 2")) == "tau is 2"
    assert str(InvalidInput("tau is 2", where="a.toml:3")) == "a.toml:3: tau is 2"
    assert str(InvalidInput("tau is 2", hint="use 0.7")) == "tau is 2\n  -> use 0.7"
    assert (
        str(InvalidInput("tau is 2", where="a.toml:3", hint="use 0.7"))
        == "a.toml:3: tau is 2\n  -> use 0.7"
    )


@pytest.mark.parametrize(
    ("error", "parent"),
    [
        (InvalidInput, ValueError),
        (InvalidSettings, InvalidInput),
        (NotEnoughData, ValueError),
        (UnknownCommunity, LookupError),
        (DamagedFile, ValueError),
        (MissingExtra, ImportError),
    ],
)
def test_an_error_is_caught_as_ours_or_as_its_standard_parent_and_crosses_processes(
    error: type[PluralignError], parent: type[Exception]
) -> None:
    made = error("what", where="where", hint="hint")
    assert isinstance(made, PluralignError)
    assert isinstance(made, parent)
    again = pickle.loads(pickle.dumps(made))  # noqa: S301
    assert (type(again), str(again)) == (error, "where: what\n  -> hint")


def test_the_error_for_a_missing_extra_gives_the_command_that_installs_it() -> None:
    assert str(MissingExtra.named("embed", "torch")).endswith("-> pip install 'pluralign[embed]'")


def test_tallies_add_up() -> None:
    tally, other = Tally(read=2, kept=1), Tally(read=3, kept=1)
    tally.drop("tie")
    other.drop("tie", 2)
    other.flag("short")
    other.note("label: Atlantis", 4)
    tally.merge(other)
    assert (tally.read, tally.kept, tally.dropped) == (5, 2, Counter({"tie": 3}))
    assert (tally.flagged, tally.notes) == (Counter({"short": 1}), Counter({"label: Atlantis": 4}))
    assert Tally().dropped == Counter()
