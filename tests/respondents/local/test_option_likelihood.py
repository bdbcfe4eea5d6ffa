"""Options scored by the likelihood of their words, against the model's own probabilities."""

from pathlib import Path

import pytest

from pluralign.core import Ask, Message, OpenQuestion, SurveyQuestion

torch = pytest.importorskip("torch")


def ask(text: str, *options: str, order: tuple[int, ...] = ()) -> Ask:
    question = SurveyQuestion("q", text, options)
    return Ask(question, (Message("user", text),), "options", order=order)


@pytest.fixture(scope="module")
def respondent(tiny_chat_model: Path):  # type: ignore[no-untyped-def]
    from pluralign.respondents.local import OptionTextRespondent, load_chat_model

    return OptionTextRespondent(load_chat_model(str(tiny_chat_model), device="cpu"))


def test_log_probabilities_are_sums_over_the_tokens_of_each_option(respondent) -> None:  # type: ignore[no-untyped-def]
    asked = ask("What do people eat?", "rice", "برنج", "rice and beans")
    (reply,) = respondent.answer([asked])
    model = respondent.model.loaded.model
    for option, found in zip(asked.shown, reply.log_probs_O, strict=True):
        prompt = respondent.model.tokens(asked.conversation)
        tokens = respondent.model.loaded.tokenizer(option, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logs = model(torch.tensor([prompt + tokens])).logits[0].float().log_softmax(-1)
        by_hand = sum(float(logs[len(prompt) + k - 1, t]) for k, t in enumerate(tokens))
        assert found == pytest.approx(by_hand, abs=1e-3)
    each = [p / len(o) for p, o in zip(reply.log_probs_O, asked.shown, strict=True)]
    assert reply.text == asked.labels[each.index(max(each))]


def test_the_order_shown_does_not_matter_and_replies_are_heard(respondent) -> None:  # type: ignore[no-untyped-def]
    heard: list[int] = []
    one, other = respondent.answer(
        [ask("?", "tea", "coffee"), ask("?", "tea", "coffee", order=(1, 0))],
        lambda i, reply: heard.append(i),
    )
    assert one.log_probs_O == pytest.approx(other.log_probs_O, abs=1e-4)
    assert heard == [0, 1]


def test_asks_that_cannot_be_scored_fail_with_the_reason(respondent) -> None:  # type: ignore[no-untyped-def]
    long, free = respondent.answer(
        [
            ask("x" * 2000, "tea", "coffee"),
            Ask(OpenQuestion("q", "?"), (Message("user", "?"),), "short"),
        ]
    )
    assert "at most 1024 tokens" in str(long.failure)
    assert "no options" in str(free.failure)


def test_the_share_of_unknown_tokens_is_that_of_words_outside_the_vocabulary() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    from pluralign.respondents.local.unknown_tokens import unknown_share

    words = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({"[UNK]": 0, "tea": 1}, unk_token="[UNK]")
    )
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]")
    assert unknown_share(fast, ["tea tea", "چای tea"]) == pytest.approx(1 / 4)
