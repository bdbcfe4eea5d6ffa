"""Every source: rows read are rows kept and rows dropped, whatever is in them."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import PairSource, Tally
from pluralign.simulation import SocietySource, SocietySurvey
from pluralign.sources import (
    CommunityAlignment,
    GlobalOpinions,
    JsonlPairs,
    PrismPairs,
    ShareTable,
    VotePairs,
    report_on,
)

UTTERANCE = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from(["u1", "u2", "u9"]),
        "interaction_id": st.sampled_from(["i1", "i2"]),
        "user_prompt": st.sampled_from(["Tea?", " "]),
        "model_response": st.sampled_from(["yes", "no", "EMPTY STRING"]),
        "score": st.sampled_from([1, 2, None, "good"]),
        "model_name": st.just("m"),
    }
)
CONVERSATION = st.fixed_dictionaries(
    {
        "annotator_country": st.sampled_from(["Mexico", "Nowhere"]),
        "annotator_id": st.just("a1"),
        "first_turn_prompt": st.sampled_from(["Tea?", ""]),
        **{f"first_turn_response_{x}": st.sampled_from(["yes", "no", "", None]) for x in "abcd"},
        "first_turn_preferred_response": st.sampled_from(["response_a", None, "response_z"]),
    }
)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def read_through(source: PairSource) -> Tally:
    tally = Tally()
    tally.made = sum(1 for _ in source.pairs(tally))
    return tally


@given(st.lists(UTTERANCE, min_size=1, max_size=12))
def test_every_rated_response_is_in_a_pair_or_dropped(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        people = [
            {"user_id": u, "location": {"reside_countryISO": c}}
            for u, c in (("u1", "MEX"), ("u2", "Nowhere"))
        ]
        write(Path(name) / "survey.jsonl", people)
        write(
            Path(name) / "utterances.jsonl",
            [row | {"utterance_id": f"t{k}"} for k, row in enumerate(rows)],
        )
        tally = read_through(PrismPairs(Path(name), skip_bad=True))
    assert tally.balanced
    assert (tally.read, tally.kept > 0) == (len(rows), tally.made > 0)


@given(st.lists(CONVERSATION, min_size=1, max_size=6))
def test_every_conversation_makes_a_pair_or_is_dropped(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = write(
            Path(name) / "ca.jsonl",
            [row | {"conversation_id": f"c{k}"} for k, row in enumerate(rows)],
        )
        tally = read_through(CommunityAlignment(path, skip_bad=True))
    assert tally.balanced
    assert (tally.read, tally.kept > 0) == (len(rows), tally.made > 0)


@pytest.mark.parametrize(
    "source", [SocietySource(each=20, thin=5, world=20), SocietySurvey(questions=6, people=20)]
)
def test_simulated_rows_add_up(source: PairSource) -> None:
    assert report_on(source).tally.balanced


def test_the_country_by_name_counts_where_its_code_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "survey.jsonl", [{"user_id": "u1", "location": {"reside_country": "Mexico"}}])
    said = {"user_id": "u1", "interaction_id": "i1", "user_prompt": "Tea?", "model_name": "m"}
    rows = [
        said | {"utterance_id": f"t{k}", "model_response": f"text {k}", "score": k} for k in (1, 2)
    ]
    write(tmp_path / "utterances.jsonl", rows)
    assert [pair.community for pair in PrismPairs(tmp_path).pairs()] == ["MEX"]


@pytest.mark.shared
def test_rows_of_real_data_add_up(shared_data: Path) -> None:
    dialogues = shared_data / "global_dialogues"
    sources: list[PairSource] = [
        GlobalOpinions(shared_data / "global_opinions" / "llm_global_opinions_part.csv"),
        ShareTable(shared_data / "wvs"),
        JsonlPairs(shared_data / "prism_pairs" / "hard_panel.jsonl.gz"),
        VotePairs(
            dialogues / "gd6_uk_votes.csv.gz", dialogues / "gd6_uk_thoughts.csv.gz", community="GBR"
        ),
    ]
    for source in sources:
        tally = report_on(source).tally
        assert tally.balanced, source.name
        assert tally.made, source.name
