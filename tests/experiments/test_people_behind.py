"""Records name the people behind each model by digests that only the data can resolve."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pluralign.experiments import Outcome
from pluralign.experiments.people_behind import digest_of, digest_under, key_of
from pluralign.rewards import load_card
from pluralign.runs import read_rows
from pluralign.simulation import SocietySource

Go = Callable[..., Outcome]


def test_a_run_lists_the_people_behind_each_repeat_by_digest(
    go: Go, tables: dict[str, Any], tmp_path: Path
) -> None:
    go(tables | {"repeats": 2, "split": {"draw": "hash"}}, tmp_path / "run")
    rows = read_rows(tmp_path / "run" / "behind.jsonl")
    assert [row["seed"] for row in rows] == [3, 4]
    pairs = list(SocietySource(each=60, thin=12, world=150).pairs())
    key = key_of(pairs)
    everybody = {digest_under(key, str(p.rater)) for p in pairs}
    for row in rows:
        assert set(row["pairs"]) < everybody
        assert row["people"] == len(row["pairs"])
        card = load_card(tmp_path / "run" / "models" / f"seed-{row['seed']}" / "full")
        assert card["behind"] == {"people": row["people"], "digest": row["digest"]}
        assert row["digest"] == digest_of(row["pairs"])
    assert rows[0]["pairs"] != rows[1]["pairs"]


def test_no_id_of_a_rater_is_in_the_open(go: Go, tables: dict[str, Any], tmp_path: Path) -> None:
    go(tables, tmp_path / "run")
    text = (tmp_path / "run" / "behind.jsonl").read_text()
    raters = {str(p.rater) for p in SocietySource(each=60, thin=12, world=150).pairs()}
    assert not any(f'"{rater}"' in text for rater in raters)


def test_digests_of_other_data_cannot_be_compared() -> None:
    pairs = list(SocietySource(each=20, thin=5, world=30).pairs())
    rater = str(pairs[0].rater)
    assert digest_under(key_of(pairs), rater) != digest_under(key_of(pairs[1:]), rater)
