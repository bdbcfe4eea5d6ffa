from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("trl")

from accelerate import skip_first_batches
from accelerate.data_loader import prepare_data_loader
from datasets import Dataset
from torch.utils.data import DataLoader
from trl import RewardConfig, RewardTrainer

from pluralign.huggingface.watch import Watch
from pluralign.rewards import report_losses
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.forward import padded
from pluralign.rewards.transformer.heads import scalar_head
from pluralign.rewards.transformer.tokenized_texts import Tokens
from pluralign.rewards.transformer.trainer import (
    GroupedSampler,
    PairCollator,
    TrainingStopped,
    WeightedRewardTrainer,
    split_batch,
)
from pluralign.rewards.transformer.training_rows import WeightedPairs
from pluralign.rewards.transformer.training_rows import rows_of as made_rows
from pluralign.rewards.transformer.trunk import without_head

Build = Callable[..., WeightedRewardTrainer]


def rows_of(
    tiny: Any, backbone: Backbone, count: int, weights: Sequence[float] | None = None
) -> list[dict[str, Any]]:
    pairs = tiny.pairs(count, communities=("GBR", "MEX"))
    weight_N = np.ones(count) if weights is None else np.asarray(weights, float)
    rows, _ = made_rows(backbone, tiny.form(backbone), WeightedPairs(pairs, weight_N), Watch())
    return [row | {"community": int(row["community"] == "MEX")} for row in rows]


def arguments(folder: Path, **settings_: Any) -> RewardConfig:
    values = {
        "per_device_train_batch_size": 8,
        "per_device_eval_batch_size": 8,
        "max_steps": 6,
        "learning_rate": 1e-2,
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "bf16": False,
        "max_length": None,
        "activation_checkpointing": False,
        "dataloader_pin_memory": False,
        "logging_nan_inf_filter": False,
        "prediction_loss_only": True,
        "seed": 3,
    }
    return RewardConfig(output_dir=str(folder), **(values | settings_))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def make(
        backbone: Backbone,
        rows: list[dict[str, Any]],
        held: Any = None,
        args: Any = None,
        **more: Any,
    ) -> WeightedRewardTrainer:
        return WeightedRewardTrainer(
            model=backbone.model,
            args=arguments(tmp_path / "out", **(args or {})),
            train_dataset=Dataset.from_list(rows),
            eval_dataset=Dataset.from_list(held) if held else None,
            processing_class=backbone.tokenizer,
            data_collator=more.pop(
                "data_collator", PairCollator(int(backbone.tokenizer.pad_token_id))
            ),
            **more,
        )

    return make


def rewards(
    backbone: Backbone, ids: list[list[int]], types: list[list[int]] | None = None
) -> np.ndarray:
    """One at a time, unpadded."""
    found = []
    for k, sequence in enumerate(ids):
        batch = {"input_ids": torch.tensor([sequence])}
        if types is not None:
            batch["token_type_ids"] = torch.tensor([types[k]])
        with torch.no_grad():
            found.append(float(backbone.model.eval()(**batch).logits))
    return np.array(found)


def margins(backbone: Backbone, rows: list[dict[str, Any]]) -> np.ndarray:
    sides = []
    for side in ("chosen", "rejected"):
        types = [row[f"{side}_types"] for row in rows] if f"{side}_types" in rows[0] else None
        sides.append(rewards(backbone, [row[f"{side}_ids"] for row in rows], types))
    return sides[0] - sides[1]


def loss_of(trainer: WeightedRewardTrainer, rows: list[dict[str, Any]]) -> torch.Tensor:
    trainer.model.eval()
    return trainer.compute_loss(trainer.model, trainer.data_collator(rows)).detach()


def assert_alike(first: Any, second: Any, atol: float) -> None:
    """Compare weights, except biases that affect no loss, where Adam amplifies rounding errors.

    Attention does not see the bias of a key, nor a margin that of the reward.
    """
    for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
        free = name.endswith("key.bias") or (name.endswith("bias") and len(a) == 1)
        assert free or torch.allclose(a, b, atol=atol), name


def gradients(
    trainer: WeightedRewardTrainer, rows: list[dict[str, Any]], micro: int | None
) -> dict[str, torch.Tensor]:
    trainer.model.zero_grad()
    trainer._micro, trainer.current_gradient_accumulation_steps = micro, 1
    trainer.training_step(trainer.model, trainer.data_collator(rows))
    return {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("over", ["pairs", "weights"])
@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_the_weighted_loss_is_the_closed_form(
    tiny: Any, build: Build, name: str, over: str
) -> None:
    backbone = tiny.load(name)
    weight_N = np.array([1.0, 0.5, 0.0, 2.0, 0.1, 1.0, 0.3])
    rows = rows_of(tiny, backbone, 7, weight_N)
    margin_N = margins(backbone, rows)
    expected = (weight_N * np.logaddexp(0, -margin_N)).sum() / (
        7 if over == "pairs" else weight_N.sum()
    )
    assert margin_N.std() > 0.01
    assert float(loss_of(build(backbone, rows, loss_over=over), rows)) == pytest.approx(
        expected, abs=1e-6
    )


def test_the_loss_of_reported_choices_is_the_likelihood_of_the_reports(
    tiny: Any, build: Build
) -> None:
    backbone = tiny.load("encoder")
    rows = rows_of(tiny, backbone, 6)
    flip_N = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.0])
    reported = [row | {"flip": flip} for row, flip in zip(rows, flip_N.tolist(), strict=True)]
    expected = report_losses(margins(backbone, rows), flip_N, "forward").mean()
    trainer = build(backbone, rows)
    assert float(loss_of(trainer, reported)) == pytest.approx(expected, abs=1e-6)
    whole, halves = gradients(trainer, reported, None), gradients(trainer, reported, 2)
    assert all(torch.allclose(whole[name], halves[name], atol=1e-6) for name in whole)
    assert all(bool(gradient.isfinite().all()) for gradient in whole.values())


def test_weights_of_zero_give_no_loss_and_no_fault(tiny: Any, build: Build) -> None:
    backbone = tiny.load("encoder")
    rows = rows_of(tiny, backbone, 4, np.zeros(4))
    for over in ("pairs", "weights"):
        assert float(loss_of(build(backbone, rows, loss_over=over), rows)) == 0.0


def test_a_pair_of_weight_two_counts_as_two_pairs(tiny: Any, build: Build) -> None:
    backbone = tiny.load("encoder")
    rows = rows_of(tiny, backbone, 3, [2.0, 1.0, 1.0])
    single = [row | {"weight": 1.0} for row in rows]
    trainer = build(backbone, rows, loss_over="weights")
    assert float(loss_of(trainer, rows)) == pytest.approx(
        float(loss_of(trainer, [single[0], *single])), abs=1e-6
    )


@pytest.mark.parametrize("name", ["decoder", "roberta"])
def test_weights_of_one_are_trls_own_training_step_for_step(
    tiny: Any, build: Build, tmp_path: Path, name: str
) -> None:
    ours, theirs = tiny.load(name), tiny.load(name)
    rows = rows_of(tiny, ours, 20)  # five batches in two epochs, the last of each not full
    args = {
        "per_device_train_batch_size": 8,
        "max_steps": 6,
        "disable_dropout": True,
        "lr_scheduler_type": "linear",
    }
    own = build(ours, rows, args=args)
    trl = RewardTrainer(
        model=theirs.model,
        args=arguments(tmp_path / "trl", **args),
        train_dataset=Dataset.from_list(
            [{k: row[k] for k in ("chosen_ids", "rejected_ids")} for row in rows]
        ),
        processing_class=theirs.tokenizer,
    )
    own.train()
    trl.train()
    losses = [[e["loss"] for e in t.state.log_history if "loss" in e] for t in (own, trl)]
    assert len(losses[0]) == 6
    assert losses[0][-1] < losses[0][0]
    assert np.allclose(*losses, atol=1e-6)
    norms = [[e["grad_norm"] for e in t.state.log_history if "grad_norm" in e] for t in (own, trl)]
    assert np.allclose(*norms, rtol=1e-4)
    assert_alike(ours.model, theirs.model, atol=1e-4)


@pytest.mark.parametrize("over", ["pairs", "weights"])
@pytest.mark.parametrize("micro", [1, 2, 3, 5, 8])
def test_a_batch_in_parts_has_the_gradient_of_the_whole(
    tiny: Any, build: Build, micro: int, over: str
) -> None:
    backbone = tiny.load("encoder")
    rows = rows_of(tiny, backbone, 8, [1.0, 0.5, 0.1, 2.0, 1.0, 0.0, 1.0, 0.7])
    trainer = build(backbone, rows, loss_over=over, args={"disable_dropout": True})
    trainer.create_optimizer()
    whole, parts = gradients(trainer, rows, None), gradients(trainer, rows, micro)
    assert whole.keys() == parts.keys()
    assert max(float(g.abs().max()) for g in whole.values()) > 1e-3
    for name, gradient in whole.items():
        assert torch.allclose(gradient, parts[name], atol=1e-6, rtol=1e-4), name


def test_the_gradient_of_the_head_is_the_derivative_of_the_closed_form(
    tiny: Any, build: Build
) -> None:
    backbone = tiny.load("decoder")
    weight_N = np.array([1.0, 0.5, 0.1, 2.0, 1.0])
    rows = rows_of(tiny, backbone, 5, weight_N)
    trainer = build(backbone, rows, args={"disable_dropout": True})
    trainer.create_optimizer()
    margin_N = margins(backbone, rows)
    with without_head(backbone.model), torch.no_grad():
        sides = [
            np.array(
                [
                    backbone.model(input_ids=torch.tensor([row[f"{side}_ids"]])).logits[0].numpy()
                    for row in rows
                ]
            )
            for side in ("chosen", "rejected")
        ]
    expected_D = -(weight_N / (1 + np.exp(margin_N)) / 5) @ (sides[0] - sides[1])
    found = gradients(trainer, rows, None)["score.weight"][0]
    assert np.allclose(found, expected_D, atol=1e-5)


def test_the_gradient_agrees_with_finite_differences(tiny: Any, build: Build) -> None:
    backbone = tiny.load("encoder")
    rows = rows_of(tiny, backbone, 6, [1.0, 0.5, 0.1, 2.0, 1.0, 1.0])
    trainer = build(backbone, rows, args={"disable_dropout": True})
    trainer.create_optimizer()
    gradient = gradients(trainer, rows, 4)
    torch.manual_seed(0)
    for name in (
        "bert.encoder.layer.0.attention.self.query.weight",
        "bert.embeddings.word_embeddings.weight",
    ):
        parameter = dict(backbone.model.named_parameters())[name]
        direction = torch.randn_like(parameter)
        slopes = []
        with torch.no_grad():
            for step in (1e-3, -1e-3):
                parameter.add_(direction, alpha=step)
                slopes.append(float(loss_of(trainer, rows)) / 2e-3)
                parameter.add_(direction, alpha=-step)
        along = float((gradient[name] * direction).sum())
        assert slopes[0] - slopes[1] == pytest.approx(along, rel=2e-2, abs=5e-4)


def test_each_distinct_response_is_in_a_batch_once(tiny: Any) -> None:
    backbone = tiny.load("encoder")
    a, b, c = ({"ids": [2, k, 3], "types": [0, 0, 0]} for k in (5, 6, 7))

    def row(chosen: Any, rejected: Any, number: int) -> dict[str, Any]:
        sides = {"chosen": chosen, "rejected": rejected}
        texts = {
            f"{side}_{what}": value[what]
            for side, value in sides.items()
            for what in ("ids", "types")
        }
        return texts | {"weight": 1.0, "flip": 0.0, "community": 0, "row": number}

    batch = PairCollator(int(backbone.tokenizer.pad_token_id))(
        [row(a, b, 0), row(a, c, 1), row(b, c, 2)]
    )
    assert batch["input_ids"].tolist() == [[2, 5, 3], [2, 6, 3], [2, 7, 3]]
    assert (batch["chosen"].tolist(), batch["rejected"].tolist()) == ([0, 0, 1], [1, 2, 2])
    other = row(a | {"types": [0, 1, 1]}, b, 3)
    assert len(PairCollator(0)([row(a, b, 0), other])["input_ids"]) == 3


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_parts_of_a_batch_contain_every_pair_once_with_its_own_texts(data: st.DataObject) -> None:
    texts = data.draw(
        st.lists(
            st.lists(st.integers(1, 9), min_size=1, max_size=6),
            min_size=2,
            max_size=9,
            unique_by=tuple,
        )
    )
    pairs = data.draw(
        st.lists(
            st.tuples(st.integers(0, len(texts) - 1), st.integers(0, len(texts) - 1)),
            min_size=1,
            max_size=9,
        )
    )
    batch = {
        "weight": torch.arange(len(pairs)).float(),
        "flip": torch.zeros(len(pairs)),
        "chosen": torch.tensor([a for a, _ in pairs]),
        "rejected": torch.tensor([b for _, b in pairs]),
        "community": torch.zeros(len(pairs), dtype=torch.long),
        "row": torch.arange(len(pairs)),
        "total": torch.tensor(float(len(pairs))),
        **padded([Tokens(tuple(t), None, False) for t in texts], 0),
    }
    found = {}
    for part in split_batch(batch, data.draw(st.integers(1, 10))):
        assert part["total"] == len(pairs)
        assert int(part["attention_mask"].sum(dim=1).max()) == part["input_ids"].shape[1]
        for k, row in enumerate(part["row"].tolist()):
            sides = []
            for side in ("chosen", "rejected"):
                at = part[side][k]
                sides.append(part["input_ids"][at][part["attention_mask"][at] == 1].tolist())
            assert part["weight"][k] == row
            assert row not in found
            found[row] = tuple(sides)
    assert found == {k: (texts[a], texts[b]) for k, (a, b) in enumerate(pairs)}


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 100), min_size=1, max_size=300),
    groups=st.integers(1, 40),
    batch=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_an_order_is_a_permutation_the_same_for_the_same_seed(
    lengths: list[int], groups: int, batch: int, seed: int
) -> None:
    group_N = [k % groups for k in range(len(lengths))]
    for grouping in (None, group_N):
        sampler = GroupedSampler(lengths, grouping, batch, seed)
        first, again = list(sampler), list(sampler)
        assert sorted(first) == list(range(len(lengths)))
        assert first == again
        assert len(sampler) == len(lengths)
        assert list(GroupedSampler(lengths, grouping, batch, seed)) == first


def test_other_epochs_and_seeds_draw_other_orders() -> None:
    sampler = GroupedSampler(range(200), None, 8, seed=1)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        orders.append(tuple(sampler))
    orders.append(tuple(GroupedSampler(range(200), None, 8, seed=2)))
    assert len(set(orders)) == 4
    sampler.set_epoch(1)
    assert tuple(sampler) == orders[1]


def test_pairs_of_a_batch_are_of_like_length() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 500, 1600)
    order = np.array(list(GroupedSampler(lengths, None, 16, seed=0)))
    drawn, random = lengths[order].reshape(-1, 16), lengths[rng.permutation(1600)].reshape(-1, 16)
    assert np.ptp(drawn, axis=1).mean() < 0.2 * np.ptp(random, axis=1).mean()
    assert (np.diff(drawn, axis=1) <= 0).all(), "longest first within a batch"
    assert len({tuple(batch) for batch in drawn}) > 50


def test_within_a_lot_the_longest_come_first_and_batches_are_mixed() -> None:
    lengths = np.arange(80)
    order = list(GroupedSampler(lengths, None, 4, seed=5))  # 80 pairs: one lot
    batches = [order[k : k + 4] for k in range(0, 80, 4)]
    assert sorted(batches, reverse=True) == [list(range(k, k - 4, -1)) for k in range(79, 0, -4)]
    assert batches != sorted(batches, reverse=True)


def test_pairs_of_a_group_stay_together() -> None:
    rng = np.random.default_rng(1)
    group_N = np.repeat(np.arange(60), 4)
    lengths = rng.integers(1, 300, 240)
    order = np.array(list(GroupedSampler(lengths, group_N.tolist(), 8, seed=0)))
    assert all(len(set(batch)) == 2 for batch in group_N[order].reshape(-1, 8))
    starts = group_N[order][::4]
    longest = [lengths[group_N == g].max() for g in starts]
    assert all(a >= b for a, b in zip(longest[::2], longest[1::2], strict=True))


def test_rows_that_only_fill_the_last_batch_come_last() -> None:
    order = list(GroupedSampler(range(10), None, 8, seed=0, blank=6))
    assert sorted(order[:10]) == list(range(10))
    assert order[10:] == list(range(10, 16))


def test_two_epochs_of_a_training_are_drawn_differently(tiny: Any, build: Build) -> None:
    backbone = tiny.load("encoder")
    rows, seen = rows_of(tiny, backbone, 16), []
    plain = PairCollator(int(backbone.tokenizer.pad_token_id))

    def watched(batch: Any) -> Any:
        seen.extend(row["row"] for row in batch)
        return plain(batch)

    sampler = GroupedSampler([row["length"] for row in rows], None, 4, seed=0)
    args = {"per_device_train_batch_size": 4, "max_steps": 12}
    build(backbone, rows, sampler=sampler, data_collator=watched, args=args).train()
    epochs = [seen[k : k + 16] for k in (0, 16, 32)]
    assert all(sorted(epoch) == list(range(16)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize("processes", [1, 2])
def test_a_second_epoch_that_is_entered_in_the_middle_keeps_its_order(processes: int) -> None:
    """As a trainer resumes: the loader alone does not reach the sampler of two processes."""
    from types import SimpleNamespace

    from pluralign.huggingface.callbacks import DrawsEpochs

    def loader(sampler: GroupedSampler) -> Any:
        plain = DataLoader(list(range(32)), batch_size=4, sampler=sampler)
        return prepare_data_loader(
            plain, num_processes=processes, process_index=0, put_on_device=False
        )

    sampler = GroupedSampler(range(32), None, 4, seed=0)
    whole = loader(sampler)
    DrawsEpochs(sampler).on_epoch_begin(None, SimpleNamespace(epoch=1.0), None)
    whole.set_epoch(1)
    expected = [batch.tolist() for batch in whole][2:]
    fresh = GroupedSampler(range(32), None, 4, seed=0)
    rest = skip_first_batches(loader(fresh), 2)
    DrawsEpochs(fresh).on_epoch_begin(None, SimpleNamespace(epoch=1.25), None)
    rest.set_epoch(1)
    assert [batch.tolist() for batch in rest] == expected


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_with_the_step_and_the_pairs(
    tiny: Any, build: Build, broken: float
) -> None:
    backbone = tiny.load("encoder")
    rows = rows_of(tiny, backbone, 16)
    word = backbone.tokenizer.convert_tokens_to_ids("maize")
    has = [
        i for i, row in enumerate(rows) if word in row["chosen_ids"] or word in row["rejected_ids"]
    ]
    assert 0 < len(has) < 16
    with torch.no_grad():
        backbone.model.bert.embeddings.word_embeddings.weight[word] = broken
    sampler = GroupedSampler([1] * 16, None, 2, seed=0)
    bad_step = next(k for k, i in enumerate(sampler) if i in has) // 2 + 1
    trainer = build(
        backbone,
        rows,
        sampler=sampler,
        pair_ids=[f"p{i}" for i in range(16)],
        args={"per_device_train_batch_size": 2},
    )
    in_batch = [i for i in list(sampler)[2 * bad_step - 2 : 2 * bad_step] if i in has]
    with pytest.raises(
        TrainingStopped, match=f"not a number at step {bad_step}, because of pairs"
    ) as caught:
        trainer.train()
    assert all(f"p{i}" in str(caught.value) for i in in_batch)
    assert trainer.state.global_step == bad_step - 1


def short_of_memory(monkeypatch: pytest.MonkeyPatch, model: Any, most: int) -> None:
    forward = model.forward

    def limited(*args: Any, **batch: Any) -> Any:
        if model.training and len(batch["input_ids"]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*args, **batch)

    monkeypatch.setattr(model, "forward", limited)


def test_out_of_memory_halves_the_forward_pass_and_learns_the_same(
    tiny: Any, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, short, said = tiny.load("encoder"), tiny.load("encoder"), []
    rows = rows_of(tiny, plain, 24)
    args = {"disable_dropout": True}
    expected = build(plain, rows, args=args)
    expected.train()
    trainer = build(short, rows, args=args, note=said.append)
    short_of_memory(monkeypatch, short.model, 6)
    trainer.train()
    assert said == [
        "out of memory with 8 pairs in a forward pass; continuing with 4, the same batch",
        "out of memory with 4 pairs in a forward pass; continuing with 2, the same batch",
    ]
    for key in ("loss", "accuracy", "margin"):
        logged = [[e[key] for e in t.state.log_history if key in e] for t in (expected, trainer)]
        assert len(logged[0]) == 6
        assert np.allclose(*logged, atol=1e-4), key
    assert_alike(plain.model, short.model, atol=1e-4)


def test_steps_before_memory_ran_out_are_not_counted_twice(
    tiny: Any, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, short, calls = tiny.load("encoder"), tiny.load("encoder"), []
    rows = rows_of(tiny, plain, 24)
    forward = short.model.forward

    def fails_at_the_second_part(*args: Any, **batch: Any) -> Any:
        calls.append(len(batch["input_ids"]))
        if len(calls) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*args, **batch)

    args = {"disable_dropout": True, "max_steps": 2}
    expected, trainer = build(plain, rows, args=args), build(short, rows, args=args, micro_batch=4)
    monkeypatch.setattr(short.model, "forward", fails_at_the_second_part)
    expected.train()
    trainer.train()
    assert calls == [8, 8, *[4] * 8]
    for key in ("loss", "accuracy", "margin", "tokens"):
        logged = [[e[key] for e in t.state.log_history if key in e] for t in (expected, trainer)]
        assert np.allclose(*logged, atol=1e-4), key
    assert_alike(plain.model, short.model, atol=1e-4)


def test_memory_that_is_too_short_for_one_pair_stops_with_a_way_out(
    tiny: Any, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = tiny.load("encoder")
    trainer = build(backbone, rows_of(tiny, backbone, 8), note=lambda text: None)
    short_of_memory(monkeypatch, backbone.model, 1)
    with pytest.raises(
        TrainingStopped, match=r"(?s)out of memory with 1 pairs.*gradient_checkpointing"
    ):
        trainer.train()


def test_held_out_accuracy_and_loss_are_reported_for_all_and_by_community(
    tiny: Any, build: Build
) -> None:
    backbone = tiny.load("encoder")
    rows = rows_of(tiny, backbone, 8)
    held = rows_of(tiny, backbone, 11)
    trainer = build(
        backbone, rows, held, communities=["GBR", "MEX"], args={"per_device_eval_batch_size": 4}
    )
    found = trainer.evaluate()
    logged = trainer.state.log_history[-1]
    margin_N, code_N = margins(backbone, held), np.array([row["community"] for row in held])
    right_N = margin_N > 0
    assert found["eval_loss"] == pytest.approx(np.logaddexp(0, -margin_N).mean(), abs=1e-5)
    assert logged["eval_accuracy"] == pytest.approx(right_N.mean())
    assert logged["eval_accuracy/GBR"] == pytest.approx(right_N[code_N == 0].mean())
    assert logged["eval_accuracy/MEX"] == pytest.approx(right_N[code_N == 1].mean())
    assert logged["eval_margin"] == pytest.approx(margin_N.mean(), abs=1e-5)


def test_rows_that_fill_a_batch_count_nowhere(tiny: Any, build: Build) -> None:
    backbone = tiny.load("encoder")
    rows = rows_of(tiny, backbone, 5)
    filled = rows + [rows[0] | {"weight": 0.0, "row": -1}] * 3
    for over in ("pairs", "weights"):
        trainer = build(backbone, rows, filled, loss_over=over)
        assert float(loss_of(trainer, filled)) == pytest.approx(
            float(loss_of(trainer, rows)), abs=1e-6
        )
        found = trainer.evaluate()
        assert found["eval_loss"] == pytest.approx(float(loss_of(trainer, rows)), abs=1e-6)
        assert trainer.state.log_history[-1]["eval_accuracy"] == pytest.approx(
            (margins(backbone, rows) > 0).mean()
        )


def test_a_reward_that_is_the_same_for_both_is_half_right(tiny: Any, build: Build) -> None:
    backbone = tiny.load("encoder")
    with torch.no_grad():
        scalar_head(backbone.model)[2].weight.zero_()
    rows = rows_of(tiny, backbone, 4)
    trainer = build(backbone, rows, rows)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(np.log(2))
    assert trainer.state.log_history[-1]["eval_accuracy"] == 0.5
