from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from pluralign.core import InvalidInput, PairSource, Tally
from pluralign.sources import VotePairs

TEXTS = """question_id,question,thought_id,author_id,thought
q1,Why?,t1,a,Because
q1,Why?,t2,b,No idea
q1,Why?,t3,c,\t
q1,Why?,t4,d,Because
"""
HEADER = "question_id,rater_id,thought_a,thought_b,vote\n"


def write(folder: Path, votes: str, texts: str = TEXTS) -> dict[str, Any]:
    (folder / "v.csv").write_text(HEADER + votes, "utf-8")
    (folder / "t.csv").write_text(texts, "utf-8")
    return {"path": folder / "v.csv", "texts": folder / "t.csv"}


def test_a_vote_is_a_pair_with_its_texts_and_its_rater(tmp_path: Path) -> None:
    files = write(tmp_path, "q1,p-7,t1,t2,Thought B\nq1,p-8,t1,t2,Thought A\n")
    first, second = VotePairs(**files, community="Britain").pairs()
    assert (first.chosen, first.rejected, first.rater, first.community) == (
        "No idea",
        "Because",
        "p-7",
        "GBR",
    )
    assert (first.prompt, first.question, first.id) == ("Why?", "Why?", "v:2")
    assert first.extra == {"chosen_id": "t2", "rejected_id": "t1"}
    assert (second.chosen, second.strength) == ("Because", None)


def test_ids_match_in_every_format_and_a_mark_is_not_a_person(tmp_path: Path) -> None:
    texts = "question_id,question,thought_id,thought\n1,Why?,1,Because\n1,Why?,2,No idea\n"
    tally = Tally()
    files = write(tmp_path, "1.0,17.0,1.0,2\u00a0, Thought A\n1,nan,1,2,Thought B\n", texts)
    assert [(p.chosen, p.rater) for p in VotePairs(**files).pairs(tally)] == [
        ("Because", "17"),
        ("No idea", None),
    ]
    assert tally.flagged == {"rater_id is missing: 'nan'": 1}


def test_votes_without_consent_are_dropped_and_counted(tmp_path: Path) -> None:
    files = write(tmp_path, "")
    files["path"].write_text(HEADER.strip() + ",consent\nq1,p,t1,t2,Thought A,withdrawn\n", "utf-8")
    tally = Tally()
    assert not list(VotePairs(**files).pairs(tally))
    assert tally.dropped == {"consent refused or withdrawn": 1}


@pytest.mark.parametrize(
    ("vote", "reason"),
    [
        ("q1,p,t1,t2,I agree with both", "no preference: I agree with both"),
        ("q1,p,t1,t9,Thought A", "text missing"),
        ("q2,p,t1,t2,Thought A", "text missing"),
        ("q1,p,t1,t3,Thought A", "text empty"),
        ("q1,p,t1,t4,Thought A", "same text on both sides"),
    ],
)
def test_a_vote_without_a_pair_is_counted_by_its_reason(
    tmp_path: Path, vote: str, reason: str
) -> None:
    tally = Tally()
    assert not list(VotePairs(**write(tmp_path, vote + "\n")).pairs(tally))
    assert (tally.read, tally.kept, tally.dropped) == (1, 0, {reason: 1})


def test_a_text_given_twice_differently_is_named_or_counted(tmp_path: Path) -> None:
    files = write(tmp_path, "q1,p,t1,t2,Thought A\n", TEXTS + "q1,Why?,t1,a,Another\n")
    with pytest.raises(InvalidInput, match=r"t\.csv:6: text 't1' is given twice"):
        list(VotePairs(**files).pairs())
    tally = Tally()
    (pair,) = VotePairs(**files, skip_bad=True).pairs(tally)
    assert (pair.chosen, tally.left_out) == ("Because", {"text id given twice": 1})


def test_other_column_names_and_votes_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("question_id,who,thought_a,thought_b,vote\nq1,p,t1,t2,left\n")
    (tmp_path / "t.csv").write_text(TEXTS)
    settings = {
        "path": tmp_path / "v.csv",
        "texts": tmp_path / "t.csv",
        "columns": {"rater": "who"},
        "vote_a": "left",
    }
    source = TypeAdapter(VotePairs).validate_python(settings)
    assert isinstance(source, PairSource)
    assert [pair.rater for pair in source.pairs()] == ["p"]


def test_a_mistaken_column_key_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'rater'"):
        VotePairs(tmp_path, tmp_path, columns={"ratr": "who"})


def test_a_missing_column_is_reported(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text(
        "question_id,rater,thought_a,thought_b,vote\nq1,p,t1,t2,Thought A\n"
    )
    (tmp_path / "t.csv").write_text(TEXTS)
    with pytest.raises(InvalidInput, match="missing column 'rater_id'"):
        list(VotePairs(tmp_path / "v.csv", tmp_path / "t.csv").pairs())


def test_an_unknown_community_is_refused_before_the_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Atlantis"):
        list(VotePairs(tmp_path, tmp_path, community="Atlantis").pairs())


@pytest.mark.shared
@pytest.mark.parametrize(
    ("panel", "community", "counts"),
    [("uk", "GBR", (10561, 10024, 710)), ("global", "~world", (15298, 14182, 1023))],
)
def test_the_real_panels_are_counted(
    shared_data: Path, panel: str, community: str, counts: tuple[int, int, int]
) -> None:
    folder, tally = shared_data / "global_dialogues", Tally()
    files = [folder / f"gd6_{panel}_{table}.csv.gz" for table in ("votes", "thoughts")]
    pairs = list(VotePairs(files[0], files[1], community).pairs(tally))
    assert (tally.read, tally.kept, len({pair.rater for pair in pairs})) == counts
    assert tally.read == tally.kept + sum(tally.dropped.values())
    assert len({pair.question for pair in pairs}) == 3
