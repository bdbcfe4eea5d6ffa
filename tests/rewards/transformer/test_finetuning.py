import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("trl")

from pluralign.core import InvalidInput, NotEnoughData, PreferencePair
from pluralign.huggingface.watch import Watch
from pluralign.rewards.transformer.arguments import arguments_for, steps_of
from pluralign.rewards.transformer.backbones import Backbone, ModelSource, load_backbone
from pluralign.rewards.transformer.config import TrainingConfig
from pluralign.rewards.transformer.finetuning import _Run, fine_tune
from pluralign.rewards.transformer.tokenized_texts import TextForm
from pluralign.rewards.transformer.training_rows import WeightedPairs
from pluralign.rewards.transformer.trunk import RequestEncoder, TransformerTrunk

# PEFT 0.21 reads a property that Transformers 5.23 has renamed.
pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)

QUICK = TrainingConfig(
    learning_rate=5e-3,
    batch=8,
    epochs=3,
    rank=2,
    held_out=0,
    schedule="constant",
    warmup=0,
    evaluations=6,
    patience=2,
    checkpoints=0,
)


def even(pairs: list[PreferencePair]) -> WeightedPairs:
    return WeightedPairs(pairs, np.ones(len(pairs)))


def changed(config: TrainingConfig, **values: Any) -> TrainingConfig:
    return TrainingConfig(**(config.model_dump() | values))


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    path = next(
        p
        for p in (folder / "adapter_model.safetensors", folder / "model.safetensors")
        if p.is_file()
    )
    return load_file(path)


def metrics_of(folder: Path) -> list[dict[str, Any]]:
    """What was logged, without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    clocked = ("_runtime", "_per_second")
    return [{k: v for k, v in line.items() if not k.endswith(clocked)} for line in lines]


def fingerprint_of(backbone: Backbone) -> dict[str, Any]:
    """All of a model that training could leave changed."""
    model = backbone.model
    modules = dict(model.named_modules())
    return {
        "weights": {n: v.clone() for n, v in model.state_dict().items()},
        "modules": {n: type(m).__name__ for n, m in modules.items()},
        "dropout": {n: m.p for n, m in modules.items() if isinstance(m, torch.nn.Dropout)},
        "hooks": {n: len(m._forward_hooks) for n, m in modules.items()},
        "checkpointing": {
            n: getattr(m, "gradient_checkpointing", None) for n, m in modules.items()
        },
        "learns": {n: p.requires_grad for n, p in model.named_parameters()},
        "gradients": {n: p.grad for n, p in model.named_parameters()},
        "training": model.training,
        "config": model.config.to_dict(),
        "tags": getattr(model, "model_tags", None),
        "own": sorted(k for k in vars(model) if "peft" in k),
        "pad": backbone.tokenizer.pad_token,
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, value in before["weights"].items():
        assert torch.equal(value, after["weights"][name]), name
    for key in before.keys() - {"weights"}:
        assert before[key] == after[key], key


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize("name", ["encoder", "decoder", "roberta"])
def test_a_model_is_untouched_by_a_training(
    tiny: Any, tmp_path: Path, name: str, kind: Any, checkpointing: bool
) -> None:
    backbone = tiny.load(name)
    before = fingerprint_of(backbone)
    config = changed(QUICK, gradient_checkpointing=checkpointing, max_steps=3)
    fine_tune(backbone, tiny.form(backbone), kind, even(tiny.pairs(16)), tmp_path / "part", config)
    assert_same(before, fingerprint_of(backbone))
    assert any(p.abs().max() > 0 for p in weights_of(tmp_path / "part").values())


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_a_model_is_untouched_by_a_training_that_fails(
    tiny: Any, tmp_path: Path, kind: Any
) -> None:
    backbone = tiny.load("encoder")
    before = fingerprint_of(backbone)
    with pytest.raises(KeyboardInterrupt):
        train_until(
            2, backbone, tiny.form(backbone), kind, even(tiny.pairs(16)), tmp_path / "part", QUICK
        )
    assert_same(before, fingerprint_of(backbone))
    assert not (tmp_path / "part").exists()


@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize("name", ["encoder", "decoder", "base", "causal"])
def test_a_training_learns_and_reports_its_steps(
    tiny: Any, tmp_path: Path, name: str, kind: Any
) -> None:
    backbone, pairs, steps = tiny.load(name), tiny.pairs(40), []
    facts = fine_tune(
        backbone,
        tiny.form(backbone),
        kind,
        even(pairs),
        tmp_path / "part",
        changed(QUICK, epochs=6, learning_rate=2e-2),
        watch=Watch(progress=lambda done, total: steps.append((done, total))),
    )
    assert steps == [(k, 30) for k in range(31)]
    logged = [line["loss"] for line in metrics_of(tmp_path / "part")]
    assert logged[-1] < 0.6 * logged[0]
    assert facts["steps"] == 30
    assert (facts["pairs"], facts["sum_of_weights"], facts["part"]) == (40, 40.0, kind)
    assert json.loads((tmp_path / "part" / "training.json").read_text()) == facts
    assert not list(tmp_path.glob(".*"))
    left = {p.name for p in (tmp_path / "part").iterdir()}
    assert not left & {"checkpoints", "training_args.bin", "README.md", "identity"}
    assert {
        "adapter_config.json" if kind == "lora" else "config.json",
        "metrics.jsonl",
        "training.json",
    } <= left


def test_a_full_copy_is_a_model_that_loads_by_itself_and_scores_higher_what_was_chosen(
    tiny: Any, tmp_path: Path
) -> None:
    backbone, pairs = tiny.load("encoder"), tiny.pairs(40)
    config = changed(QUICK, epochs=6, learning_rate=1e-2)
    fine_tune(backbone, tiny.form(backbone), "full", even(pairs), tmp_path / "part", config)
    copy = load_backbone(ModelSource(str(tmp_path / "part"), device="cpu"))
    margins = [
        TransformerTrunk(RequestEncoder(b, tiny.form(b)))
        .encode_pairs(tiny.pairs(30, seed=9))
        .features.dense()[:, 0]
        for b in (backbone, copy)
    ]
    assert (margins[1] > 0).mean() > max(0.9, (margins[0] > 0).mean())


def train_until(step: int, *args: Any, **more: Any) -> Any:
    """Train, and be killed at a step."""

    def kill(done: int, total: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    return fine_tune(*args, watch=Watch(progress=kill), **more)


RESUMED = {
    "full": ("full", {"max_steps": 12}, 0),
    "dropout": ("lora", {"max_steps": 12, "dropout": True, "lora_dropout": 0.2}, 0),
    "turns, linear": (
        "lora",
        {"max_steps": 12, "schedule": "linear", "warmup": 0.1, "group_by": "turn"},
        0,
    ),
    "random": ("full", {"max_steps": 12, "group_by": "random", "dropout": True}, 0),
    "odd": ("lora", {"max_steps": 43, "checkpoints": 2}, 0),
    "stopped early": ("full", {"learning_rate": 2e-2, "epochs": 8, "evaluations": 12}, 12),
    "best of adapters": (
        "lora",
        {"learning_rate": 5e-2, "epochs": 8, "evaluations": 12, "patience": 1},
        12,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0.6, 0.97])
@pytest.mark.parametrize("case", RESUMED)
def test_a_training_that_was_killed_and_goes_on_equals_one_that_was_not(
    tiny: Any, tmp_path: Path, case: str, killed: float
) -> None:
    kind, values, held = RESUMED[case]
    backbone, config, said = (
        tiny.load("encoder"),
        changed(QUICK, **({"checkpoints": 3} | values)),
        [],
    )
    data, others = even(tiny.pairs(44)), tiny.pairs(held, seed=5)
    common = (backbone, tiny.form(backbone), kind, data)
    whole = fine_tune(*common, tmp_path / "whole", config, others)
    at = max(1, int(whole["steps"] * killed))
    with pytest.raises(KeyboardInterrupt):
        train_until(at, *common, tmp_path / "part", config, others)
    assert not (tmp_path / "part").exists()
    again = fine_tune(*common, tmp_path / "part", config, others, watch=Watch(note=said.append))
    assert said[0].startswith("going on from checkpoint-")
    if held:
        assert whole["steps"] < steps_of(config, 44), "it is meant to stop early"
    for key in ("steps", "best_step", "held_out_loss", "identity"):
        assert again[key] == whole[key], key
    first, second = weights_of(tmp_path / "whole"), weights_of(tmp_path / "part")
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    assert metrics_of(tmp_path / "part") == metrics_of(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("held", [0, 12])
def test_a_training_that_was_killed_after_its_last_step_is_only_written(
    tiny: Any, tmp_path: Path, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, config = (
        tiny.load("encoder"),
        changed(QUICK, max_steps=12, learning_rate=2e-2, checkpoints=2),
    )
    common = (backbone, tiny.form(backbone), "lora", even(tiny.pairs(44)))
    others = tiny.pairs(held, seed=5)
    whole = fine_tune(*common, tmp_path / "whole", config, others)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(
            _Run, "_save", lambda self, trainer: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        fine_tune(*common, tmp_path / "part", config, others)
    steps: list[int] = []
    again = fine_tune(
        *common,
        tmp_path / "part",
        config,
        others,
        watch=Watch(progress=lambda done, total: steps.append(done)),
    )
    assert steps == []
    assert {k: v for k, v in again.items() if k != "seconds"} == {
        k: v for k, v in whole.items() if k != "seconds"
    }
    assert all(
        torch.equal(v, weights_of(tmp_path / "part")[n])
        for n, v in weights_of(tmp_path / "whole").items()
    )
    assert metrics_of(tmp_path / "part") == metrics_of(tmp_path / "whole")


def test_a_second_call_returns_the_finished_part_without_training(
    tiny: Any, tmp_path: Path
) -> None:
    backbone, steps = tiny.load("encoder"), []
    common = (backbone, tiny.form(backbone), "lora", even(tiny.pairs(16)), tmp_path / "part", QUICK)
    first = fine_tune(*common)
    assert fine_tune(*common, watch=Watch(progress=lambda done, total: steps.append(done))) == first
    assert steps == []


CHANGES = {
    "weights": lambda tiny, call: (
        call | {"train": WeightedPairs(call["train"].pairs, np.full(16, 0.5))}
    ),
    "pairs": lambda tiny, call: call | {"train": even(tiny.pairs(16, seed=1))},
    "prompts": lambda tiny, call: (
        call | {"train": even([replace(p, prompt="Why?") for p in call["train"].pairs])}
    ),
    "held": lambda tiny, call: call | {"held_out": tiny.pairs(4, seed=2)},
    "settings": lambda tiny, call: call | {"config": changed(QUICK, learning_rate=1e-3)},
    "form": lambda tiny, call: call | {"form": TextForm("pair", 64)},
    "model": lambda tiny, call: call | {"backbone": tiny.load("roberta")},
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_training_in_the_folder_is_refused_finished_or_not(
    tiny: Any, tmp_path: Path, what: str
) -> None:
    backbone = tiny.load("encoder")
    call = {
        "backbone": backbone,
        "form": tiny.form(backbone),
        "kind": "lora",
        "train": even(tiny.pairs(16)),
        "config": QUICK,
    }
    other = CHANGES[what](tiny, call)
    fine_tune(**call, folder=tmp_path / "done")
    with pytest.raises(
        InvalidInput, match=r"(?s)the folder has another training.*name another folder"
    ):
        fine_tune(**other, folder=tmp_path / "done")

    def kill(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(**call, folder=tmp_path / "half", watch=Watch(progress=kill))
    with pytest.raises(
        InvalidInput, match=r"(?s)checkpoints here belong to another training.*delete the folder"
    ):
        fine_tune(**other, folder=tmp_path / "half")


def test_settings_without_effect_on_learning_may_change_before_resuming(
    tiny: Any, tmp_path: Path
) -> None:
    backbone = tiny.load("encoder")
    common = (backbone, tiny.form(backbone), "full", even(tiny.pairs(16)), tmp_path / "part")
    with pytest.raises(KeyboardInterrupt):
        train_until(4, *common, changed(QUICK, checkpoints=3))
    facts = fine_tune(
        *common, changed(QUICK, checkpoints=3, micro_batch=2, gradient_checkpointing=True)
    )
    assert facts["steps"] == 6


def held_out_loss(
    tiny: Any, folder: Path, kind: str, backbone: Backbone, held: list[PreferencePair]
) -> float:
    from pluralign.core import Steer, requests_of
    from pluralign.rewards.transformer.model import TransformerRewardModel

    model = TransformerRewardModel(backbone, tiny.form(backbone), kind, {"GBR": folder})
    chosen, rejected = (model.score(side, Steer.to("GBR")) for side in requests_of(held))
    return float(np.logaddexp(0, rejected - chosen).mean())


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_early_stopping_keeps_the_best(tiny: Any, tmp_path: Path, kind: Any) -> None:
    backbone, held = tiny.load("encoder"), tiny.pairs(21, seed=5)
    flipped = [replace(p, chosen=p.rejected, rejected=p.chosen) for p in held[:7]]
    held = flipped + held[7:]  # a third disagrees: who is ever more certain is soon worse
    config = changed(QUICK, learning_rate=3e-2, epochs=10, evaluations=12, patience=2)
    facts = fine_tune(
        backbone, tiny.form(backbone), kind, even(tiny.pairs(40)), tmp_path / "part", config, held
    )
    losses = {int(step): loss for step, loss in facts["held_out_loss"].items()}
    assert facts["steps"] < steps_of(config, 40)
    assert facts["best_step"] == min(losses, key=losses.__getitem__) < facts["steps"]
    assert facts["held_out_pairs"] == 21
    found = held_out_loss(tiny, tmp_path / "part", kind, backbone, held)
    assert found == pytest.approx(losses[facts["best_step"]], abs=1e-5)


def test_held_out_accuracy_is_logged_for_each_community(tiny: Any, tmp_path: Path) -> None:
    backbone, communities = tiny.load("encoder"), ("GBR", "~yoruba")
    pairs, held = (tiny.pairs(n, seed=n, communities=communities) for n in (24, 9))
    config = changed(QUICK, patience=6, epochs=4)
    fine_tune(backbone, tiny.form(backbone), "lora", even(pairs), tmp_path / "part", config, held)
    evaluated = [line for line in metrics_of(tmp_path / "part") if "eval_loss" in line]
    assert len(evaluated) == 6
    for line in evaluated:
        shares = 5 * line["eval_accuracy/GBR"] + 4 * line["eval_accuracy/~yoruba"]
        assert shares / 9 == pytest.approx(line["eval_accuracy"], abs=1e-6)


def test_pairs_of_weight_zero_change_nothing(tiny: Any, tmp_path: Path) -> None:
    backbone, pairs = tiny.load("encoder"), tiny.pairs(20)
    weight_N = np.where(np.arange(20) % 3 == 1, 0.0, np.linspace(0.1, 2, 20))
    kept = [i for i in range(20) if weight_N[i] > 0]
    form = tiny.form(backbone)
    with_zeros = fine_tune(
        backbone, form, "lora", WeightedPairs(pairs, weight_N), tmp_path / "all", QUICK
    )
    without = fine_tune(
        backbone,
        form,
        "lora",
        WeightedPairs([pairs[i] for i in kept], weight_N[kept]),
        tmp_path / "kept",
        QUICK,
    )
    assert (with_zeros["pairs"], with_zeros["pairs_left_out_by_weight"]) == (
        len(kept),
        20 - len(kept),
    )
    assert (
        with_zeros["sum_of_weights"] == without["sum_of_weights"] == pytest.approx(weight_N.sum())
    )
    assert all(
        torch.equal(v, weights_of(tmp_path / "kept")[n])
        for n, v in weights_of(tmp_path / "all").items()
    )


def test_nothing_that_counts_or_fits_is_an_error(tiny: Any, tmp_path: Path) -> None:
    backbone, pairs = tiny.load("encoder"), tiny.pairs(6)
    form = tiny.form(backbone)
    with pytest.raises(NotEnoughData, match=r"(?s)all weights are 0.*tau"):
        fine_tune(
            backbone, form, "lora", WeightedPairs(pairs, np.zeros(6)), tmp_path / "part", QUICK
        )
    long = [replace(p, chosen=f"{p.chosen} tea" * 60) for p in pairs]
    with pytest.raises(NotEnoughData, match="every pair is longer than 64 tokens"):
        fine_tune(
            backbone, TextForm("pair", 64, "drop"), "lora", even(long), tmp_path / "part", QUICK
        )
    with pytest.raises(ValueError, match="6 pairs and 5 weights"):
        WeightedPairs(pairs, np.ones(5))


@pytest.mark.parametrize("overlong", ["cut", "drop"])
def test_pairs_that_are_too_long_are_counted(tiny: Any, tmp_path: Path, overlong: Any) -> None:
    backbone, pairs = tiny.load("encoder"), tiny.pairs(12)
    pairs[3] = replace(pairs[3], prompt="river " * 100)
    pairs[7] = replace(pairs[7], chosen="river " * 100)
    form = TextForm("pair", 64, overlong)
    facts = fine_tune(
        backbone, form, "lora", even(pairs), tmp_path / "part", changed(QUICK, max_steps=2)
    )
    counts = (facts["pairs"], facts["pairs_cut"], facts["pairs_dropped_as_too_long"])
    assert counts == ((12, 2, 0) if overlong == "cut" else (10, 0, 2))


@pytest.mark.parametrize("asked", [(), ("tensorboard",)])
def test_only_the_trackers_that_were_asked_for_receive_a_training(
    tiny: Any, tmp_path: Path, asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    backbone = tiny.load("encoder")
    config = changed(QUICK, report_to=asked, max_steps=2)
    fine_tune(backbone, tiny.form(backbone), "lora", even(tiny.pairs(8)), tmp_path / "part", config)
    assert bool(list(tmp_path.rglob("events.out.tfevents*"))) == bool(asked)


def test_a_training_does_not_depend_on_what_was_drawn_before_it(tiny: Any, tmp_path: Path) -> None:
    found = []
    for k in range(2):
        torch.manual_seed(k)
        np.random.seed(k)  # noqa: NPY002
        backbone = tiny.load("encoder")
        config = changed(QUICK, dropout=True, lora_dropout=0.1)
        fine_tune(
            backbone,
            tiny.form(backbone),
            "lora",
            even(tiny.pairs(16)),
            tmp_path / f"part{k}",
            config,
        )
        found.append(weights_of(tmp_path / f"part{k}"))
    assert all(torch.equal(v, found[1][n]) for n, v in found[0].items())
    other = changed(QUICK, seed=1)
    fine_tune(
        backbone, tiny.form(backbone), "lora", even(tiny.pairs(16)), tmp_path / "other", other
    )
    assert any(not torch.equal(v, weights_of(tmp_path / "other")[n]) for n, v in found[0].items())


def test_a_training_after_another_on_the_same_model_is_as_if_it_were_the_first(
    tiny: Any, tmp_path: Path
) -> None:
    shared, fresh = tiny.load("encoder"), tiny.load("encoder")
    form, data = tiny.form(shared), even(tiny.pairs(16))
    later = changed(QUICK, dropout=True)
    fine_tune(
        shared, form, "lora", data, tmp_path / "first", changed(QUICK, gradient_checkpointing=True)
    )
    fine_tune(shared, form, "lora", data, tmp_path / "second", later)
    fine_tune(fresh, form, "lora", data, tmp_path / "alone", later)
    assert all(
        torch.equal(v, weights_of(tmp_path / "alone")[n])
        for n, v in weights_of(tmp_path / "second").items()
    )


@pytest.mark.parametrize("steps", [1, 7, 24, 43, 130, 997])
@pytest.mark.parametrize("early", [False, True])
def test_checkpoints_fall_on_steps_that_are_logged(tmp_path: Path, steps: int, early: bool) -> None:
    args = arguments_for(
        changed(QUICK, max_steps=steps), "lora", tmp_path, 100, early, on_gpu=False
    )
    assert args.save_steps % args.logging_steps == 0
    assert 1 <= args.logging_steps <= 10
    if early:
        assert args.save_steps % args.eval_steps == 0
        assert args.eval_steps <= steps


def test_a_batch_that_processes_cannot_share_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(
        InvalidInput, match=r"(?s)8 pairs cannot be shared out between 3 processes.*multiple of 3"
    ):
        arguments_for(QUICK, "lora", tmp_path, 100, False, on_gpu=False)


def test_a_part_that_was_half_written_leaves_no_folder(tiny: Any, tmp_path: Path) -> None:
    backbone = tiny.load("encoder")
    common = (backbone, tiny.form(backbone), "lora", even(tiny.pairs(16)))
    with pytest.raises(KeyboardInterrupt):
        train_until(1, *common, tmp_path / "part", QUICK)
    assert [p.name for p in tmp_path.iterdir()] == [".part.partial"]
    shutil.rmtree(tmp_path / ".part.partial")
    assert fine_tune(*common, tmp_path / "part", QUICK)["steps"] == 6
