"""The strength of a choice as its weight."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import PluralignError, PreferencePair
from pluralign.experiments import Outcome
from pluralign.methods.strength_weights import StrengthWeight, weighted_by_strength


def answer(n: int, strength: float | None, source: str = "a") -> PreferencePair:
    return PreferencePair(
        str(n), "Tea?", "Yes", "No", "GBR", strength=strength, source=source, weight=2.0
    )


def weights(pairs: list[PreferencePair], kind: StrengthWeight) -> list[float]:
    return [pair.weight for pair in weighted_by_strength(pairs, kind)]


def test_none_changes_nothing() -> None:
    pairs = [answer(1, 0.1), answer(2, 0.4)]
    assert weighted_by_strength(pairs, "none") == tuple(pairs)


def test_weights_grow_with_the_strength_or_its_square_root() -> None:
    pairs = [answer(1, 0.1), answer(2, 0.4)]
    full, root = weights(pairs, "full"), weights(pairs, "root")
    assert full[1] / full[0] == pytest.approx(4)
    assert root[1] / root[0] == pytest.approx(2)
    assert sum(full) == pytest.approx(4) and sum(root) == pytest.approx(4)


def test_the_unit_of_a_source_does_not_matter() -> None:
    shares = [answer(1, 0.1), answer(2, 0.4)]
    scores = [answer(3, 10, "b"), answer(4, 40, "b")]
    assert weights(shares + scores, "full") == pytest.approx(2 * weights(shares, "full"))


def test_a_pair_without_a_strength_keeps_its_weight() -> None:
    assert weights([answer(1, None), answer(2, 0.4), answer(3, 0.1)], "full")[0] == 2.0


def test_a_run_learns_more_from_clear_choices_and_other_strengths_are_another_run(
    go: Callable[..., Outcome],
    tables: dict[str, Any],
    tmp_path: Path,
    rows: list[dict[str, Any]],
    write_rows: Callable[..., Path],
) -> None:
    def run(kind: str, factor: float) -> Outcome:
        given = [{**row, "strength": 1 + factor * (n % 2)} for n, row in enumerate(rows)]
        path = write_rows(tmp_path / "pairs.jsonl", given)
        changed = {"pairs": {"source": "jsonl", "path": str(path)}, "fit": {"strength": kind}}
        return go(tables | changed, tmp_path / kind)

    plain, full = run("none", 0), run("full", 0)
    assert run("none", 9).results == plain.results == full.results
    with pytest.raises(PluralignError):
        run("full", 9)
    shutil.rmtree(tmp_path / "full")
    assert run("full", 9).results != plain.results
