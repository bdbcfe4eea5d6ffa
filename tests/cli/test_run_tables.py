"""The tables that `pluralign run` prints at its end."""

from pluralign.cli.run_tables import _weighted


def test_an_accuracy_weighted_by_strength_may_have_no_interval():
    # Where few people were tested, the average over communities has none.
    shown = _weighted({"value": 0.5, "low": None, "high": None, "strength_weighted": 0.625})
    assert (shown.value, shown.interval.strip()) == ("62.5", "")


def test_its_interval_is_shown_where_there_is_one():
    row = {"strength_weighted_low": 0.5, "strength_weighted": 0.625, "strength_weighted_high": 0.75}
    shown = _weighted(row)
    assert f"{shown.value} {shown.interval}" == "62.5 [50.0, 75.0]"
