"""Inputs of every stage: settings, prompts with their sides, models, and the run's folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from pluralign.core import (
    ChatModel,
    NotEnoughData,
    PolicyPrompt,
    Reporter,
    SteerableRewardModel,
    Tally,
    count_of,
    rng_for,
)
from pluralign.runs import Refits
from pluralign.runs.folder import RunFolder
from pluralign.settings import AlignSettings, ResolvedSurvey
from pluralign.sources import RowPolicy, read_prompts

Side = Literal["train", "validation", "test"]
_LARGEST = 2**64
_FEWEST = 4
"""Fewest prompts of a run, and fewest answers that give rewards a scale."""


@dataclass(frozen=True, slots=True)
class RewardModels:
    """The reward models.

    Attributes:
        model: The one that chooses and teaches.
        judge: Another one, of other people, that measures; None where there is none.
        judge_refits: The judge as other repeats of its run fitted it; None where there is no judge,
            or it is behind a URL.
    """

    model: SteerableRewardModel
    judge: SteerableRewardModel | None
    judge_refits: Refits | None = None


@dataclass(frozen=True, slots=True)
class AlignWork:
    """The inputs of every stage.

    Attributes:
        settings: The settings.
        prompts: The prompts, in the order of their file.
        communities: Ids of the communities to follow.
        folder: The run's folder; each stage has a folder with its name in it.
        reporter: Receives the progress.
        open_chat: Opens the start model once.
        rewards: The reward models.
        tally: Counts of the rows of prompts that were read, kept and dropped.
        survey: The survey that models answer before and after; None without one.
    """

    settings: AlignSettings
    prompts: Sequence[PolicyPrompt]
    communities: tuple[str, ...]
    folder: RunFolder
    reporter: Reporter
    open_chat: Callable[[], ChatModel]
    rewards: RewardModels
    tally: Tally
    survey: ResolvedSurvey | None = None

    def stage_folder(self, stage: str) -> Path:
        """The folder of a stage."""
        return self.folder.path / stage

    def of_side(self, side: Side) -> list[int]:
        """Numbers of the prompts of a side."""
        config = self.settings.prompts
        sides = [side_of(one, config.test, config.validation) for one in self.prompts]
        return [number for number, found in enumerate(sides) if found == side]


def check_sides(work: AlignWork) -> None:
    """Check that every side has enough prompts, before anything is sampled.

    Raises:
        NotEnoughData: If there are fewer than two test prompts, fewer than two training prompts for
            a method that learns, or validation prompts with fewer than four answers.
    """
    needed: dict[Side, int] = {"test": 2, "validation": -(-_FEWEST // work.settings.sample.n)}
    if work.settings.tuned:
        needed["train"] = 2
    for side, fewest in needed.items():
        found = len(work.of_side(side))
        if found < fewest:
            raise NotEnoughData(
                f"at least {count_of(fewest, f'{side} prompt')} must be among the "
                f"{len(work.prompts):,}, got {found}",
                where="prompts",
                hint="give more prompts, or other shares: prompts.test, prompts.validation",
            )


def side_of(prompt: PolicyPrompt, test: float, validation: float) -> Side:
    """The side of a prompt, by a digest of its words: the same in every run and every file.

    >>> side_of(PolicyPrompt("1", "Tea?"), 0.3, 0.1), side_of(PolicyPrompt("2", "Tea?"), 0.3, 0.1)
    ('train', 'train')
    """
    at = int(prompt.digest[:16], 16) / _LARGEST
    if at < test:
        return "test"
    return "validation" if at < test + validation else "train"


def read_all_prompts(settings: AlignSettings, tally: Tally) -> list[PolicyPrompt]:
    """The prompts of a run; fewer than all where a limit is set, drawn by the seed.

    Raises:
        InvalidInput: If the file or a row cannot be read.
        NotEnoughData: If there are fewer than four prompts.
    """
    config = settings.prompts
    found = read_prompts(config.path, RowPolicy(tally, config.skip_bad))
    if len(found) < _FEWEST:
        raise NotEnoughData(
            f"at least {_FEWEST} different prompts are needed, got {len(found)}",
            where=str(config.path),
            hint="; ".join(f"{n:,} {reason}" for reason, n in tally.dropped.most_common()) or None,
        )
    if config.limit is None or config.limit >= len(found):
        return found
    rng = rng_for(settings.seed, "prompts")
    taken = np.sort(rng.choice(len(found), config.limit, replace=False))
    return [found[i] for i in taken]
