from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources import PolisVotes

COMMENTS = """timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body
1,Mon,0,0,3,0,1,More buses
2,Mon,1,1,0,3,1,More cars
3,Mon,2,1,1,1,0,More trees
4,Mon,3,1,0,0,-1,Buy my product
"""
MATRIX = """participant,group-id,n-comments,n-votes,n-agree,n-disagree,0,1,2,3
0,0,1,3,2,1,1,-1,1,
1,1,0,3,1,2,1,-1,-1,-1
2,,0,2,1,1,1,-1,0,
3,,0,1,1,0,1,,,
"""
RAW = "timestamp,datetime,comment-id,voter-id,vote\n" + "".join(
    f"{t},Mon,{comment},{voter},{vote}\n"
    for t, (voter, comment, vote) in enumerate(
        [
            (0, 0, 1),
            (0, 0, -1),
            (0, 1, 1),
            (0, 2, -1),
            (1, 0, -1),
            (1, 1, 1),
            (1, 2, 1),
            (2, 0, -1),
            (2, 1, 1),
        ]
    )
)


def export(folder: Path, **files: str) -> PolisVotes:
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.csv").write_text(text, "utf-8")
    return PolisVotes(folder, topic="What should change?")


def chosen(source: PolisVotes, tally: Tally | None = None) -> Mapping[str, tuple[str, str]]:
    return {pair.id: (pair.chosen, pair.rejected) for pair in source.pairs(tally)}


def test_a_person_who_agreed_with_one_and_disagreed_with_another_prefers_the_first(
    tmp_path: Path,
) -> None:
    tally = Tally()
    source = export(tmp_path, comments=COMMENTS, participants_votes=MATRIX)
    assert chosen(source, tally) == {
        "0:0>1": ("More buses", "More cars"),
        "0:2>1": ("More trees", "More cars"),
        "1:0>1": ("More buses", "More cars"),
        "1:0>2": ("More buses", "More trees"),
        "2:0>1": ("More buses", "More cars"),
    }
    assert (tally.read, tally.kept, tally.balanced) == (4, 3, True)
    assert tally.dropped == {"participant without an agreement and a disagreement": 1}
    assert tally.left_out["vote on a statement that is moderated out or not in comments.csv"] == 1
    assert {pair.rater for pair in source.pairs()} == {"0", "1", "2"}
    assert {pair.prompt for pair in source.pairs()} == {"What should change?"}


def test_the_reversed_sign_of_raw_votes_is_seen_in_the_counts(tmp_path: Path) -> None:
    tally = Tally()
    found = chosen(export(tmp_path, comments=COMMENTS, votes=RAW), tally)
    assert found["0:0>1"] == ("More buses", "More cars")
    assert found["1:0>2"] == ("More buses", "More trees")
    assert tally.dropped == {"vote that another one of the same participant replaces": 1}
    assert tally.balanced


def test_raw_votes_in_the_sign_of_agreements_are_read_too(tmp_path: Path) -> None:
    turned = "\n".join(
        line if number == 0 else ",".join([*line.split(",")[:-1], str(-int(line.split(",")[-1]))])
        for number, line in enumerate(RAW.strip().split("\n"))
    )
    assert chosen(export(tmp_path, comments=COMMENTS, votes=turned))["0:0>1"] == (
        "More buses",
        "More cars",
    )


def test_votes_that_contradict_the_counts_are_refused(tmp_path: Path) -> None:
    swapped = COMMENTS.replace("0,0,3,0,1", "0,0,0,3,1").replace("1,1,0,3,1", "1,1,3,0,1")
    with pytest.raises(InvalidInput, match=r"contradict comments\.csv"):
        chosen(export(tmp_path, comments=swapped, participants_votes=MATRIX))


def test_raw_votes_without_counts_are_refused(tmp_path: Path) -> None:
    bare = "comment-id,comment-body\n0,More buses\n1,More cars\n"
    with pytest.raises(InvalidInput, match="does not show whether 1"):
        chosen(export(tmp_path, comments=bare, votes=RAW))


def test_pairs_of_one_participant_are_bounded_and_the_rest_is_counted(tmp_path: Path) -> None:
    tally = Tally()
    export(tmp_path, comments=COMMENTS, participants_votes=MATRIX)
    source = PolisVotes(tmp_path, topic="Change?", pairs_per_participant=1)
    first = chosen(source, tally)
    assert len(first) == 3
    assert tally.left_out["pair over pairs_per_participant"] == 2
    assert chosen(source) == first


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"participants_votes": MATRIX}, InvalidInput, r"comments\.csv"),
        ({"comments": COMMENTS}, InvalidInput, r"votes\.csv"),
        (
            {"comments": "comment-id\n0\n", "participants_votes": MATRIX},
            InvalidInput,
            "comment-body",
        ),
        (
            {"comments": COMMENTS, "participants_votes": "participant,0\n0,2\n"},
            InvalidInput,
            "must be 1, 0, -1",
        ),
        (
            {"comments": COMMENTS, "participants_votes": "participant,0\n0,yes\n"},
            InvalidInput,
            ":2",
        ),
        (
            {"comments": COMMENTS, "participants_votes": "participant,x\n0,1\n"},
            InvalidInput,
            "a column for each statement",
        ),
        (
            {"comments": COMMENTS, "participants_votes": "participant,0\n0,\n"},
            NotEnoughData,
            "nobody voted",
        ),
        ({"comments": COMMENTS, "participants_votes": "participant,0\n"}, NotEnoughData, "no rows"),
    ],
)
def test_a_broken_export_is_refused_with_its_fault(
    files: dict[str, str], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        chosen(export(tmp_path, **files))


@pytest.mark.parametrize(
    ("settings", "message"), [({"topic": " "}, "topic"), ({"pairs_per_participant": 0}, ">= 1")]
)
def test_settings_that_make_no_sense_are_refused(
    settings: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        PolisVotes(tmp_path, **({"topic": "Change?"} | settings))  # type: ignore[arg-type]


def test_an_unknown_community_is_refused(tmp_path: Path) -> None:
    export(tmp_path, comments=COMMENTS, participants_votes=MATRIX)
    with pytest.raises(InvalidInput, match="Atlantis"):
        list(PolisVotes(tmp_path, topic="Change?", community="Atlantis").pairs())


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"comments": COMMENTS.replace("2,Mon,1,1", "2,Mon,,1"), "votes": RAW}, "comments.csv:3"),
        (
            {"comments": COMMENTS.replace("0,3,1,More", "none at all,3,1,More"), "votes": RAW},
            "comments.csv:3",
        ),
        (
            {"comments": COMMENTS, "participants_votes": MATRIX.replace("2,,0,2", ",,0,2")},
            "participants-votes.csv:4",
        ),
        ({"comments": COMMENTS, "votes": RAW.replace("0,Mon,0,0,1", "0,Mon,0,,1")}, "votes.csv:2"),
    ],
)
def test_a_bad_id_or_number_is_refused_with_its_line(
    tmp_path: Path, files: dict[str, str], where: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        chosen(export(tmp_path, **files))
    assert str(refused.value.where).endswith(where)


def test_the_sign_that_was_found_is_noted(tmp_path: Path) -> None:
    tally = Tally()
    chosen(export(tmp_path, comments=COMMENTS, votes=RAW), tally)
    assert "votes read with -1 as an agreement" in tally.notes


def test_the_name_that_polis_gives_the_votes_today_is_read(tmp_path: Path) -> None:
    assert chosen(export(tmp_path, comments=COMMENTS, participant_votes=MATRIX))["0:0>1"] == (
        "More buses",
        "More cars",
    )


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            {"comments": COMMENTS + "5,Mon,1,1,0,0,1,Again\n", "participants_votes": MATRIX},
            "comments.csv:6",
        ),
        (
            {"comments": COMMENTS, "participants_votes": MATRIX + "0,0,0,0,0,0,1,-1,,\n"},
            "participants-votes.csv:6",
        ),
        (
            {"comments": COMMENTS, "participants_votes": MATRIX + "9,0,0,0,0,0,7,-1,,\n"},
            "participants-votes.csv:6",
        ),
        ({"comments": COMMENTS, "votes": RAW + "9,Mon,0,9,7\n"}, "votes.csv:11"),
    ],
)
def test_bad_rows_are_named_or_counted(files: Mapping[str, str], line: str, tmp_path: Path) -> None:
    source = export(tmp_path, **files)
    with pytest.raises(InvalidInput) as refused:
        list(source.pairs())
    assert str(refused.value.where).endswith(line)
    tally = Tally()
    pairs = list(replace(source, skip_bad=True).pairs(tally))
    assert len(pairs) == 5
    assert tally.balanced
    assert any(
        reason.endswith(("twice", "1, 0 or -1")) for reason in (*tally.dropped, *tally.left_out)
    )
