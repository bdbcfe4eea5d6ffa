from typing import Any

import numpy as np
import pytest
import torch

from pluralign.core import InvalidInput
from pluralign.rewards.transformer.forward import ForwardRunner
from pluralign.rewards.transformer.tokenized_texts import TextForm, tokenise

KINDS = ["encoder", "decoder", "chat"]


def tokens_of(tiny: Any, backbone: Any, count: int = 40) -> Any:
    return tokenise(backbone.tokenizer, tiny.requests(count), tiny.form(backbone))


def short_of_memory(model: Any, most: int, calls: list[int]) -> Any:
    """A forward pass that fits no more than ``most`` requests."""

    def forward(batch: dict[str, Any]) -> Any:
        calls.append(len(batch["input_ids"]))
        if calls[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return model(**batch).logits

    return forward


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("budget", [1, 64, 300, 100_000])
def test_batches_and_padding_do_not_change_scores(tiny: Any, name: str, budget: int) -> None:
    backbone = tiny.load(name)
    tokens = tokens_of(tiny, backbone)
    one_by_one = [
        ForwardRunner(backbone.tokenizer, "cpu").run(lambda b: backbone.model(**b).logits, [t])
        for t in tokens
    ]
    together = ForwardRunner(backbone.tokenizer, "cpu", budget).run(
        lambda b: backbone.model(**b).logits, tokens
    )
    assert together.shape == (40, 1)
    assert together.std() > 0.01
    assert np.allclose(together, np.concatenate(one_by_one), atol=1e-5, rtol=1e-5)


def test_a_batch_has_no_more_tokens_than_allowed_padding_included(tiny: Any) -> None:
    backbone = tiny.load("encoder")
    shapes: list[tuple[int, int]] = []

    def forward(batch: dict[str, Any]) -> Any:
        shapes.append(tuple(batch["input_ids"].shape))
        return backbone.model(**batch).logits

    tokens = tokens_of(tiny, backbone)
    ForwardRunner(backbone.tokenizer, "cpu", 150).run(forward, tokens)
    assert sum(rows for rows, _ in shapes) == 40
    assert max(rows * width for rows, width in shapes) <= 150
    padding = sum(rows * width for rows, width in shapes) - sum(len(t) for t in tokens)
    assert padding < 0.25 * sum(len(t) for t in tokens)


@pytest.mark.parametrize("most", [1, 3, 10])
def test_out_of_memory_halves_the_batch_warns_and_keeps_the_work(tiny: Any, most: int) -> None:
    backbone, said, calls = tiny.load("encoder"), [], []
    tokens = tokens_of(tiny, backbone)
    runner = ForwardRunner(backbone.tokenizer, "cpu", 10_000, said.append)
    found = runner.run(short_of_memory(backbone.model, most, calls), tokens)
    expected = ForwardRunner(backbone.tokenizer, "cpu").run(
        lambda b: backbone.model(**b).logits, tokens
    )
    assert np.allclose(found, expected, atol=1e-5)
    assert sum(c for c in calls if c <= most) == 40, "nothing is computed twice"
    assert said[0].startswith("out of memory with 40 requests of ")
    assert said[0].endswith("continuing with 20")
    assert 1 <= len(said) <= 8


def test_the_size_that_fits_is_remembered(tiny: Any) -> None:
    backbone, said, calls = tiny.load("encoder"), [], []
    tokens = tokens_of(tiny, backbone, 16)
    runner = ForwardRunner(backbone.tokenizer, "cpu", 10_000, said.append)
    runner.run(short_of_memory(backbone.model, 6, calls), [max(tokens, key=len)] * 16)
    halved = len(said)
    runner.run(short_of_memory(backbone.model, 6, calls), [max(tokens, key=len)] * 16)
    assert halved == len(said) > 0


def test_a_request_that_does_not_fit_alone_is_an_error(tiny: Any) -> None:
    backbone = tiny.load("encoder")
    with pytest.raises(
        InvalidInput, match=r"(?s)one request of .* tokens does not fit into memory.*max_length"
    ):
        ForwardRunner(backbone.tokenizer, "cpu", 4000).run(
            short_of_memory(backbone.model, 0, []), tokens_of(tiny, backbone)
        )


def test_widths_suit_the_hardware_without_changing_scores(tiny: Any) -> None:
    backbone = tiny.load("decoder")
    tokens = tokenise(backbone.tokenizer, tiny.requests(5), TextForm("plain"))
    runner = ForwardRunner(backbone.tokenizer, "cpu")
    plain = runner.run(lambda b: backbone.model(**b).logits, tokens)
    runner._multiple = 8
    assert runner.batch(tokens)["input_ids"].shape[1] % 8 == 0
    assert np.allclose(runner.run(lambda b: backbone.model(**b).logits, tokens), plain, atol=1e-5)
