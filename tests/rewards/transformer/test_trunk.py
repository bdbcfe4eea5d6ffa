from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pluralign.core import NotEnoughData, PreferencePair, rng_for
from pluralign.encoders import CachedEncoder
from pluralign.rewards.transformer.tokenized_texts import request_key
from pluralign.rewards.transformer.trunk import (
    RequestEncoder,
    TransformerTrunk,
    own_head,
    set_head,
    without_head,
)

KINDS = ["encoder", "roberta", "decoder", "chat"]


def trunk(
    tiny: Any, backbone: Any, output: Any = "reward", tokens: int | None = None
) -> TransformerTrunk:
    return TransformerTrunk(RequestEncoder(backbone, tiny.form(backbone), output, tokens))


@pytest.mark.parametrize("output", ["reward", "hidden"])
@pytest.mark.parametrize("name", KINDS)
def test_order_duplicates_and_company_do_not_change_a_score(
    tiny: Any, name: str, output: Any
) -> None:
    backbone, requests = tiny.load(name), tiny.requests(24)
    found = trunk(tiny, backbone, output).features(requests)
    order = rng_for(0, "order").permutation(24)
    shuffled = trunk(tiny, backbone, output, 200).features([requests[i] for i in order])
    doubled = trunk(tiny, backbone, output).features([r for r in requests for _ in range(2)])
    assert found.dtype == np.float32
    assert np.allclose(shuffled, found[order], atol=1e-5)
    assert np.array_equal(doubled[::2], doubled[1::2])
    assert np.allclose(doubled[::2], found, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_the_hidden_output_times_the_models_own_head_is_its_reward(tiny: Any, name: str) -> None:
    backbone, requests = tiny.load(name), tiny.requests(20)
    hidden = trunk(tiny, backbone, "hidden")
    feature_N_D, head_D = hidden.features(requests), own_head(backbone)
    assert feature_N_D.shape == (20, hidden.dimensions) == (20, len(head_D))
    reward_N = trunk(tiny, backbone).features(requests)[:, 0]
    assert reward_N.std() > 0.01
    assert np.allclose(feature_N_D @ head_D, reward_N, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_a_head_that_is_written_into_a_model_is_read_back_and_scores_alike(
    tiny: Any, name: str
) -> None:
    backbone, requests = tiny.load(name), tiny.requests(8)
    feature_N_D = trunk(tiny, backbone, "hidden").features(requests)
    head_D = rng_for(1, "head").normal(size=feature_N_D.shape[1])
    if own_head(backbone)[-1] == 0:
        head_D[-1] = 0.0
    set_head(backbone.model, head_D)
    assert np.allclose(own_head(backbone), head_D, atol=1e-6)
    assert np.allclose(
        trunk(tiny, backbone).features(requests)[:, 0], feature_N_D @ head_D, atol=1e-5
    )


def test_a_bias_is_refused_in_a_layer_without_one(tiny: Any) -> None:
    backbone = tiny.load("decoder")
    with pytest.raises(ValueError, match=r"bias is 1.0"):
        set_head(backbone.model, np.ones(len(own_head(backbone))))


def test_the_head_is_back_after_the_hidden_states_were_read_even_after_a_failure(tiny: Any) -> None:
    backbone = tiny.load("roberta")
    head = backbone.model.classifier.out_proj
    with pytest.raises(KeyboardInterrupt), without_head(backbone.model):
        assert backbone.model.classifier.out_proj is not head
        raise KeyboardInterrupt
    assert backbone.model.classifier.out_proj is head


def test_scores_are_taken_without_dropout_and_without_gradients_however_the_model_was_left(
    tiny: Any,
) -> None:
    backbone, requests = tiny.load("encoder"), tiny.requests(10)
    assert backbone.model.config.hidden_dropout_prob > 0
    expected = trunk(tiny, backbone).features(requests)
    for output in ("reward", "hidden"):
        backbone.model.train()
        first = trunk(tiny, backbone, output).features(requests)
        backbone.model.train()
        assert np.array_equal(first, trunk(tiny, backbone, output).features(requests))
    backbone.model.train()
    assert np.array_equal(trunk(tiny, backbone).features(requests), expected)
    assert not torch.is_inference_mode_enabled()


def test_pairs_become_differences_of_features(tiny: Any) -> None:
    backbone, pairs = tiny.load("encoder"), tiny.pairs(10)
    found = trunk(tiny, backbone, "hidden")
    requests = [
        [type(tiny.requests(1)[0])(p.prompt, getattr(p, side)) for p in pairs]
        for side in ("chosen", "rejected")
    ]
    chosen, rejected = (found.features(side) for side in requests)
    assert np.allclose(found.encode_pairs(pairs).features.dense(), chosen - rejected, atol=1e-5)
    assert found.encode_pairs(pairs).pairs == tuple(pairs)


def test_a_cache_asks_the_model_once(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, requests, rows = tiny.load("encoder"), tiny.requests(12), []
    forward = backbone.model.forward

    def watched(**batch: Any) -> Any:
        rows.append(len(batch["input_ids"]))
        return forward(**batch)

    monkeypatch.setattr(backbone.model, "forward", watched)
    for _ in range(2):
        cached = TransformerTrunk(
            CachedEncoder(RequestEncoder(backbone, tiny.form(backbone)), tmp_path)
        )
        first = cached.features([*requests, *requests[:3]])
        assert np.array_equal(cached.features(requests), first[:12])
    assert sum(rows) == 12
    assert np.allclose(first[:12], trunk(tiny, backbone).features(requests), atol=1e-6)


def test_scores_of_another_form_or_output_are_not_taken_from_the_cache(tiny: Any) -> None:
    backbone = tiny.load("encoder")
    encoders = [
        RequestEncoder(backbone, tiny.form(backbone), "reward"),
        RequestEncoder(backbone, tiny.form(backbone), "hidden"),
        RequestEncoder(backbone, tiny.form(backbone, 64), "reward"),
        RequestEncoder(tiny.load("decoder"), tiny.form(backbone), "reward"),
    ]
    assert len({e.fingerprint for e in encoders}) == 4


def test_requests_that_were_cut_are_counted_once_each(tiny: Any) -> None:
    backbone, requests = tiny.load("encoder"), tiny.requests(20)
    encoder = RequestEncoder(backbone, tiny.form(backbone, 16))
    long = sum(len(backbone.tokenizer(r.prompt, r.response)["input_ids"]) > 16 for r in requests)
    encoder.encode([request_key(r) for r in requests * 2])
    assert encoder.truncated == long > 0


def test_nothing_to_score_is_an_error(tiny: Any) -> None:
    found = trunk(tiny, tiny.load("encoder"))
    with pytest.raises(NotEnoughData, match="no requests"):
        found.features([])
    with pytest.raises(NotEnoughData, match="no pairs"):
        found.encode_pairs([])
    assert found.encoder.encode([]).shape == (0, 1)


@pytest.mark.parametrize("name", KINDS)
def test_responses_with_the_same_tokens_once_cut_tie_exactly(tiny: Any, name: str) -> None:
    backbone = tiny.load(name)
    form = tiny.form(backbone)
    encoder = RequestEncoder(backbone, form)
    long = "tea and coffee " * form.max_length
    pairs = [
        PreferencePair("1", "Tea?", "tea please", "coffee please", "GBR"),
        PreferencePair("2", "Tea?", long + "yes", long + "no", "GBR"),
    ]
    read = TransformerTrunk(encoder, encoder.tokens_of)
    assert read.alike(pairs).tolist() == [False, True]
    encoded = read.encode_pairs(pairs)
    assert encoded.alike_N.tolist() == [False, True]
    assert encoded.features.dense()[1] == 0
