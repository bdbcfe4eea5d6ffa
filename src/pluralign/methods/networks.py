"""The networks of VPL and GPO, and how they are trained: this module loads torch.

Both read choices of a community, the context, and reward responses: they are trained on episodes,
each with a context and other pairs of the same community, to predict the choices of the latter.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pluralign.core import FloatArray, IntArray, rng_for
from pluralign.rewards import LossKind
from pluralign.rewards.torch_losses import report_loss

SIZES = (0, 1, 2, 5, 10, 20, 50, 100, 200)
"""Sizes of contexts in training, up to the largest of the method; 0 so that none can be given."""
_TARGETS = 32
_EPISODES = 8
# Responses that are scored at once.
_BLOCK = 512


class ContextNetwork(Protocol):
    """A network that rewards responses as the people of a context would."""

    def __call__(self, context_B_k_2_D: Tensor, target_B_T_D: Tensor) -> tuple[Tensor, Tensor]:
        """Rewards to add to the reference's, shape (B, T), and a penalty for each context, (B,).

        Args:
            context_B_k_2_D: Features of the chosen and the rejected responses of k pairs, for B
                communities.
            target_B_T_D: Features of T responses for each of them.
        """
        ...


class VplNetwork(nn.Module):
    """VPL: an encoder of pairs to a latent vector, and a decoder of response and latent vector."""

    def __init__(self, features: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.pair = nn.Sequential(
            *(nn.Linear(2 * features, hidden), nn.GELU()),
            *(nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden)),
        )
        self.attention = nn.Linear(hidden, 1)
        self.mean, self.log_spread = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(
            nn.Linear(features + latent, hidden), nn.GELU(), nn.Linear(hidden, 1)
        )
        start_at_the_reference(self.decoder[-1])

    def forward(self, context_B_k_2_D: Tensor, target_B_T_D: Tensor) -> tuple[Tensor, Tensor]:
        """See `ContextNetwork`; the penalty is the divergence of the latent vector's posterior."""
        mean_B_z, log_spread_B_z = self.posterior(context_B_k_2_D)
        latent_B_z = mean_B_z
        if self.training:
            noise_B_z = torch.randn_like(mean_B_z)
            latent_B_z = mean_B_z + log_spread_B_z.exp() * noise_B_z
        if context_B_k_2_D.shape[1]:
            # As published: of the length of a normal vector. Without a context it is the prior's
            # mean, 0.
            latent_B_z = functional.normalize(latent_B_z, dim=-1) * latent_B_z.shape[-1] ** 0.5
        else:
            latent_B_z = torch.zeros_like(latent_B_z)
        repeated_B_T_z = latent_B_z[:, None].expand(-1, target_B_T_D.shape[1], -1)
        reward_B_T = self.decoder(torch.cat([target_B_T_D, repeated_B_T_z], dim=-1))[..., 0]
        penalty_B = 0.5 * (mean_B_z**2 + (2 * log_spread_B_z).exp() - 1 - 2 * log_spread_B_z).sum(
            dim=-1
        )
        return reward_B_T, penalty_B

    def posterior(self, context_B_k_2_D: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the spread of the latent vector, each of shape (B, z)."""
        batch, size = context_B_k_2_D.shape[:2]
        if not size:
            nothing = torch.zeros(batch, self.mean.out_features)
            return nothing, nothing
        pair_B_k_h = self.pair(context_B_k_2_D.flatten(start_dim=2))
        weight_B_k_1 = torch.softmax(self.attention(pair_B_k_h), dim=1)
        people_B_h = (weight_B_k_1 * pair_B_k_h).sum(dim=1)
        return self.mean(people_B_h), self.log_spread(people_B_h).clamp(-1, 1)


class GpoNetwork(nn.Module):
    """GPO: a transformer whose tokens are responses; a mark shows those that were chosen."""

    def __init__(
        self, features: int, width: int, layers: int, heads: int, feedforward: int
    ) -> None:
        super().__init__()
        self.heads = heads
        self.embed = nn.Sequential(
            *(nn.Linear(features + 1, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()),
            *(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)),
        )
        layer = nn.TransformerEncoderLayer(width, heads, feedforward, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.reward = nn.Sequential(nn.Linear(width, feedforward), nn.ReLU())
        self.last = nn.Linear(feedforward, 1)
        start_at_the_reference(self.last)

    def forward(self, context_B_k_2_D: Tensor, target_B_T_D: Tensor) -> tuple[Tensor, Tensor]:
        """See `ContextNetwork`; there is no penalty."""
        batch, size = context_B_k_2_D.shape[:2]
        targets = target_B_T_D.shape[1]
        chosen_2 = torch.tensor([1.0, 0.0])[None, None, :, None].expand(batch, size, 2, 1)
        context_B_c_E = torch.cat([context_B_k_2_D, chosen_2], dim=-1).flatten(1, 2)
        asked_B_T_E = torch.cat([target_B_T_D, torch.zeros(batch, targets, 1)], dim=-1)
        token_B_t_w = self.embed(torch.cat([context_B_c_E, asked_B_T_E], dim=1))
        seen_B_t_w = self.encoder(token_B_t_w, mask=context_mask(2 * size, targets))
        reward_B_T = self.last(self.reward(seen_B_t_w[:, 2 * size :]))[..., 0]
        return reward_B_T, torch.zeros(batch)


def context_mask(context: int, targets: int) -> Tensor:
    """Where attention is forbidden, shape (t, t): every token reads the context, and itself.

    A target does not read other targets, so its reward does not depend on what else is scored.
    """
    forbidden = ~torch.eye(context + targets, dtype=torch.bool)
    forbidden[:, :context] = False
    return forbidden


def start_at_the_reference(layer: Any) -> None:
    """Set a last layer to 0, so that rewards are those of the reference until it learns."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


@dataclass(frozen=True, slots=True)
class CommunityPairs:
    """Pairs of one community, as rows of a table of responses.

    Attributes:
        index_2_N: Rows of the chosen and the rejected responses, shape (2, N).
        unit_N: Unit of each pair.
        weight_N: How much each pair counts.
        flip_N: Probability that the choice is the opposite of the one reported.
    """

    index_2_N: IntArray
    unit_N: IntArray
    weight_N: FloatArray
    flip_N: FloatArray

    def take(self, rows: Any) -> "CommunityPairs":
        """The pairs at these positions."""
        return CommunityPairs(
            self.index_2_N[:, rows], self.unit_N[rows], self.weight_N[rows], self.flip_N[rows]
        )


@dataclass(frozen=True, slots=True)
class ResponseTable:
    """Responses with their features and the reference's rewards.

    Attributes:
        feature_R_D: Features, standardised, float32, shape (R, D).
        reward_R: Rewards of the reference, float32, shape (R,).
        loss: The loss of reported choices.
    """

    feature_R_D: Tensor
    reward_R: Tensor
    loss: LossKind = "plain"

    def context(self, choices: CommunityPairs) -> Tensor:
        """The context that these pairs are, shape (k, 2, D)."""
        return self.feature_R_D[torch.from_numpy(choices.index_2_N.T.copy()).long()]

    def losses(
        self, network: Any, context_B_k_2_D: Tensor, targets: Sequence[CommunityPairs]
    ) -> Any:
        """Mean loss over target pairs, each weighted, and the mean penalty."""
        index_B_2_T = torch.from_numpy(np.stack([t.index_2_N for t in targets])).long()
        added_B_T, penalty_B = network(context_B_k_2_D, self.feature_R_D[index_B_2_T].flatten(1, 2))
        reward_B_2_T = added_B_T.unflatten(1, (2, -1)) + self.reward_R[index_B_2_T]
        margin_B_T = reward_B_2_T[:, 0] - reward_B_2_T[:, 1]
        weight_B_T = as_tensor(np.stack([t.weight_N for t in targets]))
        flip_B_T = as_tensor(np.stack([t.flip_N for t in targets]))
        loss_B_T = report_loss(margin_B_T, flip_B_T, self.loss)
        return (weight_B_T * loss_B_T).sum() / weight_B_T.sum(), penalty_B.mean()


@dataclass(slots=True)
class NetworkTraining:
    """The training of one network.

    Attributes:
        table: The responses.
        communities: Training pairs of each community; one of one unit has no other pairs to
            predict, and teaches nothing.
        largest: Largest context, in pairs.
        rate: Learning rate at the start; it falls to 0 by a cosine.
        penalty: Weight of the network's penalty.
        seed: Seed of weights, episodes and noise.
    """

    table: ResponseTable
    communities: Sequence[CommunityPairs]
    largest: int
    rate: float
    penalty: float
    seed: int
    several: list[CommunityPairs] = field(init=False)

    def __post_init__(self) -> None:
        self.several = [c for c in self.communities if len(np.unique(c.unit_N)) > 1]

    def run(self, build: Callable[[], Any], stops: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """Train a network, and give it at each stop with the number of steps so far."""
        steps = max(stops)
        with one_seed(self.seed):
            network = build()
            optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)
            falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
            rng = rng_for(self.seed, "episodes")
            for step in range(1, steps + 1):
                if self.several:
                    network.train()
                    loss, penalty = self.table.losses(network, *self.episodes(rng))
                    optimiser.zero_grad()
                    (loss + self.penalty * penalty).backward()
                    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                    optimiser.step()
                    falling.step()
                if step in stops:
                    yield step, network.eval()

    def episodes(self, rng: np.random.Generator) -> tuple[Tensor, list[CommunityPairs]]:
        """Contexts of one size, shape (B, k, 2, D), and target pairs of other units."""
        drawn = [self.several[i] for i in rng.integers(len(self.several), size=_EPISODES)]
        halves = [_halves(choices, rng) for choices in drawn]
        sizes = [k for k in SIZES if k <= self.largest]
        size = int(rng.choice(sizes))
        contexts = [self.table.context(draw(told, size, rng)) for told, _ in halves]
        return torch.stack(contexts), [draw(asked, _TARGETS, rng) for _, asked in halves]


def _halves(
    choices: CommunityPairs, rng: np.random.Generator
) -> tuple[CommunityPairs, CommunityPairs]:
    """The pairs of half of the units, and those of the others."""
    units = np.unique(choices.unit_N)
    told = rng.permutation(units)[: len(units) // 2]
    told_N = np.isin(choices.unit_N, told)
    return choices.take(told_N), choices.take(~told_N)


def draw(choices: CommunityPairs, size: int, rng: np.random.Generator) -> CommunityPairs:
    """Pairs drawn without repetition while there are enough, else with repetition."""
    there = len(choices.unit_N)
    return choices.take(rng.choice(there, size, replace=size > there))


def choice_loss(
    network: Any, table: ResponseTable, told: CommunityPairs, asked: CommunityPairs
) -> float:
    """Mean loss of one community's pairs with others of its pairs as the context."""
    with torch.no_grad(), one_thread():
        loss, _ = table.losses(network, table.context(told)[None], [asked])
    return float(loss)


def rewards(network: Any, table: ResponseTable, context_k_2_D: Tensor) -> FloatArray:
    """Rewards of every response of a table for the people of a context, in logits, shape (R,)."""
    parts = []
    with torch.no_grad(), one_thread():
        for start in range(0, len(table.feature_R_D), _BLOCK):
            block_n_D = table.feature_R_D[start : start + _BLOCK]
            added_1_n, _ = network(context_k_2_D[None], block_n_D[None])
            parts.append(added_1_n[0])
    added_R = torch.cat(parts) if parts else torch.zeros(0)
    reward_R: FloatArray = (added_R + table.reward_R).numpy().astype(np.float64)
    return reward_R


def as_tensor(numbers: FloatArray) -> Tensor:
    """Numbers as float32."""
    return torch.from_numpy(np.asarray(numbers, dtype=np.float32))


@contextmanager
def one_seed(seed: int) -> Iterator[None]:
    """Draw torch's numbers from a seed, on one thread; its state before comes back."""
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(seed)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread: sums have the same bits on any machine, and small products are faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
