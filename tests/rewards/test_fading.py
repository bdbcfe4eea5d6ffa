"""Steering that fades on prompts unlike those that a community was asked."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pluralign.core import DamagedFile, PreferencePair, RewardRequest, Steer, rng_for
from pluralign.encoders import HashEncoder
from pluralign.rewards import (
    EmbeddingTrunk,
    Fading,
    HeadPrior,
    LinearRewardModel,
    asked_directions,
    familiarity,
    load_reward_model,
    save_reward_model,
)

TRUNK = {"kind": "embedding", "encoder": "hash", "interaction": 0.5}
ASKED, NEW = "Tea or coffee?", "Wherefore jurisprudence, algorithmically?"


def vectors(*prompts: str) -> np.ndarray:
    return HashEncoder(32).encode(list(prompts))


@pytest.fixture
def fading_model(model: LinearRewardModel) -> LinearRewardModel:
    """Mexico and the Yoruba were asked about tea; the British about anything."""
    tea, anyone = asked_directions(vectors(ASKED)), asked_directions(np.eye(32, dtype=np.float32))
    asked = {"GBR": anyone, "MEX": tea, "~yoruba": tea}
    return replace(model, fading=Fading(asked, tea, start=0.2, full=0.4))


def margin(model: LinearRewardModel, prompt: str, steer: object = None) -> float:
    first, other = model.score([(prompt, "Tea, of course."), (prompt, "Coffee.")], steer)  # type: ignore[arg-type]
    return float(first - other)


def test_familiarity_is_the_share_of_a_prompt_that_the_prompts_asked_explain() -> None:
    rng = rng_for(0, "prompts")
    for asked in (5, 40):  # fewer and more than dimensions
        prompt_n_d = rng.normal(size=(asked, 12))
        gram_d_d = prompt_n_d.T @ prompt_n_d
        query_N_d = rng.normal(size=(7, 12))
        explained_d_d = gram_d_d @ np.linalg.inv(gram_d_d + np.eye(12))
        expected = np.einsum("nd,de,ne->n", query_N_d, explained_d_d, query_N_d)
        found = familiarity(query_N_d, asked_directions(prompt_n_d))
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_communities_that_were_asked_the_same_share_their_directions_and_keep_their_strengths(
    fading_model: LinearRewardModel,
) -> None:
    fading = fading_model.fading
    assert fading is not None
    apart = replace(fading, asked={id_: own.copy() for id_, own in fading.asked.items()})
    shared = apart.shared()
    assert shared.asked["MEX"] is shared.asked["~yoruba"] is shared.anyone_R_d
    assert shared.asked["GBR"] is apart.asked["GBR"]
    prompt_N_d, ids = vectors(ASKED, NEW, "Tea, or what?"), ["MEX", "KEN", "GBR", "~yoruba"]
    np.testing.assert_array_equal(
        shared.strengths(prompt_N_d, ids), apart.strengths(prompt_N_d, ids)
    )


def test_familiarity_grows_with_every_prompt_asked_and_stays_within_the_prompt() -> None:
    rng = rng_for(1, "prompts")
    prompt_n_d, query_N_d = rng.normal(size=(9, 6)), rng.normal(size=(5, 6))
    found = [familiarity(query_N_d, asked_directions(prompt_n_d[:n])) for n in range(1, 10)]
    assert all((more >= less - 1e-6).all() for less, more in pairwise(found))
    assert (found[-1] < np.square(query_N_d).sum(axis=1)).all()


@pytest.mark.parametrize("count", [1, 3, 60])
def test_directions_of_few_prompts_tell_that_each_was_asked_and_give_back_their_span(
    count: int,
) -> None:
    """The warning of docs/privacy.md about saved models."""
    prompt_n_d = rng_for(3, "prompts").normal(size=(count, 96))
    prompt_n_d /= np.linalg.norm(prompt_n_d, axis=1, keepdims=True)
    directions = asked_directions(prompt_n_d)
    assert (familiarity(prompt_n_d, directions) >= 0.5 - 1e-6).all()
    left_n_d = prompt_n_d - prompt_n_d @ np.linalg.pinv(directions) @ directions
    np.testing.assert_allclose(left_n_d, 0, atol=1e-4)


def test_the_same_prompts_twice_and_a_prompt_without_words_are_no_trouble() -> None:
    directions = asked_directions(np.zeros((3, 4)))
    assert np.isfinite(directions).all()
    assert familiarity(np.ones((1, 4)), directions) == pytest.approx(0)
    twice = asked_directions(np.array([[1.0, 0, 0, 0], [1.0, 0, 0, 0]]))
    assert familiarity(np.array([[1.0, 0, 0, 0]]), twice)[0] == pytest.approx(2 / 3)


def test_on_what_it_was_asked_a_model_steers_fully_and_elsewhere_it_is_the_reference(
    model: LinearRewardModel, fading_model: LinearRewardModel
) -> None:
    assert margin(fading_model, ASKED, "MEX") == pytest.approx(margin(model, ASKED, "MEX"))
    assert margin(fading_model, NEW, "MEX") == pytest.approx(margin(model, NEW))
    assert margin(fading_model, NEW, "GBR") == pytest.approx(margin(model, NEW, "GBR"))
    assert margin(fading_model, NEW) == margin(model, NEW)


def test_each_part_of_a_blend_fades_by_itself(
    model: LinearRewardModel, fading_model: LinearRewardModel
) -> None:
    blend = Steer({"GBR": 0.5, "MEX": 0.5}, strength=2.0)
    british = Steer({"GBR": 0.5, "~world": 0.5}, strength=2.0)
    assert margin(fading_model, NEW, blend) == pytest.approx(margin(model, NEW, british))


def test_margins_of_pairs_are_differences_of_scores(fading_model: LinearRewardModel) -> None:
    pairs = [
        PreferencePair(str(k), prompt, "Tea, of course.", "Coffee.", "MEX")
        for k, prompt in enumerate([ASKED, NEW, "Tea?", ASKED])
    ]
    found_N_C = fading_model.margins(fading_model.trunk.encode_pairs(pairs))
    chosen = fading_model.score_all([(p.prompt, p.chosen) for p in pairs])
    rejected = fading_model.score_all([(p.prompt, p.rejected) for p in pairs])
    np.testing.assert_allclose(found_N_C, chosen - rejected, atol=1e-5)


def test_an_explanation_sums_to_the_faded_margin(fading_model: LinearRewardModel) -> None:
    for prompt in (ASKED, NEW, "Tea?"):
        told = fading_model.explain(prompt, "Tea, of course.", "Coffee.", "MEX")
        assert told.margin == pytest.approx(margin(fading_model, prompt, "MEX"), abs=1e-6)
        (strength,) = fading_model.strengths([RewardRequest(prompt, "")], ["MEX"])[0]
        assert told.parts[1].strength == strength
        assert ("Mexico adds (strength" in repr(told)) == (strength < 1)
    assert "Mexico adds (strength 0.00)" in repr(
        fading_model.explain(NEW, "Tea.", "Coffee.", "MEX")
    )


def test_a_saved_model_fades_as_before(fading_model: LinearRewardModel, tmp_path: Path) -> None:
    save_reward_model(fading_model, tmp_path, TRUNK)
    again = load_reward_model(tmp_path, EmbeddingTrunk(HashEncoder(32)))
    requests = [RewardRequest(prompt, "Tea.") for prompt in (ASKED, NEW, "Tea?")]
    np.testing.assert_array_equal(again.score_all(requests), fading_model.score_all(requests))


@pytest.mark.parametrize(
    "facts",
    [
        {"start": 0.5},
        {"asked": {}},
        {"asked": {"MEX": 3}},
        {"anyone": 7},
        {"dimensions": 31},
        {"full": float("nan")},
    ],
)
def test_a_card_whose_fading_does_not_fit_is_refused(
    fading_model: LinearRewardModel, tmp_path: Path, facts: dict[str, object]
) -> None:
    from pluralign.rewards import annotate_card, load_card

    save_reward_model(fading_model, tmp_path, TRUNK)
    annotate_card(tmp_path, {"fading": {**load_card(tmp_path)["fading"], **facts}})  # type: ignore[dict-item]
    with pytest.raises(DamagedFile):
        load_reward_model(tmp_path, EmbeddingTrunk(HashEncoder(32)))


def test_a_community_that_is_added_knows_what_anyone_was_asked_and_what_its_choices_were(
    fading_model: LinearRewardModel,
) -> None:
    rng = rng_for(1, "prior")
    prior = HeadPrior(rng.normal(size=64), np.zeros((64, 0)), 3.0, 3, 40, 900)
    ready = replace(fading_model, prior=prior)
    requests = [RewardRequest(ASKED, ""), RewardRequest(NEW, "")]
    without = ready.adapt([], "KEN").strengths(requests, ["KEN"])[:, 0]
    np.testing.assert_array_equal(without, [1.0, 0.0])
    choice = PreferencePair("1", NEW, "Tea, of course.", "Coffee.", "KEN")
    adapted = ready.adapt([choice], "KEN")
    np.testing.assert_array_equal(adapted.strengths(requests, ["KEN"])[:, 0], [1.0, 1.0])
    np.testing.assert_array_equal(
        adapted.strengths(requests, ["MEX"]), ready.strengths(requests, ["MEX"])
    )


def test_a_model_whose_only_community_is_adapted_again_without_choices_can_be_saved(
    fading_model: LinearRewardModel, tmp_path: Path
) -> None:
    """The community then knows what anyone was asked, and nothing of its own."""
    assert fading_model.fading is not None
    rng, row = rng_for(1, "prior"), fading_model.communities.index("MEX")
    alone = replace(
        fading_model,
        communities=("MEX",),
        delta_C_D=fading_model.delta_C_D[[row]],
        prior=HeadPrior(rng.normal(size=64), np.zeros((64, 0)), 3.0, 3, 40, 900),
        fading=replace(fading_model.fading, asked={"MEX": fading_model.fading.asked["MEX"]}),
    )
    again = alone.adapt([], "MEX", overwrite=True)
    save_reward_model(again, tmp_path, TRUNK)
    opened = load_reward_model(tmp_path, EmbeddingTrunk(HashEncoder(32)))
    requests = [RewardRequest(prompt, "Tea.") for prompt in (ASKED, NEW, "Tea?")]
    assert opened.fading is not None and opened.fading.asked == {}
    np.testing.assert_array_equal(opened.score_all(requests), again.score_all(requests))


def test_knowing_more_prompts_is_as_having_been_asked_all_of_them() -> None:
    rng = rng_for(2, "prompts")
    anyone_n_d, own_n_d, query_N_d = (rng.normal(size=(n, 8)) for n in (4, 3, 6))
    fading = Fading({"MEX": np.eye(8)}, asked_directions(anyone_n_d), 0.1, 0.5)
    together = asked_directions(np.concatenate([anyone_n_d, own_n_d]))
    found = familiarity(query_N_d, fading.knowing("KEN", own_n_d).asked["KEN"])
    np.testing.assert_allclose(found, familiarity(query_N_d, together), rtol=1e-4)


def test_fading_must_rise() -> None:
    with pytest.raises(ValueError, match=r"from a familiarity of 0\.5 to one of 0\.5"):
        Fading({}, np.eye(2), 0.5, 0.5)
