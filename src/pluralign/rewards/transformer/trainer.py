"""TRL's reward trainer with a weight for each pair; imported only for training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler
from trl import RewardTrainer

from pluralign.core import IntArray, PluralignError
from pluralign.huggingface.callbacks import DrawsEpochs
from pluralign.rewards.torch_losses import report_loss
from pluralign.rewards.transformer.forward import padded
from pluralign.rewards.transformer.tokenized_texts import Tokens

_COLUMNS = [
    "chosen_ids",
    "rejected_ids",
    "chosen_types",
    "rejected_types",
    "weight",
    "flip",
    "community",
    "row",
]
_MEGABATCH = 50


class TrainingStopped(PluralignError, RuntimeError):
    """Training cannot go on: the loss is not a number, or memory is too short."""


@dataclass(frozen=True, slots=True)
class PairCollator:
    """Puts pairs into one padded batch that contains each distinct response once.

    Attributes:
        pad: Id of the pad token.
        multiple: Pad to a multiple of this.
    """

    pad: int
    multiple: int = 1

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Collate.

        Returns:
            ``weight``, ``flip``, ``chosen``, ``rejected`` (which sequence), ``community`` and
            ``row``, each of shape (N,), and ``input_ids``, ``attention_mask`` and, where the model
            asks for them, ``token_type_ids`` of shape (U, T).
        """
        place: dict[Tokens, int] = {}
        sides: dict[str, list[int]] = {"chosen": [], "rejected": []}
        for row in rows:
            for side, found in sides.items():
                types = row.get(f"{side}_types")
                tokens = Tokens(
                    tuple(row[f"{side}_ids"]), None if types is None else tuple(types), False
                )
                found.append(place.setdefault(tokens, len(place)))
        return {
            "weight": torch.tensor([row["weight"] for row in rows], dtype=torch.float32),
            "flip": torch.tensor([row["flip"] for row in rows], dtype=torch.float32),
            **{side: torch.tensor(found) for side, found in sides.items()},
            "community": torch.tensor([row["community"] for row in rows]),
            "row": torch.tensor([row["row"] for row in rows]),
            **padded(list(place), self.pad, self.multiple),
        }


class GroupedSampler(Sampler[int]):
    """An order in which the pairs of a batch are alike, drawn by the seed and the epoch.

    Args:
        length_N: Tokens of each pair.
        group_N: The group of each pair; pairs of a group stay next to each other. None: each is
            its own group.
        batch: Pairs in a batch.
        seed: Draws the order.
        blank: Rows after the pairs that only fill the last batch: they come last.
    """

    def __init__(
        self,
        length_N: Sequence[int],
        group_N: Sequence[int] | None,
        batch: int,
        seed: int,
        blank: int = 0,
    ) -> None:
        self._length_N = np.asarray(length_N)
        self._group_N = np.arange(len(self._length_N)) if group_N is None else np.asarray(group_N)
        self._batch, self._seed, self._blank, self._epoch = batch, seed, blank, 0

    def __len__(self) -> int:
        return len(self._length_N) + self._blank

    def set_epoch(self, epoch: int) -> None:
        """Which epoch to draw."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self._seed, self._epoch))
        groups, code_N = np.unique(self._group_N, return_inverse=True)
        drawn = np.argsort(rng.permutation(len(groups))[code_N], kind="stable")
        lots = [self._alike(drawn[at : at + self._lot]) for at in range(0, len(drawn), self._lot)]
        order = np.concatenate(lots) if lots else drawn
        whole = len(order) // self._batch * self._batch
        batches = order[:whole].reshape(-1, self._batch)
        yield from batches[rng.permutation(len(batches))].ravel().tolist()
        yield from order[whole:].tolist()
        yield from range(len(order), len(self))

    @property
    def _lot(self) -> int:
        return _MEGABATCH * self._batch

    def _alike(self, rows: IntArray) -> IntArray:
        """Longest first, groups whole."""
        _, code = np.unique(self._group_N[rows], return_inverse=True)
        longest = np.zeros(code.max() + 1, dtype=np.intp)
        np.maximum.at(longest, code, self._length_N[rows])
        return rows[np.lexsort((code, -longest[code]))]


class WeightedRewardTrainer(RewardTrainer):  # type: ignore[misc]
    """Minimises the weighted Bradley-Terry loss, sum of w * -log sigmoid(margin) over a divisor.

    Weights of 1 give TRL's own loss. Of a choice that was reported by randomised response, it is
    the likelihood of the report (`pluralign.rewards.report_losses`, ``forward``). A batch that does
    not fit into memory is taken in halves, with the same gradient; a loss that is not a number
    stops the training and names the pairs. Rows numbered -1 only fill a batch that several
    processes share; they count nowhere.

    Args:
        micro_batch: Pairs in one forward pass; None takes the whole batch.
        loss_over: ``pairs`` divides by the number of pairs (as published), ``weights`` by the sum
            of weights.
        sampler: Order of the training pairs; None leaves it to the trainer.
        pair_ids: Id of each training pair by its row, for messages.
        communities: Name of each community by its code, for metrics.
        note: Is called with a sentence where memory was short.
    """

    def __init__(
        self,
        *args: Any,
        micro_batch: int | None = None,
        loss_over: str = "pairs",
        sampler: GroupedSampler | None = None,
        pair_ids: Sequence[str] = (),
        communities: Sequence[str] = (),
        note: Callable[[str], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._micro = micro_batch
        self._loss_over = loss_over
        self._sampler = sampler
        self._pair_ids, self._communities = pair_ids, communities
        self._note = note or (lambda text: None)
        if sampler is not None:
            self.add_callback(DrawsEpochs(sampler))

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = list(_COLUMNS)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return (
            self._sampler
            if self._sampler is not None
            else super()._get_train_sampler(train_dataset)
        )

    def training_step(
        self, model: Any, inputs: Any, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """One step over the batch, in parts where memory is short; the gradient is the same."""
        inputs = self._prepare_inputs(inputs)
        # Of the whole batch, before it is split: parts must not be averaged by their own sizes.
        inputs["total"] = self._total(inputs["weight"], inputs["row"])
        measured = {name: len(values) for name, values in self._metrics["train"].items()}
        while True:
            try:
                return self._in_parts(model, inputs, num_items_in_batch)
            except torch.OutOfMemoryError:
                self._halve(len(inputs["weight"]))
                # The step is repeated, so what it measured before it failed must not count.
                for name, values in self._metrics["train"].items():
                    del values[measured.get(name, 0) :]

    def _in_parts(
        self, model: Any, inputs: dict[str, torch.Tensor], num_items_in_batch: Any
    ) -> torch.Tensor:
        parts = split_batch(inputs, self._micro or len(inputs["weight"]))
        losses = []
        for k, part in enumerate(parts):
            # Processes exchange gradients once, with the last part.
            if k + 1 < len(parts):
                with self.accelerator.no_sync(model):
                    losses.append(super().training_step(model, part, num_items_in_batch))
            else:
                losses.append(super().training_step(model, part, num_items_in_batch))
        return torch.stack(losses).sum()

    def _own_total(self, weight: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
        return weight.sum() if self._loss_over == "weights" else (row >= 0).sum().to(weight)

    def _total(self, weight: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
        """The divisor of the loss: this batch's pairs or weights, the mean over processes."""
        own = self._own_total(weight, row)
        if self.accelerator.num_processes > 1:
            own = self.accelerator.reduce(own, reduction="mean")
        # A batch whose weights are all 0 has a loss of 0, not 0 / 0.
        return own.clamp_min(torch.finfo(own.dtype).tiny)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of a batch, or of its part of ``inputs["total"]``."""
        inputs = dict(inputs)
        columns = ("weight", "flip", "chosen", "rejected", "community", "row")
        weight, flip, chosen, rejected, community, row = (inputs.pop(k) for k in columns)
        total = inputs.pop("total", None)
        outputs = model(**inputs)
        # In float32: differences of half-precision rewards have few digits.
        reward = outputs.logits.squeeze(-1).float()
        margin = reward[chosen] - reward[rejected]
        summed = (weight * report_loss(margin, flip, "forward")).sum()
        loss = summed / (total if total is not None else self._total(weight, row))
        if not torch.isfinite(loss):
            self._stop(margin, row)
        counts = (row >= 0).to(weight)
        self._measure(margin.detach(), counts, community, inputs["attention_mask"])
        if not self.model.training:
            self._metrics["eval"]["loss"].append(
                torch.stack([summed.detach(), self._own_total(weight, row)])
            )
        return (loss, outputs) if return_outputs else loss

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate; the loss is that of all pairs, for any division into batches and processes."""
        self._metrics["eval"].clear()
        output = super().evaluation_loop(*args, **kwargs)
        if losses := self._metrics["eval"].pop("loss", None):
            summed, total = self._sum(losses).tolist()
            output.metrics["eval_loss"] = summed / total
        return output

    def _sum(self, values: list[torch.Tensor]) -> torch.Tensor:
        """The measured sums, added up over batches and processes."""
        total = torch.stack(values).sum(dim=0)
        return (
            self.accelerator.reduce(total, reduction="sum")
            if self.accelerator.num_processes > 1
            else total
        )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log means over what was seen since the last time."""
        mode = "train" if self.model.training else "eval"
        prefix = "eval_" if mode == "eval" else ""
        sums = {name: self._sum(values) for name, values in self._metrics[mode].items() if values}
        self._metrics[mode].clear()
        for name, total in sums.items():
            if total[1] > 0:
                logs[f"{prefix}{name}"] = (
                    int(total[0]) if name == "tokens" else float(total[0] / total[1])
                )
        super(RewardTrainer, self).log(logs, start_time)

    def _measure(
        self,
        margin: torch.Tensor,
        counts: torch.Tensor,
        community: torch.Tensor,
        mask: torch.Tensor,
    ) -> None:
        seen = self._metrics["train" if self.model.training else "eval"]
        right = ((margin > 0).float() + 0.5 * (margin == 0).float()) * counts
        seen["accuracy"].append(torch.stack([right.sum(), counts.sum()]))
        seen["margin"].append(torch.stack([(margin * counts).sum(), counts.sum()]))
        seen["tokens"].append(torch.stack([mask.sum().float(), counts.sum()]))
        if not self.model.training and len(self._communities) > 1:
            for code, name in enumerate(self._communities):
                own = (community == code).float() * counts
                seen[f"accuracy/{name}"].append(torch.stack([(right * own).sum(), own.sum()]))

    def _stop(self, margin: torch.Tensor, row: torch.Tensor) -> None:
        rows = row[~torch.isfinite(margin)].tolist()
        # Rows that only fill a batch are numbered -1.
        bad = [self._pair_ids[i] for i in rows if 0 <= i < len(self._pair_ids)]
        named = f"pairs {', '.join(bad[:8])}" if bad else "the batch's weights"
        raise TrainingStopped(
            f"the loss is not a number at step {self.state.global_step + 1}, because of {named}",
            where=str(self.args.output_dir),
            hint="lower the learning rate, or train in float32; the last checkpoint is kept",
        )

    def _halve(self, pairs: int) -> None:
        now = min(self._micro or pairs, pairs)
        if now == 1 or self.accelerator.num_processes > 1:
            raise TrainingStopped(
                f"out of memory with {now} pairs in a forward pass",
                hint="set training.micro_batch lower, training.gradient_checkpointing = true, or a "
                "smaller max_length",
            ) from None
        self.optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        self._micro = now // 2
        self._note(
            f"out of memory with {now} pairs in a forward pass; continuing with {self._micro}, "
            "the same batch"
        )


def split_batch(inputs: dict[str, torch.Tensor], micro: int) -> list[dict[str, torch.Tensor]]:
    """Parts of a collated batch: at most ``micro`` pairs of like length, with their own padding.

    Args:
        inputs: As `PairCollator` gives it; scalars are handed to every part.
        micro: Pairs in a part, >= 1.
    """
    pairs = len(inputs["weight"])
    if micro >= pairs:
        return [inputs]
    length_U = inputs["attention_mask"].sum(dim=1)
    longest = torch.maximum(length_U[inputs["chosen"]], length_U[inputs["rejected"]])
    parts = []
    order = torch.argsort(longest, descending=True, stable=True)
    for rows in order.split(micro):  # type: ignore[no-untyped-call]
        used, place = torch.unique(
            torch.cat([inputs["chosen"][rows], inputs["rejected"][rows]]), return_inverse=True
        )
        width = int(length_U[used].max())
        part = {k: inputs[k][rows] for k in ("weight", "flip", "community", "row")}
        part["chosen"], part["rejected"] = place.chunk(2)
        for k in ("input_ids", "attention_mask", "token_type_ids"):
            if k in inputs:
                part[k] = inputs[k][used, :width]
        parts.append(part | {k: v for k, v in inputs.items() if v.dim() == 0})
    return parts
