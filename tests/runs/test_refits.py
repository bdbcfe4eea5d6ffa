import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import DamagedFile, InvalidInput, RewardRequest, Steer, list_written
from pluralign.experiments import Outcome
from pluralign.models import open_model
from pluralign.rewards import LinearRewardModel, annotate_card, load_card, save_reward_model
from pluralign.runs import Refits, refits_of

Go = Callable[..., Outcome]
TABLES: dict[str, Any] = {
    "seed": 3, "repeats": 3, "min_pairs": 1, "min_raters": 2, "methods": ["reference", "full"],
    "pairs": {"source": "society", "each": 40, "thin": 12, "world": 100}, "split": {"test": 0.25},
    "reference": {"fit_on": ["~world"], "ridge": 1.0}, "fit": {"ridge": 1.0},
    "trunk": {"encoder": "hash", "components": 0}, "intervals": {"draws": 100},
}  # fmt: skip
REQUESTS = [RewardRequest("What matters?", text) for text in ("My family.", "What I earn.")]


@pytest.fixture(scope="module")
def finished(go: Go, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of three repeats, not to be changed."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    go(TABLES, out)
    return out


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be changed."""
    return shutil.copytree(finished, tmp_path / "run")


def found(run: Path, seed: int = 3, method: str = "full") -> Refits:
    folder = run / "models" / f"seed-{seed}" / method
    return refits_of(folder, open_model(folder))


def held(repeats: Refits, about: str) -> None:
    """Hold that a model stands alone, and why."""
    assert len(repeats.models) <= 1
    assert not repeats.show_spread
    assert repeats.held_out == 0.0
    assert repeats.about.startswith("none: ")
    assert about in repeats.about


def test_the_other_refits_of_a_run_are_found_and_the_one_asked_about_comes_first(
    finished: Path,
) -> None:
    repeats = found(finished, seed=4)
    assert [model.about["seed"] for model in repeats.models] == [4, 3, 5]
    assert repeats.show_spread
    assert repeats.held_out == 0.25
    for model in repeats.models:
        own = open_model(finished / "models" / f"seed-{model.about['seed']}" / "full")
        assert model.score(REQUESTS, Steer.to("~hill")) == pytest.approx(
            own.score(REQUESTS, Steer.to("~hill"))
        )


def test_only_fits_of_the_same_method_are_compared(finished: Path) -> None:
    repeats = found(finished, method="reference")
    assert [model.about["method"] for model in repeats.models] == ["reference"] * 3
    (together,) = repeats.by_trunk()
    assert together.head_B_P_D.shape == (3, 1, repeats.models[0].trunk.dimensions)


def test_the_basis_of_intervals_is_reported(finished: Path) -> None:
    assert found(finished).about == (
        "95 %, over the raters that happened to take part: from 3 fits of one run, each without "
        "another 25% of them"
    )


def test_all_fits_read_texts_by_one_trunk(finished: Path) -> None:
    first, *others = found(finished).models
    assert all(model.trunk is first.trunk for model in others)


def test_heads_are_the_reference_and_what_each_community_adds(finished: Path) -> None:
    repeats = found(finished)
    head_B_P_D = repeats.by_trunk()[0].head_B_P_D
    for model, head_P_D in zip(repeats.models, head_B_P_D, strict=True):
        assert head_P_D[0] == pytest.approx(model.reference_D)
        assert head_P_D[1:] == pytest.approx(model.delta_C_D)
    assert np.ptp(head_B_P_D, axis=0).max() > 0


def test_communities_are_joined_by_id_and_one_that_a_repeat_lacks_is_nan_there(
    finished: Path,
) -> None:
    first, second, third = found(finished).models
    backwards = replace(
        second, communities=second.communities[::-1], delta_C_D=second.delta_C_D[::-1]
    )
    fewer = replace(third, communities=third.communities[1:], delta_C_D=third.delta_C_D[1:])
    head_B_P_D = Refits((first, backwards, fewer), 0.25, "").by_trunk()[0].head_B_P_D
    assert head_B_P_D[1, 1:] == pytest.approx(second.delta_C_D)
    assert np.isnan(head_B_P_D[2, 1]).all()
    assert np.isfinite(
        np.delete(head_B_P_D.reshape(-1, head_B_P_D.shape[2]), 2 * head_B_P_D.shape[1] + 1, 0)
    ).all()


def test_a_model_that_was_copied_from_its_run_has_no_refits(finished: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(finished / "models" / "seed-3" / "full", tmp_path / "seed-3" / "full")
    held(refits_of(copy, open_model(copy)), "is not in the folder of its run")


def test_a_link_to_a_model_leads_to_its_run(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(finished / "models" / "seed-3" / "full")
    assert refits_of(tmp_path / "current", open_model(tmp_path / "current")).show_spread


def test_a_run_that_was_moved_whole_keeps_its_repeats(run: Path) -> None:
    assert len(found(run).models) == 3


def test_two_repeats_are_too_few(run: Path) -> None:
    shutil.rmtree(run / "models" / "seed-4")
    held(found(run), "fewer than 3 repeats")


def test_a_folder_that_is_not_a_repeat_is_skipped(run: Path) -> None:
    shutil.copytree(run / "models" / "seed-3", run / "models" / "old seed-3")
    (run / "models" / "seed-6" / "full").mkdir(parents=True)
    (run / "models" / "seed-7").touch()
    assert len(found(run).models) == 3


def test_a_run_without_its_record_has_no_intervals(run: Path) -> None:
    (run / "record.json").unlink()
    held(found(run), "has no record.json")


@pytest.mark.parametrize(
    "split", [{"by": "files", "train": "a.jsonl", "test": "b.jsonl"}, {"by": "prism", "test": 0.2}]
)
def test_a_run_whose_splits_are_given_has_no_intervals(run: Path, split: dict[str, Any]) -> None:
    record = json.loads((run / "record.json").read_text())
    record["settings"]["split"] = split
    (run / "record.json").write_text(json.dumps(record))
    list_written(run, [run / "record.json"])
    held(found(run), f"splits by {split['by']}")


@pytest.mark.parametrize(("by", "unit"), [("question", "questions"), ("stem", "question stems")])
def test_intervals_are_over_the_unit_that_the_split_holds_out(
    go: Go, tmp_path: Path, by: str, unit: str
) -> None:
    go(TABLES | {"split": {"by": by, "test": 0.2}}, tmp_path / "run")
    repeats = found(tmp_path / "run")
    assert repeats.show_spread
    assert f"over the {unit} that happened to be asked" in repeats.about


def test_a_split_by_raters_and_questions_at_once_has_no_intervals(go: Go, tmp_path: Path) -> None:
    go(TABLES | {"split": {"by": "both", "test": 0.3}}, tmp_path / "run")
    held(found(tmp_path / "run"), "splits by both")


def test_trained_parts_of_a_transformer_have_no_refits(finished: Path) -> None:
    class Parts:
        communities = ("~hill",)

    folder = finished / "models" / "seed-3" / "full"
    repeats = refits_of(folder, Parts())  # type: ignore[arg-type]
    assert repeats.models == ()
    held(repeats, "transformer")


@pytest.mark.parametrize("fingerprint", ["another", None])
def test_a_repeat_that_was_fitted_on_other_data_is_refused(
    run: Path, fingerprint: str | None
) -> None:
    annotate_card(run / "models" / "seed-4" / "full", {"data_fingerprint": fingerprint})
    with pytest.raises(DamagedFile, match="fitted on other data") as caught:
        found(run)
    assert "seed-4" in str(caught.value.where)


def test_a_repeat_whose_card_does_not_name_its_data_is_refused(run: Path) -> None:
    place = run / "models" / "seed-4" / "full"
    model = open_model(place)
    assert isinstance(model, LinearRewardModel)
    save_reward_model(replace(model, about={}), place, load_card(place)["trunk"])  # type: ignore[arg-type]
    with pytest.raises(DamagedFile, match="fitted on other data"):
        found(run)


def test_a_repeat_that_is_damaged_is_refused(run: Path) -> None:
    (run / "models" / "seed-5" / "full" / "model.safetensors").write_bytes(b"")
    with pytest.raises(DamagedFile, match="weights"):
        found(run)


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("record", ["", "[]", "{}", '{"communities": {}}', '{"data": {}}'])
def test_a_record_that_cannot_be_read_is_refused(run: Path, record: str, listed: bool) -> None:
    (run / "record.json").write_text(record)
    if listed:
        list_written(run, [run / "record.json"])
    with pytest.raises(DamagedFile, match=r"record\.json"):
        found(run)


@pytest.mark.parametrize("split", [None, {}, {"by": "rater", "test": "half"}])
def test_a_record_without_the_split_of_pairs_is_refused(run: Path, split: Any) -> None:
    record = json.loads((run / "record.json").read_text())
    record["settings"]["split"] = split
    (run / "record.json").write_text(json.dumps(record))
    list_written(run, [run / "record.json"])
    with pytest.raises(DamagedFile, match="no split of its pairs"):
        found(run)


def test_a_record_that_was_altered_is_refused(run: Path) -> None:
    text = (run / "record.json").read_text()
    (run / "record.json").write_text(text.replace('"test": 0.25', '"test": 0.35'))
    with pytest.raises(DamagedFile, match="altered after it was written"):
        found(run)


def test_a_folder_without_a_model_is_refused(finished: Path) -> None:
    with pytest.raises(InvalidInput, match="no saved reward model"):
        found(finished, method="length")
