from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput, Message, RewardRequest, prompt_text
from pluralign.huggingface.watch import Watch
from pluralign.rewards.transformer.forward import padded
from pluralign.rewards.transformer.tokenized_texts import (
    TextForm,
    form_for,
    request_key,
    request_of,
    tokenise,
)
from pluralign.rewards.transformer.training_rows import WeightedPairs, rows_of

FORMS = [
    ("encoder", "pair"),
    ("encoder", "joined"),
    ("decoder", "plain"),
    ("decoder", "joined"),
    ("chat", "chat"),
]
LONG = " ".join(["river market school"] * 40)


def ids_of(backbone: Any, request: RewardRequest, form: TextForm) -> list[int]:
    return list(tokenise(backbone.tokenizer, [request], form)[0].ids)


def words(backbone: Any, ids: list[int]) -> list[str]:
    return backbone.tokenizer.decode(ids).replace("[SEP]", " [SEP] ").split()


def test_the_form_follows_the_tokenizer(tiny: Any) -> None:
    kinds = {name: form_for(tiny.load(name).tokenizer) for name in ("encoder", "decoder", "chat")}
    assert kinds == {"encoder": "pair", "decoder": "plain", "chat": "chat"}


@pytest.mark.parametrize(("name", "kind"), FORMS)
def test_training_and_scoring_read_the_same_tokens(
    tiny: Any, name: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pluralign.rewards.transformer.trunk import RequestEncoder, TransformerTrunk

    backbone, form, pairs = tiny.load(name), TextForm(kind, 24), tiny.pairs(12)
    rows, _ = rows_of(backbone, form, WeightedPairs(pairs, [1.0] * len(pairs)), Watch())
    seen: list[tuple[int, ...]] = []
    forward = backbone.model.forward

    def watched(*args: Any, **batch: Any) -> Any:
        for ids, mask in zip(
            batch["input_ids"].tolist(), batch["attention_mask"].tolist(), strict=True
        ):
            seen.append(tuple(ids[: sum(mask)]))
        return forward(*args, **batch)

    monkeypatch.setattr(backbone.model, "forward", watched)
    TransformerTrunk(RequestEncoder(backbone, form)).encode_pairs(pairs)
    assert {tuple(row[side]) for row in rows for side in ("chosen_ids", "rejected_ids")} == set(
        seen
    )


@pytest.mark.parametrize(("name", "kind"), FORMS)
def test_a_text_within_the_limit_is_what_the_tokenizer_itself_makes_of_it(
    tiny: Any, name: str, kind: Any
) -> None:
    tokenizer = tiny.load(name).tokenizer
    sep = tokenizer.sep_token or tokenizer.eos_token
    for request in tiny.requests(20) + tiny.turns(10):
        prompt = prompt_text(request.prompt)
        turns = (
            [Message("user", prompt)] if isinstance(request.prompt, str) else list(request.prompt)
        )
        expected: dict[str, Callable[[], list[int]]] = {
            "pair": lambda p=prompt, r=request: tokenizer(p, r.response)["input_ids"],
            "joined": lambda p=prompt, r=request: tokenizer(f"{p} {sep} {r.response}")["input_ids"],
            "plain": lambda p=prompt, r=request: tokenizer(f"{p}\n\n{r.response}</s>")["input_ids"],
            "chat": lambda t=turns, r=request: tokenizer.apply_chat_template(
                [
                    {"role": m.role, "content": m.content}
                    for m in [*t, Message("assistant", r.response)]
                ],
                return_dict=False,
            ),
        }
        tokens = tokenise(tokenizer, [request], TextForm(kind, 512))[0]
        assert list(tokens.ids) == expected[kind]()
        assert not tokens.cut


def test_joined_text_is_cut_as_the_tokenizer_truncates_it(tiny: Any) -> None:
    tokenizer = tiny.load("encoder").tokenizer
    for request in [*tiny.requests(30), RewardRequest(LONG, "tea")]:
        expected = tokenizer(
            f"{request.prompt} [SEP] {request.response}", truncation=True, max_length=12
        )["input_ids"]
        assert ids_of(tiny.load("encoder"), request, TextForm("joined", 12)) == expected


@pytest.mark.parametrize(
    ("name", "kind"), [("encoder", "pair"), ("decoder", "plain"), ("chat", "chat")]
)
def test_a_long_prompt_loses_its_beginning_and_the_response_stays_whole(
    tiny: Any, name: str, kind: Any
) -> None:
    backbone = tiny.load(name)
    request = RewardRequest(f"vote {LONG} who should decide", "because the elder often work")
    whole = ids_of(backbone, request, TextForm(kind, 2048))
    cut = tokenise(backbone.tokenizer, [request], TextForm(kind, 30))[0]
    assert len(cut) == 30
    assert cut.cut
    text = words(backbone, list(cut.ids))
    assert "vote" not in " ".join(text)
    assert "who should decide" in " ".join(text)
    assert "because the elder often work" in " ".join(text).replace("</s>", "")
    assert cut.ids[0] == whole[0]
    assert list(cut.ids[-8:]) == whole[-8:]


@pytest.mark.parametrize(
    ("name", "kind"), [("encoder", "pair"), ("decoder", "plain"), ("chat", "chat")]
)
def test_a_response_that_is_too_long_by_itself_loses_its_end(
    tiny: Any, name: str, kind: Any
) -> None:
    backbone = tiny.load(name)
    request = RewardRequest("what do you drink", f"tea because {LONG} never")
    cut = ids_of(backbone, request, TextForm(kind, 24))
    text = " ".join(words(backbone, cut))
    assert len(cut) == 24
    assert "drink" not in text
    assert "tea because river" in text
    assert "never" not in text


@pytest.mark.parametrize("limit", [12, 16, 24, 40, 60])
@pytest.mark.parametrize(
    ("name", "kind"), [("encoder", "pair"), ("decoder", "plain"), ("chat", "chat")]
)
def test_after_any_cut_the_words_that_stay_are_in_order_and_the_template_is_whole(
    tiny: Any, name: str, kind: Any, limit: int
) -> None:
    backbone = tiny.load(name)
    specials = set(backbone.tokenizer.all_special_ids) - {backbone.tokenizer.unk_token_id}
    specials |= {
        backbone.tokenizer.convert_tokens_to_ids(t)
        for t in ("<|user|>", "<|assistant|>")
        if name == "chat"
    }
    for request in tiny.requests(15, seed=limit) + (
        tiny.turns(15, seed=limit) if limit >= 24 else []
    ):
        whole = tokenise(backbone.tokenizer, [request], TextForm(kind, 2048))[0]
        cut = tokenise(backbone.tokenizer, [request], TextForm(kind, limit))[0]
        assert len(cut) == min(limit, len(whole))
        assert cut.cut == (len(whole) > limit)
        assert [i for i in cut.ids if i in specials] == [i for i in whole.ids if i in specials]
        rest = iter(whole.ids)
        assert all(token in rest for token in cut.ids)


def test_a_response_that_also_occurs_in_its_template_is_found(tiny: Any) -> None:
    backbone = tiny.load("chat")
    for response in ("s", "assistant", "user", "|"):
        cut = backbone.tokenizer.decode(
            ids_of(backbone, RewardRequest(LONG, response), TextForm("chat", 20))
        )
        assert cut.endswith(f"<|assistant|>\n{response}</s>\n")


def test_token_types_follow_the_tokens_that_stay(tiny: Any) -> None:
    backbone = tiny.load("encoder")
    tokens = tokenise(
        backbone.tokenizer, [RewardRequest(LONG, "tea with bread")], TextForm("pair", 16)
    )[0]
    assert tokens.types == (0,) * 12 + (1,) * 4
    assert (
        tokenise(tiny.load("roberta").tokenizer, [RewardRequest("tea", "tea")], TextForm("pair"))[
            0
        ].types
        is None
    )


@pytest.mark.parametrize(
    ("name", "kind"), [("encoder", "pair"), ("decoder", "plain"), ("chat", "chat")]
)
def test_no_room_for_a_response_is_an_error(tiny: Any, name: str, kind: Any) -> None:
    turns = tuple(Message("user" if i % 2 == 0 else "assistant", "tea") for i in range(9))
    request = RewardRequest(turns if kind == "chat" else LONG, LONG)
    if kind == "chat":
        with pytest.raises(InvalidInput, match=r"(?s)no room for a response.*max_length"):
            tokenise(tiny.load(name).tokenizer, [request], TextForm(kind, 12))
    else:
        assert len(tokenise(tiny.load(name).tokenizer, [request], TextForm(kind, 8))[0]) == 8
    with pytest.raises(InvalidInput, match="fewer than 8"):
        TextForm(kind, 7)


def test_the_error_for_a_tokenizer_without_a_chat_template_suggests_a_form(tiny: Any) -> None:
    with pytest.raises(InvalidInput, match=r"(?s)chat template.*plain"):
        tokenise(tiny.load("decoder").tokenizer, tiny.requests(1), TextForm("chat"))


def test_a_slow_tokenizer_is_refused(tmp_path: Path) -> None:
    class Slow:
        is_fast = False

    with pytest.raises(InvalidInput, match="not a fast one"):
        tokenise(Slow(), [RewardRequest("a", "b")], TextForm("plain"))


def test_pairs_that_are_too_long_are_counted_and_cut_or_dropped(tiny: Any) -> None:
    backbone, pairs, said = tiny.load("encoder"), tiny.pairs(8), []
    pairs[2] = replace(pairs[2], chosen=LONG)
    pairs[5] = replace(pairs[5], prompt=LONG)
    data = WeightedPairs(pairs, [1.0] * 8)
    rows, told = rows_of(backbone, TextForm("pair", 40, "cut"), data, Watch(note=said.append))
    assert (len(rows), told) == (8, {"pairs_cut": 2, "pairs_dropped_as_too_long": 0})
    rows, told = rows_of(backbone, TextForm("pair", 40, "drop"), data, Watch(note=said.append))
    assert [row["row"] for row in rows] == [0, 1, 3, 4, 6, 7]
    assert told == {"pairs_cut": 0, "pairs_dropped_as_too_long": 2}
    assert said == [
        "2 of 8 pairs are longer than 40 tokens and were cut",
        "2 of 8 pairs are longer than 40 tokens and were left out",
    ]


@pytest.mark.parametrize("response", ["Hello", '["a"]', "\ud800 lone", "\n\u2028\x00", "茶"])
def test_a_key_is_the_whole_request(response: str) -> None:
    requests = [
        RewardRequest("Hi", response),
        RewardRequest((Message("user", "Hi"),), response),
        RewardRequest((Message("system", response), Message("user", response)), response),
    ]
    keys = [request_key(r) for r in requests]
    assert [request_of(k) for k in keys] == requests
    assert len(set(keys)) == 3


def test_padding_is_at_the_right_and_masked(tiny: Any) -> None:
    backbone = tiny.load("encoder")
    tokens = tokenise(backbone.tokenizer, tiny.requests(5), TextForm("pair"))
    batch = padded(tokens, 0, multiple=8)
    assert batch["input_ids"].shape[1] % 8 == 0
    assert batch["attention_mask"].sum(dim=1).tolist() == [len(t) for t in tokens]
    for row, t in enumerate(tokens):
        assert tuple(batch["input_ids"][row, : len(t)].tolist()) == t.ids
        assert batch["input_ids"][row, len(t) :].sum() == 0
