from pathlib import Path
from typing import Any

import pytest
from tests.respondents.conftest import build_chat_model
from tests.respondents.local.test_likelihood import ASKS

from pluralign.core import InvalidInput, Message, Reply, Sampling
from pluralign.respondents.chat import ChatRespondent
from pluralign.respondents.local import load_chat_model

TALKS = [(Message("user", text),) for text in ("One", "A longer one to go on with", "Two")]
GREEDY = Sampling(max_new_tokens=6)


@pytest.fixture(scope="module")
def chat(tiny_chat_model: Path) -> Any:
    return load_chat_model(str(tiny_chat_model), device="cpu")


def test_company_does_not_change_what_is_written_without_chance(chat: Any) -> None:
    together = [reply.text for reply in chat.complete(TALKS, GREEDY)]
    assert together == [chat.complete([talk], GREEDY)[0].text for talk in TALKS]
    assert together == [reply.text for reply in chat.complete(TALKS[::-1], GREEDY)][::-1]


def test_the_seed_decides_what_is_drawn_and_the_global_generator_is_left_alone(chat: Any) -> None:
    import torch

    drawn = Sampling(temperature=1.0, max_new_tokens=12, seed=1)
    before = torch.random.get_rng_state()
    first = chat.complete(TALKS, drawn)
    assert first == chat.complete(TALKS, drawn)
    assert first != chat.complete(TALKS, Sampling(temperature=1.0, max_new_tokens=12, seed=2))
    assert torch.equal(before, torch.random.get_rng_state())


def test_every_reply_is_reported_as_soon_as_it_arrives(tiny_chat_model: Path) -> None:
    chat = load_chat_model(str(tiny_chat_model), device="cpu", batch_tokens=40)
    heard: dict[int, Reply] = {}
    replies = chat.complete(TALKS, GREEDY, heard.__setitem__)
    assert [heard[i] for i in range(3)] == replies


def test_several_replies_to_a_prompt_that_is_read_once_are_those_of_reading_it_each_time(
    chat: Any,
) -> None:
    alone = [reply.text for reply in chat.complete(TALKS, GREEDY)]
    for talk, own in zip(chat.sample(TALKS, GREEDY, 3), alone, strict=True):
        assert [reply.text for reply in talk] == [own] * 3


def test_drawn_replies_differ_and_have_the_probabilities_of_the_model(chat: Any) -> None:
    import torch

    one = Sampling(temperature=1.0, max_new_tokens=1, seed=3)
    talks = [TALKS[0], (Message("user", "Quite another length of prompt"),)]
    for talk, drawn in zip(talks, chat.sample(talks, one, 2000), strict=True):
        ids = torch.tensor([chat.tokens(talk)])
        with torch.inference_mode():
            chance = chat.loaded.model(ids).logits[0, -1].softmax(-1)
        texts = [reply.text for reply in drawn]
        likeliest = chance.argsort(descending=True)[:20]
        for token in likeliest.tolist():
            text = chat.loaded.tokenizer.decode([token]).strip()
            if text.isascii() and text.isprintable() and text:
                share = texts.count(text) / 2000
                assert abs(share - float(chance[token])) < 0.02


def test_a_model_with_absolute_positions_gives_an_answer_its_probability_in_any_company(
    tiny_chat_model: Path, tmp_path: Path
) -> None:
    import shutil

    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = shutil.copytree(tiny_chat_model, tmp_path / "gpt2")
    torch.manual_seed(1)
    config = GPT2Config(
        vocab_size=258, n_positions=1024, n_embd=32, n_layer=2, n_head=2, initializer_range=0.3
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    chat = load_chat_model(str(folder), device="cpu")
    asked = [[Message("user", "Tea?")], [Message("user", "Would you swim here in winter?")]]
    answers = ["Yes", "No, not at all, and never on a Sunday"]
    alone = [chat.log_probs([one], [text])[0] for one, text in zip(asked, answers, strict=True)]
    assert chat.log_probs(asked, answers) == pytest.approx(alone, rel=1e-4)


def test_every_draw_is_reported_with_its_prompt_and_number(tiny_chat_model: Path) -> None:
    chat = load_chat_model(str(tiny_chat_model), device="cpu", batch_tokens=80)
    heard: dict[tuple[int, int], Reply] = {}
    drawn = Sampling(temperature=1.0, max_new_tokens=4, seed=1)
    replies = chat.sample(TALKS, drawn, 3, lambda i, k, reply: heard.__setitem__((i, k), reply))
    assert {(i, k): one for i, own in enumerate(replies) for k, one in enumerate(own)} == heard


def test_a_prompt_too_long_fails_alone_and_is_never_cut(chat: Any) -> None:
    replies = chat.complete([(Message("user", "x" * 2000),), TALKS[0]], GREEDY)
    assert replies[0].failure is not None
    assert replies[1] == chat.complete(TALKS[:1], GREEDY)[0]


def test_a_model_without_a_chat_template_reads_plain_turns_and_warns(tmp_path: Path) -> None:
    plain = load_chat_model(str(build_chat_model(tmp_path / "plain", template=None)), device="cpu")
    assert plain.loaded.tokenizer.decode(plain.tokens(TALKS[0])) == "User: One\n\nAssistant:"
    assert "no chat template" in plain.notes[0]


def test_a_template_that_takes_no_system_turn_gets_it_before_the_question(tmp_path: Path) -> None:
    refusing = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    )
    strict = refusing + "{{ messages[0]['content'] }}"
    chat = load_chat_model(
        str(build_chat_model(tmp_path / "strict", template=strict)), device="cpu"
    )
    told = chat.tokens((Message("system", "Be kind."), Message("user", "Hello")))
    assert chat.loaded.tokenizer.decode(told) == "Be kind.\n\nHello"


def test_the_fingerprint_changes_with_the_weights_and_the_name_is_the_folders(
    tmp_path: Path, chat: Any
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    other = build_chat_model(tmp_path / "other")
    assert load_chat_model(str(other), device="cpu").fingerprint == chat.fingerprint
    model = AutoModelForCausalLM.from_pretrained(other)
    with torch.no_grad():
        model.lm_head.weight[0, 0] += 1
    model.save_pretrained(other)
    changed = load_chat_model(str(other), device="cpu")
    assert (changed.fingerprint != chat.fingerprint, changed.name) == (True, "other")


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        load_chat_model(str(tmp_path / "nowhere"))


def test_draws_of_one_ask_differ_and_are_the_same_again(chat: Any) -> None:
    from dataclasses import replace

    asks = [replace(ASKS[0], draw=draw) for draw in range(4)]
    respondent = ChatRespondent(chat, Sampling(temperature=1.5, max_new_tokens=8))
    texts = [reply.text for reply in respondent.answer(asks)]
    assert len(set(texts)) > 1
    assert texts == [reply.text for reply in respondent.answer(asks)]
