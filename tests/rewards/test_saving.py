import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pluralign.core import DamagedFile, InvalidInput, RewardRequest
from pluralign.encoders import HashEncoder
from pluralign.rewards import (
    EmbeddingTrunk,
    HeadPrior,
    LinearRewardModel,
    load_card,
    load_reward_model,
    save_reward_model,
)

TRUNK = EmbeddingTrunk(HashEncoder(32))
DESCRIBED = {"kind": "embedding", "encoder": "hash", "interaction": 0.5}


@pytest.fixture
def folder(model: LinearRewardModel, tmp_path: Path) -> Path:
    save_reward_model(model, tmp_path / "deep" / "model", DESCRIBED)
    return tmp_path / "deep" / "model"


def resealed(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change a card and seal it again, as another version would write it."""
    card = json.loads(path.read_text(encoding="utf-8"))
    del card["card_sha256"]
    change(card)
    text = json.dumps(card, sort_keys=True, ensure_ascii=False)
    path.write_text(
        json.dumps(card | {"card_sha256": hashlib.sha256(text.encode()).hexdigest()}),
        encoding="utf-8",
    )


def test_a_saved_model_scores_as_before(
    model: LinearRewardModel, requests: list[RewardRequest], folder: Path
) -> None:
    loaded = load_reward_model(folder, TRUNK)
    assert loaded.communities == model.communities
    np.testing.assert_array_equal(loaded.score(requests), model.score(requests))
    np.testing.assert_array_equal(loaded.score_all(requests), model.score_all(requests))


def test_facts_about_a_model_are_saved_with_it(folder: Path) -> None:
    about = load_reward_model(folder, TRUNK).about
    assert (about["method"], about["pairs"], about["licences"]) == ("scpo", {"GBR": 12}, ["CC0"])
    assert about["loss"] == {"10.0": 0.61, "3.0": 0.6, "0.3": 0.62}
    card = load_card(folder)
    assert card["communities"] == ["GBR", "MEX", "~yoruba"]
    assert card["trunk"] == {
        **DESCRIBED,
        "fingerprint": TRUNK.fingerprint,
    }


def test_a_model_saved_again_after_loading_is_the_same_to_the_byte(
    folder: Path, tmp_path: Path
) -> None:
    save_reward_model(load_reward_model(folder, TRUNK), tmp_path / "again", DESCRIBED)
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_prior_is_saved_with_a_model_and_older_models_have_none(
    model: LinearRewardModel, folder: Path, tmp_path: Path
) -> None:
    assert load_reward_model(folder, TRUNK).prior is None
    low_D_r = np.arange(128.0).reshape(64, 2)
    prior = HeadPrior(
        np.arange(64.0), low_D_r, 3.0, 3, None, 12, scales=(0.5, 4.0), shares=(0.25, 0.75)
    )
    ready = replace(model, prior=prior).adapt([], "KEN")
    save_reward_model(ready, tmp_path / "ready", DESCRIBED)
    found = load_reward_model(tmp_path / "ready", TRUNK)
    assert found.prior is not None
    np.testing.assert_array_equal(found.prior.mean_D, prior.mean_D)
    np.testing.assert_array_equal(found.prior.low_D_r, prior.low_D_r)
    assert (found.prior.scales, found.prior.shares) == (prior.scales, prior.shares)
    np.testing.assert_array_equal(found.delta_C_D, ready.delta_C_D)
    told = load_card(tmp_path / "ready")
    assert told["prior"] == {
        **{"communities": 3, "people": None, "pairs": 12, "rank": 2, "ridge": 3.0},
        **{"scales": [0.5, 4.0], "shares": [0.25, 0.75]},
    }
    assert told["adapted"] == {"KEN": {"choices": 0, "people": 0}}


@pytest.mark.parametrize(
    "change", [{"rank": 3}, {"rank": -1}, {"ridge": 0.0}, {"ridge": "3"}, {"pairs": None}]
)
def test_a_prior_that_is_not_the_one_on_the_card_is_refused(
    model: LinearRewardModel, tmp_path: Path, change: dict[str, object]
) -> None:
    prior = HeadPrior(np.zeros(64), np.zeros((64, 2)), 3.0)
    save_reward_model(replace(model, prior=prior), tmp_path, DESCRIBED)
    resealed(tmp_path / "card.json", lambda card: card["prior"].update(change))  # type: ignore[attr-defined]
    with pytest.raises(DamagedFile, match="prior"):
        load_reward_model(tmp_path, TRUNK)


def test_a_model_without_communities_can_be_saved(model: LinearRewardModel, tmp_path: Path) -> None:
    save_reward_model(LinearRewardModel(model.trunk, model.reference_D), tmp_path, DESCRIBED)
    loaded = load_reward_model(tmp_path, TRUNK)
    assert (loaded.communities, loaded.delta_C_D.shape) == ((), (0, 64))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InvalidInput, match="no saved reward model here") as caught:
            load_reward_model(folder, TRUNK)
        assert caught.value.where == str(folder)


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(DamagedFile, match=r"model\.safetensors: the weights are missing"):
        load_reward_model(folder, TRUNK)


def test_truncated_weights_are_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        DamagedFile, match=r"model\.safetensors: the weights are truncated or altered"
    ):
        load_reward_model(folder, TRUNK)


@pytest.mark.parametrize("position", [0, 9, -1])
def test_one_altered_byte_of_the_weights_is_noticed(folder: Path, position: int) -> None:
    path = folder / "model.safetensors"
    blob = bytearray(path.read_bytes())
    blob[position] ^= 1
    path.write_bytes(blob)
    with pytest.raises(
        DamagedFile, match=r"model\.safetensors: the weights are truncated or altered"
    ):
        load_reward_model(folder, TRUNK)


def test_an_altered_card_is_noticed(folder: Path) -> None:
    path = folder / "card.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"MEX"', '"NZL"'), encoding="utf-8")
    with pytest.raises(DamagedFile, match=r"card\.json: the card was altered"):
        load_reward_model(folder, TRUNK)


@pytest.mark.parametrize("text", ["", "{", "[]", "[1]", "null", "3", '"card"', "{}"])
def test_a_card_that_is_not_a_card_is_refused(folder: Path, text: str) -> None:
    (folder / "card.json").write_text(text, encoding="utf-8")
    with pytest.raises(
        DamagedFile, match=r"card\.json: the card is truncated or not written by pluralign"
    ):
        load_reward_model(folder, TRUNK)


def test_a_card_cut_anywhere_is_refused(folder: Path) -> None:
    path = folder / "card.json"
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedFile, match=r"card\.json"):
            load_card(folder)


def test_a_card_that_is_not_text_is_refused(folder: Path) -> None:
    (folder / "card.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedFile, match=r"card\.json"):
        load_card(folder)


@pytest.mark.parametrize("change", [{"version": 2}, {"format": "somebody-elses"}])
def test_the_error_for_a_foreign_card_names_the_readable_version(
    folder: Path, change: dict[str, object]
) -> None:
    resealed(folder / "card.json", lambda card: card.update(change))
    with pytest.raises(
        DamagedFile, match=r"this pluralign reads 'pluralign-reward-model', version 1"
    ):
        load_reward_model(folder, TRUNK)


@pytest.mark.parametrize("encoder", [HashEncoder(32, seed=1), HashEncoder(31)])
def test_another_trunk_is_refused_and_the_right_one_named(
    folder: Path, encoder: HashEncoder
) -> None:
    with pytest.raises(
        InvalidInput, match="its card names: kind = 'embedding', encoder = 'hash'"
    ) as caught:
        load_reward_model(folder, EmbeddingTrunk(encoder))
    assert caught.value.where == str(folder)


def test_saving_again_replaces_the_model_and_leaves_nothing_else(
    model: LinearRewardModel, requests: list[RewardRequest], folder: Path
) -> None:
    save_reward_model(replace(model, reference_D=-model.reference_D), folder, DESCRIBED)
    np.testing.assert_array_equal(
        load_reward_model(folder, TRUNK).score(requests), -model.score(requests)
    )
    assert sorted(p.name for p in folder.iterdir()) == ["card.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("about", "error"),
    [
        ({"communities": []}, InvalidInput),
        ({"version": "0.1"}, InvalidInput),
        ({"method": object()}, TypeError),
    ],
)
def test_a_failed_write_leaves_the_old_model_whole(
    model: LinearRewardModel, folder: Path, about: dict[str, object], error: type[Exception]
) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(error):
        save_reward_model(
            replace(model, reference_D=-model.reference_D, about=about), folder, DESCRIBED
        )
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_each_file_appears_whole_or_not_at_all(
    model: LinearRewardModel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies while it writes: what lies under the final names is still the old model."""

    def stop(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", stop)
        save_reward_model(replace(model, reference_D=-model.reference_D), folder, DESCRIBED)
    np.testing.assert_array_equal(load_reward_model(folder, TRUNK).reference_D, model.reference_D)
