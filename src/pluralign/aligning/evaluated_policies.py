"""The policies that a run measures: each tuned one, and palettes of several."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pluralign.aligning.palette_shares import open_shares
from pluralign.aligning.palettes import PalettePolicy
from pluralign.aligning.result_rows import MeasuredPolicy
from pluralign.aligning.rewarding import Acceptance
from pluralign.aligning.scoring import ScoredCandidates
from pluralign.aligning.selecting import PolicyName
from pluralign.aligning.tuned_policies import policies
from pluralign.aligning.work import AlignWork
from pluralign.core import Conversation, FloatArray, Reply, Sampling, text_digest
from pluralign.huggingface.model_folders import files_digest
from pluralign.methods.policies import TunedMethod
from pluralign.settings.align import Combine
from pluralign.surveying.respondents import open_chat_model

if TYPE_CHECKING:
    from pluralign.respondents.local import AdaptedModel, LocalChatModel


class WritingPolicy(Protocol):
    """A policy that writes answers and knows how likely they are."""

    def sample(
        self, conversations: Sequence[Conversation], sampling: Sampling, n: int
    ) -> list[list[Reply]]:
        """Answer each conversation n times; shape (len(conversations), n)."""
        ...

    def log_probs(
        self,
        conversations: Sequence[Conversation],
        answers: Sequence[str],
        *,
        cut: Sequence[bool],
        temperature: float = 1.0,
    ) -> FloatArray:
        """Log-probability of each answer in nats, shape (N,); nan where it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class EvaluatedPolicy:
    """A policy that a run measures.

    Attributes:
        measured: The policy, as rows of results name it.
        label: Name of the file of its answers, without a suffix.
        digest: A text that changes whenever its answers could change.
        open: Opens it.
    """

    measured: MeasuredPolicy
    label: str
    digest: str
    open: Callable[[], WritingPolicy]


def evaluated_policies(work: AlignWork, scored: ScoredCandidates) -> Iterator[EvaluatedPolicy]:
    """Every tuned policy; and for each method the palettes that the settings ask for."""
    adapters: dict[TunedMethod, dict[str, Path]] = {}
    for name, folder in policies(work):
        if name.community is not None:
            adapters.setdefault(name.method, {})[name.community] = folder
        yield tuned_policy(work, name)
    for method, own in adapters.items():
        yield from _palettes(work, scored, method, own)


def tuned_policy(work: AlignWork, name: PolicyName) -> EvaluatedPolicy:
    """A policy with an adapter of its own."""
    adapter = work.stage_folder("tune") / name.label
    opened = partial(_opened, work, adapter)
    return EvaluatedPolicy(name.measured, name.label, files_digest(adapter), opened)


def _palettes(
    work: AlignWork, scored: ScoredCandidates, method: TunedMethod, adapters: Mapping[str, Path]
) -> Iterator[EvaluatedPolicy]:
    palette = work.settings.palette
    if not palette.combine:
        return
    shares = open_shares(work.folder.path, palette, tuple(adapters))

    @cache
    def adapted() -> "tuple[LocalChatModel, AdaptedModel]":
        from pluralign.respondents.local import AdaptedModel

        chat = _opened(work, None)
        return chat, AdaptedModel(chat.loaded, adapters)

    def opened(combine: Combine) -> WritingPolicy:
        acceptance = Acceptance(work.rewards.model, scored.scales, palette.accept)
        return PalettePolicy(*adapted(), combine, shares, acceptance)

    digests = [files_digest(folder) for folder in adapters.values()]
    checks = [str(palette.accept), str(scored.scales)]
    for combine in palette.combine:
        parts = [*digests, shares.digest, *(checks if combine == "drafts" else ())]
        measured = MeasuredPolicy(f"{method}+{combine}", shares.label)
        label = f"{method}/palette-{combine}"
        digest = text_digest(" ".join(parts))
        yield EvaluatedPolicy(measured, label, digest, partial(opened, combine))


def _opened(work: AlignWork, adapter: Path | None) -> "LocalChatModel":
    from pluralign.respondents.local import LocalChatModel

    settings = work.settings.model.model_copy(update={"adapter": adapter})
    chat = open_chat_model(settings, work.reporter.note)
    assert isinstance(chat, LocalChatModel)
    return chat
