"""Does a trunk that was tuned once on the training pairs of all communities serve new questions?

    PLURALIGN_DATA=FOLDER python benchmarks/tuned_trunk.py configs/global_opinions.toml

For each split: the vectors of all texts as the frozen encoder gives them; as a linear map of low
rank changes them (``low-rank``: ``e + U V e``, brought to length 1); and as the encoder gives them
once adapters of rank 8 in its last three layers are trained (``lora``). Maps and adapters learn
from all training pairs together: one pooled head is fitted on principal components of the vectors,
the vectors are moved along the gradient of the loss of that head for one epoch, and so on. The
number of epochs (0 is the frozen trunk) and the step size are those with the least loss of the
pooled head on topics that were left out of training; then the trunk is trained once more on all
training pairs. Components, the reference and the methods are fitted on the vectors of each trunk
as in `pluralign run`. Communities and raters of the confirmation data of docs/protocol.md are left
out.

Prints accuracies and losses on the test questions, and paired differences from the frozen trunk
with 97.5 % intervals (two trunks are compared with it). ``--out`` keeps them, with processor times.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pluralign.core import Silent, prompt_text, rng_for
from pluralign.encoders import packaged_folder
from pluralign.evaluation import TestPairs, own_margins
from pluralign.experiments.linear_bench import LinearBench
from pluralign.experiments.planning import Plan, plan
from pluralign.experiments.repeats import fit_reference, sides
from pluralign.experiments.splitting import split_pairs
from pluralign.methods import RidgeConfig, TrainingSet, pooled_heads
from pluralign.methods.fading import topics_of
from pluralign.methods.ridges import FOLDS, folds_of, mean_losses
from pluralign.metrics import group_means
from pluralign.metrics.clustered import t_interval
from pluralign.models.trunks import open_trunk
from pluralign.rewards import EmbeddingTrunk, EncodedPairs, LinearRewardModel, fit_trunk
from pluralign.rewards.features import distinct
from pluralign.settings import resolve
from pluralign.settings.registry import method_named
from pluralign.settings.resolved_experiment import Resolved
from pluralign.sources import Loaded, Split, load_pairs

METHODS = ("reference", "full", "pooled", "adaptive")
FROZEN, LOW_RANK, LORA = "frozen", "low-rank", "lora"
RIDGES = (30.0, 10.0, 3.0, 1.0)
RATES = {LOW_RANK: (0.001, 0.003), LORA: (0.0003, 0.001)}
PROMPTS = 32  # in a step: the pairs of so many prompts, of all communities
LEVEL = 0.975


class LowRankReader(nn.Module):
    """The frozen vectors of T texts, changed by a linear map of low rank."""

    def __init__(self, vector_T_d: np.ndarray, rank: int = 32) -> None:
        super().__init__()
        self.frozen = torch.from_numpy(vector_T_d)
        dimensions = vector_T_d.shape[1]
        self.down = nn.Parameter(torch.randn(dimensions, rank) / dimensions**0.5)
        self.up = nn.Parameter(torch.zeros(rank, dimensions))

    def forward(self, row_n: Tensor) -> Tensor:
        """Vectors of some texts, shape (n, d)."""
        frozen = self.frozen[row_n]
        return functional.normalize(frozen + frozen @ self.down @ self.up, dim=1)


class LoraReader(nn.Module):
    """A sentence encoder that averages tokens, with adapters in its last layers."""

    def __init__(self, folder: Path, texts: Sequence[str], longest: int = 256) -> None:
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModel, AutoTokenizer

        super().__init__()
        model = AutoModel.from_pretrained(folder).eval()
        longest = min(longest, model.config.max_position_embeddings)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        cut = tokenizer(list(texts), truncation=True, max_length=longest)
        self.ids = [torch.tensor(ids) for ids in cut["input_ids"]]
        last = range(model.config.num_hidden_layers)[-3:]
        config = LoraConfig(
            r=8, target_modules=["query", "key", "value", "dense"], layers_to_transform=list(last)
        )
        self.model = get_peft_model(model, config).eval()

    def forward(self, row_n: Tensor) -> Tensor:
        """Vectors of some texts, shape (n, d), read in lots of like length."""
        by_length = sorted(range(len(row_n)), key=lambda i: len(self.ids[row_n[i]]))
        lots = [by_length[start : start + 32] for start in range(0, len(row_n), 32)]
        vectors = torch.cat([self._read([self.ids[row_n[i]] for i in lot]) for lot in lots])
        return vectors[torch.argsort(torch.tensor(by_length))]

    def _read(self, ids: list[Tensor]) -> Tensor:
        padded = nn.utils.rnn.pad_sequence(ids, batch_first=True)
        length_n = torch.tensor([len(one) for one in ids])
        read = (torch.arange(padded.shape[1]) < length_n[:, None]).long()
        hidden = self.model(input_ids=padded, attention_mask=read).last_hidden_state
        return functional.normalize((hidden * read[:, :, None]).sum(dim=1), dim=1)


@dataclass(frozen=True)
class Task:
    """One split of one set, with the frozen vectors of its texts."""

    resolved: Resolved
    roles: Plan
    encoded: EncodedPairs
    trunk: EmbeddingTrunk
    texts: list[str]
    folder: Path
    split: Split
    seed: int

    def reader(self, form: str) -> nn.Module:
        """A reader that still reads as the frozen encoder does."""
        torch.manual_seed(self.seed)
        if form == LOW_RANK:
            return LowRankReader(self.encoded.features.vector_T_d)
        return LoraReader(self.folder, self.texts)

    def training(self) -> TrainingSet:
        """The training pairs of all communities, each of which counts."""
        own = self.encoded.take(self.split.train)
        by = "question" if self.resolved.settings.split.by == "question" else "stem"
        return TrainingSet.build(own, sorted({p.community for p in own.pairs}), by)


def kept(id_: str | None) -> bool:
    """Whether docs/protocol.md leaves a community or rater among the development data."""
    return hashlib.sha256(f"pluralign confirmation:{id_}".encode()).digest()[0] >= 64


def development(resolved: Resolved, loaded: Loaded) -> tuple[Resolved, Loaded]:
    """Settings and pairs without confirmation data."""
    settings = resolved.settings
    rows = [i for i, p in enumerate(loaded.pairs) if kept(p.rater or p.community)]
    loaded = replace(
        loaded,
        pairs=tuple(loaded.pairs[i] for i in rows),
        source_N=tuple(loaded.source_N[i] for i in rows),
    )
    present = {p.community for p in loaded.pairs}
    fit_on = tuple(c for c in settings.reference.fit_on if c in present)
    changes: dict[str, object] = {
        "reference": settings.reference.model_copy(update={"fit_on": fit_on})
    }
    if settings.communities:
        changes["communities"] = tuple(c for c in settings.communities if c in present)
    return replace(resolved, settings=settings.model_copy(update=changes)), loaded


def tasks(path: Path, splits: int, overrides: Sequence[str], folder: Path) -> Iterator[Task]:
    """The first splits of a settings file."""
    resolved = resolve(path, overrides=list(overrides))
    settings = resolved.settings
    loaded = load_pairs(resolved.sources, settings.limit, settings.seed)
    resolved, loaded = development(resolved, loaded)
    settings, pairs = resolved.settings, loaded.pairs
    trunk = open_trunk(settings.trunk, None, Silent()).trunk
    # In the order of `encode_pairs`, whose table of vectors has a row for each.
    texts, _ = distinct(
        [prompt_text(p.prompt) for p in pairs]
        + [p.chosen for p in pairs]
        + [p.rejected for p in pairs]
    )
    encoded, roles = trunk.encode_pairs(pairs), plan(settings, loaded.people())
    for seed in range(settings.seed, settings.seed + splits):
        split = split_pairs(loaded, settings, resolved.sources, seed)
        yield Task(resolved, roles, encoded, trunk, texts, folder, split, seed)


def with_vectors(encoded: EncodedPairs, vector_T_d: np.ndarray) -> EncodedPairs:
    """The same pairs, their texts read by another encoder."""
    return replace(encoded, features=replace(encoded.features, vector_T_d=vector_T_d))


def read_all(reader: nn.Module, count: int) -> np.ndarray:
    """Vectors of all texts, float32, shape (T, d)."""
    with torch.no_grad():
        return torch.cat([reader(lot) for lot in torch.arange(count).split(256)]).numpy()


@dataclass(frozen=True)
class PooledHead:
    """A pooled head and the components that it reads, as tensors."""

    own_d: Tensor
    product_p_r: Tensor
    mean_d: Tensor
    prompt_d_p: Tensor
    response_d_r: Tensor

    @classmethod
    def of(cls, head_D: np.ndarray, trunk: EmbeddingTrunk) -> "PooledHead":
        """From a head on the features of a trunk with components."""
        own, product = np.split(head_D.astype(np.float32), [trunk.encoder.dimensions])
        arrays = trunk.components.tensors().values()
        product_p_r = trunk.interaction * product.reshape(trunk.components.shape)
        return cls(*map(torch.from_numpy, (own, product_p_r, *arrays)))

    def margins(self, chosen_n_d: Tensor, rejected_n_d: Tensor, prompt_n_d: Tensor) -> Tensor:
        """Margins of pairs, in logits, shape (n,)."""
        response_n_d = chosen_n_d - rejected_n_d
        score_n_p = (prompt_n_d - self.mean_d) @ self.prompt_d_p
        own_n = response_n_d @ self.own_d
        return own_n + ((score_n_p @ self.product_p_r) * (response_n_d @ self.response_d_r)).sum(1)


@dataclass(frozen=True)
class Epoch:
    """A trunk after some epochs, and the pooled head on it.

    Attributes:
        vector_T_d: Vectors of all texts.
        train: The training pairs that are not held out.
        head: The pooled head on them.
        ridge: Its ridge.
        loss: Its loss on the pairs held out; nan where there are none.
    """

    vector_T_d: np.ndarray
    train: TrainingSet
    head: PooledHead
    ridge: float
    loss: float


def tuned(
    task: Task, form: str, rate: float, held_N: np.ndarray, grids: Sequence[Sequence[float]]
) -> Iterator[Epoch]:
    """A trunk after 0, 1, 2, ... epochs on the training pairs that are not held out.

    Args:
        task: The split.
        form: ``low-rank`` or ``lora``.
        rate: Step size of AdamW.
        held_N: Training pairs that measure the loss, shape (N,).
        grids: Candidates for the ridge of the pooled head after each number of epochs.
    """
    reader, rng = task.reader(form), rng_for(task.seed, "tuning")
    steps = torch.optim.AdamW([p for p in reader.parameters() if p.requires_grad], lr=rate)
    epoch = None
    for grid in grids:
        if epoch is not None:
            train_one_epoch(reader, steps, epoch, rng)
        epoch = pooled_on(task, read_all(reader, len(task.texts)), held_N, grid)
        yield epoch


def pooled_on(
    task: Task, vector_T_d: np.ndarray, held_N: np.ndarray, grid: Sequence[float]
) -> Epoch:
    """The pooled head on some vectors, with the ridge of least loss on the pairs held out."""
    rows = task.split.train
    read = with_vectors(task.encoded, vector_T_d)
    components = task.resolved.settings.components
    trunk, read = fit_trunk(task.trunk, read, rows[~held_N], components)
    whole = replace(task.training(), encoded=read.take(rows))
    train = whole.without(held_N)
    nothing = LinearRewardModel(trunk, np.zeros(trunk.dimensions))
    head_K_D = pooled_heads(train, nothing, RidgeConfig(), grid)[:, 0]
    margin_N_K = whole.encoded.margins(head_K_D.T)
    margin_N_K[~held_N] = np.nan
    loss_K = mean_losses(margin_N_K, whole) if held_N.any() else np.full(len(grid), np.nan)
    best = int(np.argmin(loss_K))
    head = PooledHead.of(head_K_D[best], trunk)
    return Epoch(vector_T_d, train, head, grid[best], float(loss_K[best]))


def train_one_epoch(
    reader: nn.Module, steps: torch.optim.Optimizer, epoch: Epoch, rng: np.random.Generator
) -> None:
    """Move the vectors along the gradient of the pooled loss, prompt by prompt in random order."""
    index_3_N, weight_N = epoch.train.encoded.features.index_3_N, epoch.train.weight_N
    for lot in np.array_split(rng.permutation(np.unique(index_3_N[2])), lots_of(index_3_N[2])):
        own_N = np.isin(index_3_N[2], lot)
        rows, place_3_n = np.unique(index_3_N[:, own_N], return_inverse=True)
        vector = reader(torch.from_numpy(rows.astype(np.int64)))
        margin_n = epoch.head.margins(*vector[torch.from_numpy(place_3_n.reshape(3, -1))])
        weight_n = torch.from_numpy(weight_N[own_N].astype(np.float32))
        loss = (weight_n * functional.softplus(-margin_n)).sum() / weight_n.sum()
        steps.zero_grad()
        loss.backward()
        steps.step()


def lots_of(prompt_N: np.ndarray) -> int:
    """How many steps an epoch has."""
    return -(-len(np.unique(prompt_N)) // PROMPTS)


def left_out(task: Task, by: str) -> np.ndarray:
    """Whether each training pair is of the left-out third of topics, or of units of the split."""
    train, rng = task.training(), rng_for(task.seed, "left out")
    fold_N = None
    if by == "topics":
        fold_N = topics_of(train, *train.encoded.features.prompts(), rng)
    return (folds_of(train, rng) if fold_N is None else fold_N) % FOLDS == 0


def chosen_vectors(
    task: Task, form: str, by: str, most: int
) -> tuple[np.ndarray, dict[str, object]]:
    """The vectors of a tuned trunk, and how its epochs and step size were chosen."""
    held_N = left_out(task, by)
    losses: dict[float, list[float]] = {}
    ridges: dict[float, list[float]] = {}
    for rate in RATES[form]:
        epochs = list(tuned(task, form, rate, held_N, [RIDGES] * (most + 1)))
        losses[rate], ridges[rate] = [e.loss for e in epochs], [e.ridge for e in epochs]
        print(f"  {form} {rate}: left-out loss {np.round(losses[rate], 4).tolist()}", flush=True)
    rate = min(losses, key=lambda one: min(losses[one]))
    count = int(np.argmin(losses[rate]))
    nobody_N = np.zeros_like(held_N)
    *_, last = tuned(task, form, rate, nobody_N, [(r,) for r in ridges[rate][: count + 1]])
    about = {"rate": rate, "epochs": count, "losses": losses, "ridges": ridges}
    return last.vector_T_d, about


def fitted_margins(task: Task, vector_T_d: np.ndarray) -> tuple[TestPairs, dict[str, np.ndarray]]:
    """The test pairs, and the margins of each method fitted on these vectors."""
    settings, seed = task.resolved.settings, task.seed
    encoded = with_vectors(task.encoded, vector_T_d)
    trunk, encoded = fit_trunk(task.trunk, encoded, task.split.train, settings.components)
    side = sides(encoded, task.split, task.roles, settings, seed)
    fitted = fit_reference(side.train, trunk, task.roles, settings, seed)
    bench = LinearBench(
        resolved=task.resolved, train=fitted.train, reference=fitted.model, seed=seed, trunk={}
    )
    test = side.test.of(side.train.communities)
    judged = TestPairs.of(test.pairs, test.margins(fitted.model.reference_D))
    return judged, {
        name: own_margins(bench.fit(method_named(name)).margins(test), judged) for name in METHODS
    }


def measured(task: Task, forms: Sequence[str], by: str, most: int) -> dict[str, object]:
    """Test pairs of a split with the margins of each trunk and method, and what was chosen."""
    found: dict[str, object] = {"margins": {}, "chosen": {}, "seconds": {}}
    for form in (FROZEN, *forms):
        since = time.process_time()
        vector_T_d, about = task.encoded.features.vector_T_d, {}
        if form != FROZEN:
            vector_T_d, about = chosen_vectors(task, form, by, most)
        tuning = time.process_time() - since
        judged, margins = fitted_margins(task, vector_T_d)
        found["judged"], found["margins"][form] = judged, margins
        found["chosen"][form] = about
        found["seconds"][form] = [tuning, time.process_time() - since - tuning]
    return found


def rows_of(name: str, splits: Sequence[dict]) -> Iterator[dict[str, object]]:
    """Accuracy and loss of each trunk and method over splits, and differences from the frozen."""
    judged = TestPairs.join([one["judged"] for one in splits])
    for method in METHODS:
        frozen_N = joined(splits, FROZEN, method)
        for form in splits[0]["margins"]:
            margin_N = joined(splits, form, method)
            row = {"set": name, "splits": len(splits), "trunk": form, "method": method}
            row |= values(judged, margin_N, frozen_N)
            yield row


def joined(splits: Sequence[dict], form: str, method: str) -> np.ndarray:
    return np.concatenate([one["margins"][form][method] for one in splits])


def values(judged: TestPairs, margin_N: np.ndarray, frozen_N: np.ndarray) -> dict[str, object]:
    """Means over communities, each counting the same, and paired differences with intervals."""
    loss_N, before_N = np.logaddexp(0, -margin_N), np.logaddexp(0, -frozen_N)
    credit_N, earlier_N = judged.credit(margin_N), judged.credit(frozen_N)
    levels = group_means(
        np.stack([credit_N, loss_N], axis=1), judged.community_N, judged.clusters()
    )
    gains = group_means(
        np.stack([credit_N - earlier_N, loss_N - before_N], axis=1),
        judged.community_N,
        judged.clusters(),
    )
    mean_S, gain_S = levels.value_C_S.mean(axis=0), gains.value_C_S.mean(axis=0)
    spread = gains.spread
    intervals = [
        t_interval(float(g), float(v), float(df), level=LEVEL)
        for g, v, df in zip(gain_S, spread.average_S, spread.average_df_S, strict=True)
    ]
    return {
        "accuracy": float(mean_S[0]),
        "worst": float(levels.value_C_S[:, 0].min()),
        "loss": float(mean_S[1]),
        "gain": [float(gain_S[0]), *intervals[0]],
        "loss_change": [float(gain_S[1]), *intervals[1]],
        "pairs": levels.n,
        "people": levels.people or None,
        "stems": len(np.unique(judged.stem_N)),
        "communities": len(levels.ids),
    }


def show(rows: Sequence[dict]) -> None:
    """Print a table."""
    print("| set | method | trunk | accuracy | worst | loss | accuracy - frozen | loss - frozen |")
    print("|:--|:--|:--|--:|--:|--:|--:|--:|")
    for row in rows:
        gain, change = row["gain"], row["loss_change"]
        more = ("-", "-")
        if row["trunk"] != FROZEN:
            low, high = 100 * gain[1], 100 * gain[2]
            more = (
                f"{100 * gain[0]:+.1f} [{low:.1f}, {high:.1f}]",
                f"{change[0]:+.4f} [{change[1]:.4f}, {change[2]:.4f}]",
            )
        accuracy, worst = 100 * row["accuracy"], 100 * row["worst"]
        print(f"| {row['set']} | `{row['method']}` | {row['trunk']} | {accuracy:.1f} | {worst:.1f} "
              f"| {row['loss']:.4f} | {more[0]} | {more[1]} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("settings", type=Path, nargs="+", help="settings files of pluralign run")
    parser.add_argument("--splits", type=int, default=2, help="splits of each, from its seed on")
    parser.add_argument("--trunks", nargs="+", choices=list(RATES), default=list(RATES))
    parser.add_argument("--epochs", type=int, default=2, help="at most so many epochs")
    parser.add_argument("--left-out", choices=("topics", "units"), default="topics",
                        help="what is left out to choose epochs and step size")  # fmt: skip
    parser.add_argument("--set", action="append", default=[], help="other settings, as in run")
    parser.add_argument("--folder", type=Path, help="folder of the encoder; default: MiniLM")
    parser.add_argument("--out", type=Path, help="file for the rows, as JSON")
    args = parser.parse_args()
    rows, chosen = [], []
    for path in args.settings:
        splits = []
        for task in tasks(path, args.splits, args.set, args.folder or packaged_folder()):
            print(f"{path.stem}, seed {task.seed}", flush=True)
            splits.append(measured(task, args.trunks, args.left_out, args.epochs))
            about = {"set": path.stem, "seed": task.seed}
            chosen.append(about | {k: splits[-1][k] for k in ("chosen", "seconds")})
            print(f"  {json.dumps(splits[-1]['seconds'])}", flush=True)
            own = list(rows_of(path.stem, splits))
            if args.out:
                args.out.write_text(json.dumps({"rows": rows + own, "splits": chosen}, indent=1))
        rows += own
    show(rows)


if __name__ == "__main__":
    main()
