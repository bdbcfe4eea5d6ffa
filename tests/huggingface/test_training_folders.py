"""A training that was finished is kept only as it was written."""

from pathlib import Path

import pytest

from pluralign.huggingface.training_folders import TrainingFolder


def trained(folder: Path) -> TrainingFolder:
    """A finished training, whose weights are a few bytes."""
    place = TrainingFolder(folder, "these weights")
    place.claim()
    (place.partial / "model.safetensors").write_bytes(bytes(100))
    place.publish({"steps": 3})
    return place


def test_a_finished_training_is_kept(tmp_path: Path) -> None:
    assert trained(tmp_path / "part").finished(pytest.fail) == {
        "steps": 3,
        "identity": "these weights",
    }


@pytest.mark.parametrize("name", ["model.safetensors", "training.json", "manifest.jsonl"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "deleted"])
def test_a_damaged_one_is_not_and_its_file_is_named(tmp_path: Path, name: str, damage: str) -> None:
    place, heard = trained(tmp_path / "part"), list[str]()
    path = tmp_path / "part" / name
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data if damage == "flipped" else data[: len(data) // 2])
    if damage == "deleted":
        path.unlink()
    found = place.finished(heard.append)
    if (name, damage) == (
        "manifest.jsonl",
        "deleted",
    ):  # as early versions left it: nothing is known to be wrong
        assert found is not None
        return
    assert found is None
    assert name in heard[0]
    place.claim()
    place.publish({"steps": 3})
    assert place.finished(pytest.fail) is not None


def test_a_moved_one_is_kept(tmp_path: Path) -> None:
    trained(tmp_path / "part").folder.rename(tmp_path / "moved")
    assert TrainingFolder(tmp_path / "moved", "these weights").finished(pytest.fail) is not None


@pytest.mark.parametrize("state", [None, '{"global_step": 2'])
def test_a_checkpoint_that_a_killed_process_left_unfinished_is_not_resumed(
    tmp_path: Path, state: str | None
) -> None:
    pytest.importorskip("transformers")
    place = TrainingFolder(tmp_path / "adapter", "identity")
    for name, content in (("checkpoint-1", "{}"), ("checkpoint-2", state)):
        folder = place.checkpoints / name
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "trainer_state.json").write_text(content)
    assert place.last_checkpoint() == str(place.checkpoints / "checkpoint-1")
    assert not (place.checkpoints / "checkpoint-2").exists()
