"""Prompts for language models, from files of several shapes."""

import json

import pytest

from pluralign.core import InvalidInput, Message, Tally
from pluralign.sources import RowPolicy, read_prompts


def _file(tmp_path, rows):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_text_and_messages_are_read_with_their_community_and_language(tmp_path):
    turns = [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": "Yes."}]
    rows = [{"prompt": "Rice?", "community": "Mexico", "language": "es"}, {"messages": turns}]
    text, talk = read_prompts(_file(tmp_path, rows), RowPolicy(Tally()))
    assert (text.prompt, text.community, text.language) == ("Rice?", "MEX", "es")
    assert text.conversation == (Message("user", "Rice?"),)
    assert talk.conversation == (Message("user", "Tea?"),)  # the answer is left out


def test_a_file_of_pairs_will_do_and_a_prompt_of_several_communities_has_none(tmp_path):
    pair = {"prompt": "Tea?", "chosen": "Yes.", "rejected": "No."}
    rows = [pair | {"community": "MEX"}, pair | {"community": "GBR"}, {"prompt": "Rice?"}]
    tally = Tally()
    found = read_prompts(_file(tmp_path, rows), RowPolicy(tally))
    assert [(one.prompt, one.community) for one in found] == [("Tea?", None), ("Rice?", None)]
    assert dict(tally.dropped) == {"the same prompt again": 1}
    assert (tally.read, tally.kept) == (3, 2)


def test_rows_that_no_model_can_answer_are_counted(tmp_path):
    rows = [{"prompt": " "}, {"prompt": [{"role": "system", "content": "Be kind."}]}]
    tally = Tally()
    assert read_prompts(_file(tmp_path, rows), RowPolicy(tally)) == []
    assert dict(tally.dropped) == {"empty prompt": 1, "no turn of a user to answer": 1}


def test_bad_rows_are_refused_with_their_line(tmp_path):
    path = _file(tmp_path, [{"id": "a", "prompt": "Tea?"}, {"id": "a", "prompt": "Rice?"}])
    with pytest.raises(InvalidInput, match="the id 'a' is there twice") as caught:
        read_prompts(path, RowPolicy(Tally()))
    assert str(caught.value.where).endswith("prompts.jsonl:2")
    with pytest.raises(InvalidInput, match="missing column 'prompt'"):
        read_prompts(_file(tmp_path, [{"question": "Tea?"}]), RowPolicy(Tally()))
