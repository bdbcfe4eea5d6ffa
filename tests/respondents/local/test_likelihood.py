from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import Ask, Message, SurveyQuestion
from pluralign.respondents.local import LikelihoodRespondent, load_chat_model

SCALE = tuple(str(n) for n in range(1, 11))


def ask(
    text: str,
    options: tuple[str, ...] = SCALE,
    order: tuple[int, ...] = (),
    labels: tuple[str, ...] = (),
) -> Ask:
    said = (Message("system", "You are a real person from Mexico."), Message("user", text))
    return Ask(SurveyQuestion(text, text, options), said, "culture_aware", "MEX", order, labels)


ASKS = [ask("How happy are you?"), ask("How much trust is there?"), ask("Is it so?", ("Yes", "No"))]


@pytest.fixture(scope="module")
def chat(tiny_chat_model: Path) -> Any:
    return load_chat_model(str(tiny_chat_model), device="cpu")


def probs(respondent: LikelihoodRespondent, asks: list[Ask]) -> list[Any]:
    return [np.array(reply.probs_O) for reply in respondent.answer(asks)]


def test_probabilities_are_those_of_a_plain_forward_pass_for_every_option(chat: Any) -> None:
    import torch

    model = chat.loaded.model
    for one, found in zip(ASKS, probs(LikelihoodRespondent(chat), ASKS), strict=True):
        prompt = chat.tokens(one.conversation)
        logs = []
        for label in one.labels:
            tail = chat.loaded.tokenizer(label, add_special_tokens=False)["input_ids"]
            with torch.inference_mode():
                steps = torch.log_softmax(
                    model(torch.tensor([prompt + tail])).logits[0].float(), dim=-1
                )
            logs.append(
                sum(steps[len(prompt) - 1 + k, token].item() for k, token in enumerate(tail))
            )
        chance = np.exp(logs)
        if "10" in one.labels:
            chance[0] -= chance[9]
        np.testing.assert_allclose(found, chance / chance.sum(), atol=1e-5)


def test_reading_a_common_beginning_once_changes_nothing(chat: Any) -> None:
    for shared, alone in zip(
        probs(LikelihoodRespondent(chat), ASKS),
        probs(LikelihoodRespondent(chat, shares_prefix=False), ASKS),
        strict=True,
    ):
        np.testing.assert_allclose(shared, alone, atol=1e-5)


def test_neither_order_nor_company_changes_an_answer(chat: Any) -> None:
    together = probs(LikelihoodRespondent(chat), ASKS)
    reversed_ = probs(LikelihoodRespondent(chat), ASKS[::-1])[::-1]
    alone = [probs(LikelihoodRespondent(chat), [one])[0] for one in ASKS]
    for a, b, c in zip(together, reversed_, alone, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
        np.testing.assert_allclose(a, c, atol=1e-5)


def test_probabilities_are_in_the_order_of_the_question_not_of_the_positions_shown(
    chat: Any,
) -> None:
    shown_reversed = ask("Is it so?", ("Yes", "No"), order=(1, 0), labels=("1", "2"))
    straight = ask("Is it so?", ("Yes", "No"), order=(0, 1), labels=("1", "2"))
    (a,), (b,) = (LikelihoodRespondent(chat).answer([one]) for one in (shown_reversed, straight))
    np.testing.assert_allclose(a.probs_O, np.array(b.probs_O)[::-1], atol=1e-6)
    assert a.text == b.text


def test_a_prompt_longer_than_the_model_takes_is_a_failure_and_the_others_are_answered(
    chat: Any,
) -> None:
    replies = LikelihoodRespondent(chat).answer([ask("x" * 2000), ASKS[0]])
    assert replies[0].failure is not None
    assert "1024" in replies[0].failure
    assert replies[1].failure is None
