"""A small language model that writes replies of a planted society, to try out all of `align`."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import rng_for
from pluralign.huggingface.quieting import quiet
from pluralign.huggingface.toy_models import (
    END,
    PAD,
    ROLES,
    TEMPLATE,
    check_new_folder,
    save_toy_model,
    small_llama,
)
from pluralign.simulation.bank import FILLERS, PHRASES, PROMPTS, TRAITS
from pluralign.simulation.texts import draft, write

_UNKNOWN = "<|unknown|>"
_ROLES = ROLES[1:]
_BETWEEN_SENTENCES = r"(?<=[.!?]) +"
_PROMPTS = 500
_ABOUT = (
    "A toy: each sentence of a simulated society is one token, and there are no others. For trying "
    "methods out only."
)


@dataclass(frozen=True, slots=True)
class PlantedWriterSettings:
    """The size of a small model that writes replies, and its training.

    Attributes:
        traits: Traits that its replies may show, each and its opposite equally often.
        replies: Number of replies that it learns from.
        hidden: Width of the model, a multiple of 16.
        layers: Number of layers.
        steps: Number of training steps.
        batch: Number of replies in a step.
        learning_rate: Peak learning rate.
        replies_only: Whether the loss leaves out the prompts.
        spread: Standard deviation of the first weights.
        seed: Seed of all draws and of the training.
    """

    traits: tuple[str, ...] = tuple(TRAITS)
    replies: int = 8000
    hidden: int = 64
    layers: int = 2
    steps: int = 600
    batch: int = 64
    learning_rate: float = 3e-3
    replies_only: bool = False
    spread: float = 0.02
    seed: int = 0


def build_planted_writer(
    folder: Path, settings: PlantedWriterSettings | None = None
) -> dict[str, Any]:
    """Train a small causal model to reply to the society's prompts; takes seconds.

    Its replies have the traits of `pluralign.simulation`, so a `Society` knows what each community
    truly thinks of them.

    Args:
        folder: The folder to write: a Hugging Face folder, with ``planted.json``.
        settings: The size of the model.

    Returns:
        The content of ``planted.json``.

    Raises:
        InvalidInput: If the folder exists.
        MissingExtra: If torch or transformers is not installed.
    """
    settings = settings or PlantedWriterSettings()
    sentences = [s for poles in PHRASES.values() for pole in poles for s in pole]
    known = [*sentences, *FILLERS, *planted_prompts()]
    return build_small_model(folder, known, _talks(settings), settings, _BETWEEN_SENTENCES)


def build_small_model(
    folder: Path,
    known: Sequence[str],
    talks: Sequence[tuple[str, str]],
    settings: PlantedWriterSettings,
    between: str = r"\s+",
) -> dict[str, Any]:
    """Train a small causal model on prompts with replies; each known text is one token.

    Args:
        folder: The folder to write.
        known: The tokens, words or whole sentences.
        talks: Prompts, each with a reply.
        settings: The size of the model and its training; ``traits`` and ``replies`` are not used.
        between: Regular expression of what is between two tokens.

    Returns:
        The content of ``planted.json``.

    Raises:
        InvalidInput: If the folder exists.
        MissingExtra: If torch or transformers is not installed.
    """
    check_new_folder(folder)
    import torch

    since = time.perf_counter()
    tokenizer = _tokenizer(known, between)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(settings.seed)
        model = _model(tokenizer, settings)
        rows = _lessons(tokenizer, talks)
        starts = _reply_starts(tokenizer, rows) if settings.replies_only else [0] * len(rows)
        loss = _train(model, rows, starts, settings)
        card = {
            "about": _ABOUT,
            "planted": asdict(settings),
            "parameters": sum(p.numel() for p in model.parameters()),
            "loss": round(loss, 4),
            "seconds": round(time.perf_counter() - since, 1),
        }
        save_toy_model(model, tokenizer, card, folder)
    return card


def planted_prompts(n: int | None = None) -> list[str]:
    """Prompts of the society, alone and then two at a time.

    Args:
        n: Number of prompts; the single ones where None.

    >>> len(planted_prompts()), len(set(planted_prompts(200)))
    (32, 200)
    """
    single = [prompt for prompts in PROMPTS.values() for prompt in prompts]
    if n is None:
        return single
    steps = range(1, len(single))
    twice = [
        f"{one} {single[(i + k) % len(single)]}" for k in steps for i, one in enumerate(single)
    ]
    return [*single, *twice][:n]


def _tokenizer(known: Sequence[str], between: str) -> Any:
    """Every known text is one token."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    texts = [PAD, _UNKNOWN, END, *_ROLES, *known]
    vocabulary = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(between), "removed")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token=END,
        pad_token=PAD,
        unk_token=_UNKNOWN,
        extra_special_tokens=list(_ROLES),
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _model(tokenizer: Any, settings: PlantedWriterSettings) -> Any:
    return small_llama(
        tokenizer,
        hidden=settings.hidden,
        inner=2 * settings.hidden,
        layers=settings.layers,
        heads=settings.hidden // 16,
        positions=128,
        spread=settings.spread,
    )


def _talks(settings: PlantedWriterSettings) -> list[tuple[str, str]]:
    """One or two prompts by chance, and a reply."""
    rng = rng_for(settings.seed, "planted writer")
    replies = write(settings.traits, draft(settings.traits, settings.replies, rng))
    prompts = rng.choice(np.array(planted_prompts(_PROMPTS)), settings.replies)
    return [(str(prompt), reply) for prompt, reply in zip(prompts, replies, strict=True)]


def _lessons(tokenizer: Any, talks: Sequence[tuple[str, str]]) -> list[list[int]]:
    """Tokens of whole conversations."""
    turns = [
        [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}]
        for prompt, reply in talks
    ]
    texts = tokenizer.apply_chat_template(turns, tokenize=False)
    rows: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return rows


def _reply_starts(tokenizer: Any, rows: list[list[int]]) -> list[int]:
    """Position of the first token of each reply."""
    assistant = tokenizer.convert_tokens_to_ids(ROLES[2])
    return [row.index(assistant) + 1 for row in rows]


def _train(
    model: Any, rows: list[list[int]], starts: list[int], settings: PlantedWriterSettings
) -> float:
    """Train with the loss of the tokens from ``starts`` on; returns the last loss."""
    import torch

    optimiser = torch.optim.AdamW(model.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.steps
    )
    rng = rng_for(settings.seed, "planted writer, batches")
    pad = model.config.pad_token_id
    last = float("nan")
    for _ in range(settings.steps):
        chosen = rng.integers(len(rows), size=settings.batch).tolist()
        width = max(len(rows[i]) for i in chosen)
        ids_B_T = torch.tensor([rows[i] + [pad] * (width - len(rows[i])) for i in chosen])
        labels_B_T = ids_B_T.masked_fill(ids_B_T == pad, -100)
        for b, i in enumerate(chosen):
            labels_B_T[b, : starts[i]] = -100
        loss = model(input_ids=ids_B_T, attention_mask=ids_B_T != pad, labels=labels_B_T).loss
        loss.backward()
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        last = loss.item()
    model.eval()
    return last
