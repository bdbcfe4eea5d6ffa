"""Shares of communities for conversations: fixed, or by the prompt."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from pluralign.aligning.work import AlignWork
from pluralign.core import (
    Conversation,
    Encoder,
    FloatArray,
    InvalidInput,
    NotEnoughData,
    PolicyPrompt,
    known_community,
    prompt_text,
)
from pluralign.encoders import CachedEncoder, unit_rows
from pluralign.methods.policies import checked_shares, shares_by_prompt
from pluralign.models import open_encoder
from pluralign.runs.finished import read_object
from pluralign.settings.align import PaletteSettings

BY_PROMPT = "by-prompt"
CENTROIDS = "tune/centroids.json"


class Shares(Protocol):
    """Shares of communities for conversations."""

    @property
    def label(self) -> str:
        """The shares in a few words, as rows of results name them."""
        ...

    @property
    def digest(self) -> str:
        """A text that changes whenever the shares could change."""
        ...

    def of(self, conversations: Sequence[Conversation]) -> list[dict[str, float]]:
        """Community -> share, for each conversation."""
        ...


@dataclass(frozen=True, slots=True)
class FixedShares:
    """The same shares for every conversation.

    Attributes:
        shares: Community -> share, sum 1.
    """

    shares: Mapping[str, float]

    @property
    def label(self) -> str:
        """Communities with their shares.

        >>> FixedShares({"MEX": 0.6, "GBR": 0.4}).label
        'MEX=0.6,GBR=0.4'
        """
        return ",".join(f"{c}={share:.3g}" for c, share in self.shares.items())

    @property
    def digest(self) -> str:
        """A text that changes whenever the shares could change."""
        return str(dict(self.shares))

    def of(self, conversations: Sequence[Conversation]) -> list[dict[str, float]]:
        """Community -> share, for each conversation."""
        return [dict(self.shares) for _ in conversations]


@dataclass(frozen=True, slots=True, eq=False)
class SharesByPrompt:
    """Shares by the similarity of a conversation to each community's training prompts.

    Attributes:
        centroids: Community -> mean vector of its training prompts, of length 1, shape (D,).
        encoder: Encodes the words of conversations.
        temperature: Temperature of the softmax.
    """

    centroids: Mapping[str, FloatArray]
    encoder: Encoder
    temperature: float

    @property
    def label(self) -> str:
        """The shares in a few words, as rows of results name them."""
        return BY_PROMPT

    @property
    def digest(self) -> str:
        """A text that changes whenever the shares could change."""
        means = {community: mean_D.tolist() for community, mean_D in self.centroids.items()}
        return f"{means} {self.encoder.fingerprint} {self.temperature}"

    def of(self, conversations: Sequence[Conversation]) -> list[dict[str, float]]:
        """Community -> share, for each conversation."""
        vector_N_D = unit_rows(self.encoder.encode([prompt_text(talk) for talk in conversations]))
        centroid_C_D = np.stack(list(self.centroids.values()))
        share_N_C = shares_by_prompt(vector_N_D, centroid_C_D, self.temperature)
        return [dict(zip(self.centroids, row, strict=True)) for row in share_N_C.tolist()]


def check_palette(work: AlignWork) -> None:
    """Check the shares of a run's palette before anything is sampled.

    Raises:
        UnknownCommunity: If a share is of a community that the run does not follow.
        InvalidInput: If shares do not sum to 1.
        NotEnoughData: If shares are by the prompt, and no training prompt is of a community.
    """
    palette = work.settings.palette
    known_shares(palette.population, work.communities, "palette.population")
    if palette.shares is None or isinstance(palette.shares, dict):
        known_shares(palette.shares, work.communities, "palette.shares")
        return
    counts = Counter(prompt.community for prompt in _training_prompts(work))
    without = [c for c in work.communities if not counts[c]]
    if without:
        raise NotEnoughData(
            f"no training prompt is of {', '.join(without)}",
            where="palette.shares",
            hint='give the prompts of the file a community, or set fixed shares: "by-prompt" '
            "compares a prompt with the prompts of each community",
        )


def write_centroids(work: AlignWork) -> dict[str, int]:
    """Write the mean vector of each community's training prompts, if shares are by the prompt.

    Returns:
        Community -> number of its training prompts; empty if shares are fixed.
    """
    palette = work.settings.palette
    if palette.shares != BY_PROMPT:
        return {}
    prompts = _training_prompts(work)
    encoder = _encoder(palette)
    vector_N_D = unit_rows(encoder.encode([prompt_text(prompt.prompt) for prompt in prompts]))
    of_prompt_N = np.array([prompt.community or "" for prompt in prompts])
    mean_C_D = np.stack([vector_N_D[of_prompt_N == c].mean(axis=0) for c in work.communities])
    means = dict(zip(work.communities, unit_rows(mean_C_D), strict=True))
    work.folder.write_json(
        CENTROIDS,
        {"encoder": palette.encoder, "centroids": {c: mean.tolist() for c, mean in means.items()}},
    )
    return {c: int((of_prompt_N == c).sum()) for c in work.communities}


def open_shares(folder: Path, palette: PaletteSettings, communities: Sequence[str]) -> Shares:
    """The shares that settings choose.

    Args:
        folder: The folder of the run.
        palette: The settings.
        communities: Communities with adapters.

    Raises:
        UnknownCommunity: If a community has no adapter.
        InvalidInput: If the run has no mean vectors of prompts.
    """
    if palette.shares is None or isinstance(palette.shares, dict):
        return FixedShares(known_shares(palette.shares, communities, "palette.shares"))
    found = read_object(folder / CENTROIDS)
    if found is None or found.get("encoder") != palette.encoder:
        raise InvalidInput(
            "the run has no mean vectors of prompts by this encoder",
            where=str(folder / CENTROIDS),
            hint="run `pluralign align` with --again tune",
        )
    centroids = {c: np.array(vector) for c, vector in found["centroids"].items()}
    kept = {c: centroids[c] for c in communities if c in centroids}
    return SharesByPrompt(kept, _encoder(palette), palette.temperature)


def known_shares(
    shares: Mapping[str, float] | None, communities: Sequence[str], where: str
) -> dict[str, float]:
    """Shares with ids of communities; equal ones where None.

    Raises:
        UnknownCommunity: If one is not among the communities.
        InvalidInput: If they do not sum to 1.
    """
    if shares is None:
        return dict.fromkeys(communities, 1 / len(communities))
    checked_shares(shares, where)
    return {known_community(c, communities, where): share for c, share in shares.items()}


def _training_prompts(work: AlignWork) -> list[PolicyPrompt]:
    return [work.prompts[i] for i in work.of_side("train")]


def _encoder(palette: PaletteSettings) -> Encoder:
    return CachedEncoder(open_encoder(palette.encoder))
