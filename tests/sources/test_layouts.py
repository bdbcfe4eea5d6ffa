"""The layouts in which people hold preference pairs."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from pluralign.core import PreferencePair, Tally
from pluralign.core.pairs import Message
from pluralign.sources import GlobalOpinions, JsonlPairs
from pluralign.sources.conversation_texts import pair_texts
from pluralign.sources.layouts import rows_of_pairs
from pluralign.sources.literals import literal
from pluralign.sources.typed_cells import BadRow, UnusableRow


def turn(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


def pairs(folder: Path, *rows: dict[str, object]) -> list[PreferencePair]:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return list(JsonlPairs(path).pairs())


def test_turns_that_both_sides_share_are_the_prompt_despite_a_redundant_prompt() -> None:
    shared = [turn("user", "Q?"), turn("assistant", "x"), turn("user", "y")]
    row = {
        "prompt": "Q?",
        "chosen": [*shared, turn("assistant", "A")],
        "rejected": [*shared, turn("assistant", "B")],
    }
    prompt, chosen, rejected = pair_texts(row)
    assert [turn.content for turn in prompt if isinstance(turn, Message)] == ["Q?", "x", "y"]
    assert (chosen, rejected) == ("A", "B")


def test_a_system_turn_before_the_prompt_is_kept() -> None:
    shared = [turn("system", "S"), turn("user", "Q?")]
    row = {
        "prompt": "Q?",
        "chosen": [*shared, turn("assistant", "A")],
        "rejected": [*shared, turn("assistant", "B")],
    }
    assert pair_texts(row)[0] == (Message("system", "S"), Message("user", "Q?"))


def test_a_prompt_that_the_shared_turns_do_not_contain_is_not_replaced() -> None:
    shared = [turn("user", "other"), turn("assistant", "x"), turn("user", "y")]
    row = {
        "prompt": "Q?",
        "chosen": [*shared, turn("assistant", "A")],
        "rejected": [*shared, turn("assistant", "B")],
    }
    with pytest.raises(BadRow):
        pair_texts(row)


def test_texts_marked_human_and_assistant_are_conversations() -> None:
    talk = '\n\nHuman: Q?\n\nAssistant: x\n\nHuman: Is "Human: a" fine?\n\nAssistant: '
    prompt, chosen, rejected = pair_texts({"chosen": talk + "A", "rejected": talk + "B"})
    assert (chosen, rejected) == ("A", "B")
    assert [turn.content for turn in prompt if isinstance(turn, Message)] == [
        "Q?",
        "x",
        'Is "Human: a" fine?',
    ]
    prompt, chosen, _ = pair_texts({"prompt": talk, "chosen": " A", "rejected": " B"})
    assert (len(prompt), chosen) == (3, " A")


def test_marked_conversations_that_differ_before_the_last_turn_make_no_pair() -> None:
    start = "\n\nHuman: Q?\n\nAssistant: "
    for other in ("B\n\nHuman: more\n\nAssistant: C", "B\n\nHuman: more"):
        with pytest.raises(UnusableRow, match="conversations differ before the last turn"):
            pair_texts(
                {"chosen": start + "A\n\nHuman: x\n\nAssistant: y", "rejected": start + other}
            )


@pytest.mark.parametrize(
    "text", ["Human: a word", "He said:\n\nHuman: hi\n\nAssistant: ho", "Assistant: no"]
)
def test_a_text_that_only_mentions_a_mark_is_not_split(text: str) -> None:
    assert pair_texts({"prompt": "Q", "chosen": text, "rejected": "B"}) == ("Q", text, "B")


def test_parts_of_text_are_joined_and_an_image_is_refused() -> None:
    def part(text: str) -> dict[str, object]:
        return {"type": "text", "text": text}

    row = {
        "prompt": [turn("user", [part("Q"), part("?")])],
        "chosen": [turn("assistant", [part("A")])],
        "rejected": "B",
    }
    assert pair_texts(row) == ((Message("user", "Q\n?"),), "A", "B")
    image = {"type": "image_url", "image_url": {"url": "x"}}
    with pytest.raises(BadRow, match="must be text, got a part of type 'image_url'"):
        pair_texts(row | {"prompt": [turn("user", [image])]})


@pytest.mark.parametrize("written", [json.dumps, repr])
def test_messages_printed_into_a_cell_are_messages(written: type) -> None:
    cell = written([turn("assistant", "A")])
    assert pair_texts({"prompt": "Q", "chosen": cell, "rejected": "B"}) == ("Q", "A", "B")


def test_arrays_of_numpy_are_lists() -> None:
    row = {"prompt": np.array([turn("user", "Q")], dtype=object), "chosen": "A", "rejected": "B"}
    assert pair_texts(row) == ((Message("user", "Q"),), "A", "B")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"responses": ["a", "b", "c"], "chosen": 1}, [("b", "a"), ("b", "c")]),
        ({"responses": ["a", "b"], "chosen": "1"}, [("b", "a")]),
        ({"responses": ["a", "b"], "scores": [1, 2]}, [("b", "a")]),
        (
            {
                "completions": [
                    {"response": "a", "overall_score": 7},
                    {"response": "b", "overall_score": 3},
                ]
            },
            [("a", "b")],
        ),
        ({"answers": [{"answer": "a", "rank": 2}, {"answer": "b", "rank": 1}]}, [("b", "a")]),
        ({"chosen": ["A"], "rejected": ["B", "C"]}, [("A", "B"), ("A", "C")]),
        ({"data": {"chosen": "A", "rejected": "B"}}, [("A", "B")]),
    ],
)
def test_lists_of_responses_are_pairs(
    row: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert [(r["chosen"], r["rejected"]) for r in rows_of_pairs(row)] == expected


@pytest.mark.parametrize(
    "row",
    [
        {"responses": ["a", "b"], "chosen": 2},
        {"responses": ["a", "b"]},
        {"responses": ["a"], "chosen": 0},
    ],
)
def test_a_list_without_a_sound_choice_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(BadRow):
        rows_of_pairs(row)


def test_pairs_from_one_row_have_ids_of_their_own_and_the_row_is_counted_once(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pairs.jsonl"
    rows: list[dict[str, object]] = [{"prompt": "Q", "responses": ["a", "b", "c"], "chosen": 0}]
    path.write_text(
        "".join(json.dumps(row | more) + "\n" for row in rows for more in ({"id": "x"}, {})),
        "utf-8",
    )
    tally = Tally()
    assert [pair.id for pair in JsonlPairs(path).pairs(tally)] == [
        "x/1",
        "x/2",
        "pairs:2/1",
        "pairs:2/2",
    ]
    assert (tally.read, tally.kept) == (2, 2)


def test_pairs_are_read_from_csv_json_and_parquet_alike(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"Q{i}", "chosen": "A", "rejected": "B", "community": "Mexico"} for i in range(3)
    ]
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "pairs.parquet")
    for name in ("pairs.csv", "pairs.json", "pairs.parquet"):
        assert [(p.prompt, p.community) for p in JsonlPairs(tmp_path / name).pairs()] == [
            (f"Q{i}", "MEX") for i in range(3)
        ]


def test_shares_printed_by_numpy_and_shares_already_parsed_are_read(tmp_path: Path) -> None:
    expected = {"Mexico": [0.5, 0.3, 0.2]}
    printed = "{'Mexico': [np.float64(0.5), numpy.float32(0.3), 0.2]}"
    assert literal(printed, "selections", "{}") == expected
    assert literal("{'Mexico': array([0.5, 0.3, 0.2])}", "selections", "{}") == expected
    path = tmp_path / "g.jsonl"
    row = {
        "question": "Good?",
        "selections": expected,
        "options": ["Good", "Bad", "DK / Ref."],
        "source": "GAS",
    }
    path.write_text(json.dumps(row))
    (found,) = GlobalOpinions(path).survey().distributions
    assert found.probs_O == (0.5, 0.3)


def test_a_call_in_a_literal_is_refused_by_name_and_never_by_address() -> None:
    with pytest.raises(BadRow, match=r"it calls 'os\.system'") as caught:
        literal("{'a': os.system('x')}", "selections", "{}")
    assert "0x" not in str(caught.value)


@pytest.mark.parametrize("prompt", ["", " ", None, float("nan")])
def test_whole_conversations_with_a_blank_prompt_bring_their_own(prompt: object) -> None:
    asked = {"role": "user", "content": "Q?"}
    sides = {
        side: [asked, {"role": "assistant", "content": side}] for side in ("chosen", "rejected")
    }
    assert pair_texts({"prompt": prompt, **sides}) == (
        (Message("user", "Q?"),),
        "chosen",
        "rejected",
    )


def test_marked_conversations_with_line_ends_of_windows_are_read() -> None:
    start = "\r\n\r\nHuman: Q?\r\n\r\nAssistant: "
    prompt, *texts = pair_texts({"chosen": start + "A", "rejected": start + "B"})
    assert (prompt, texts) == ((Message("user", "Q?"),), ["A", "B"])


def test_a_prompt_in_an_array_without_dimensions_is_text() -> None:
    row = {"prompt": np.array("Q?"), "chosen": np.str_("A"), "rejected": "B"}
    assert pair_texts(row) == ("Q?", "A", "B")
