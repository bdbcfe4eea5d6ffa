"""Build a small language model of a planted society: tokenizer, chat template and weights."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import Reporter, Silent, rng_for
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
from pluralign.pluralising.planted.lessons import (
    AnswerLesson,
    WritingLesson,
    answer_lessons,
    writing_lessons,
)
from pluralign.settings.planted_model import PlantedModelSettings

# Digits, line ends, quotes and separators of sentences are tokens of their own, so that a whole
# sentence may be one token.
_PIECES = r"""\d|\n|"|(?<=\d)\. |(?<=\?) |\{"question": |, "options": \[|\]\}"""
_ABOUT = (
    "A toy: it knows nobody but the simulated people of a planted society, and is for trying "
    "methods out only."
)


def build_planted_model(
    folder: Path, settings: PlantedModelSettings | None = None, reporter: Reporter | None = None
) -> dict[str, Any]:
    """Train a small causal model on a planted society; the folder appears whole or not at all.

    It answers the society's questions, and writes new ones. Without a named community it answers as
    its default culture; with one, as a mixture of its default culture and the community's people.
    It is a model of simulated people only.

    Args:
        folder: The folder to write: a Hugging Face folder, with the planted values in
            ``planted.json``.
        settings: The planted values, and the size of the model.
        reporter: Receives the progress.

    Returns:
        The content of ``planted.json``.

    Raises:
        InvalidInput: If the folder exists.
        MissingExtra: If torch or transformers is not installed.
    """
    settings, reporter = settings or PlantedModelSettings(), reporter or Silent()
    check_new_folder(folder)
    import torch

    since = time.perf_counter()
    reporter.stage("drawing lessons")
    answers, writing = answer_lessons(settings), writing_lessons(settings)
    tokenizer = _tokenizer(answers, writing, settings)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(settings.seed)
        model = _model(tokenizer, settings)
        reporter.stage("training the planted model")
        asked, written = _AnswerRows(tokenizer, answers), _WritingRows(tokenizer, writing)
        losses = _train(model, asked, written, settings, reporter)
    card = {
        "about": _ABOUT,
        "planted": asdict(settings),
        "answers learned": len(answers),
        "questions learned to write": len(writing),
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens": len(tokenizer),
        "losses": losses,
        "seconds": round(time.perf_counter() - since, 1),
    }
    save_toy_model(model, tokenizer, card, folder)
    return card


def _tokenizer(
    answers: Sequence[AnswerLesson],
    writing: Sequence[WritingLesson],
    settings: PlantedModelSettings,
) -> Any:
    """Byte-level BPE whose merges may span words, so that a sentence is one or two tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    some: list[AnswerLesson | WritingLesson] = [*answers[::7], *writing[::7]]
    texts: list[str] = []
    for lesson in some:
        texts += [message.content for message in _words(lesson)]
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocabulary,
        min_frequency=2,
        special_tokens=[PAD, END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=END, pad_token=PAD, extra_special_tokens=list(ROLES)
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _words(lesson: AnswerLesson | WritingLesson) -> Sequence[Any]:
    return lesson.ask.conversation if isinstance(lesson, AnswerLesson) else lesson.conversation


def _model(tokenizer: Any, settings: PlantedModelSettings) -> Any:
    return small_llama(
        tokenizer,
        hidden=settings.hidden,
        inner=3 * settings.hidden,
        layers=settings.layers,
        heads=settings.hidden // 32,
        positions=1024,
    )


class _AnswerRows:
    """Asks as tokens, with the probabilities of the labels, after which the turn ends."""

    def __init__(self, tokenizer: Any, lessons: Sequence[AnswerLesson]) -> None:
        self.pad, self.end = tokenizer.pad_token_id, tokenizer.eos_token_id
        texts = [_prompt(tokenizer, lesson) for lesson in lessons]
        self.ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
        self.labels = [
            tokenizer.convert_tokens_to_ids(list(lesson.ask.labels)) for lesson in lessons
        ]
        self.chances = [lesson.probs_O[list(lesson.ask.order)] for lesson in lessons]
        self.lengths = [len(row) + 1 for row in self.ids]

    def loss(self, model: Any, rows: Sequence[int], rng: np.random.Generator) -> Any:
        """Cross-entropy with the planted probabilities, and of the end of the turn."""
        import torch

        drawn = [self.labels[i][rng.choice(len(self.labels[i]), p=self.chances[i])] for i in rows]
        ids, mask = _padded(
            [[*self.ids[i], label] for i, label in zip(rows, drawn, strict=True)], self.pad
        )
        logits = model(input_ids=ids, attention_mask=mask, logits_to_keep=2).logits.float()
        log_answer = torch.log_softmax(logits[:, 0], dim=-1)
        wanted = torch.zeros_like(log_answer)
        for k, i in enumerate(rows):
            wanted[k, self.labels[i]] = torch.tensor(self.chances[i], dtype=wanted.dtype)
        ends = torch.full((len(rows),), self.end)
        return -(wanted * log_answer).sum(dim=-1).mean() + torch.nn.functional.cross_entropy(
            logits[:, 1], ends
        )


class _WritingRows:
    """Requests as tokens, with the question to write."""

    def __init__(self, tokenizer: Any, lessons: Sequence[WritingLesson]) -> None:
        self.pad = tokenizer.pad_token_id
        requests = [_prompt(tokenizer, lesson) for lesson in lessons]
        questions = [lesson.answer + END for lesson in lessons]
        prompts = tokenizer(requests, add_special_tokens=False)["input_ids"]
        answers = tokenizer(questions, add_special_tokens=False)["input_ids"]
        self.ids = [[*p, *a] for p, a in zip(prompts, answers, strict=True)]
        self.written = [len(a) for a in answers]
        self.lengths = [len(row) for row in self.ids]

    def loss(self, model: Any, rows: Sequence[int], rng: np.random.Generator) -> Any:
        """Cross-entropy of the question's tokens."""
        import torch

        del rng
        ids, mask = _padded([self.ids[i] for i in rows], self.pad)
        longest = max(self.written[i] for i in rows)
        out = model(input_ids=ids, attention_mask=mask, logits_to_keep=longest + 1)
        logits = out.logits[:, :-1].float()
        wanted = ids[:, -longest:].clone()
        for k, i in enumerate(rows):
            wanted[k, : longest - self.written[i]] = -100
        return torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), wanted.reshape(-1)
        )


def _train(
    model: Any,
    answers: _AnswerRows,
    writing: _WritingRows,
    settings: PlantedModelSettings,
    reporter: Reporter,
) -> dict[str, float]:
    """Train on answers and questions in every step, with a warm-up and then a cosine schedule."""
    import torch

    optimiser = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, betas=(0.9, 0.95), weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: _rate(step, settings.steps)
    )
    rng = rng_for(settings.seed, "planted training")
    asked = _batches(answers.lengths, settings.batch, rng)
    written = _batches(writing.lengths, max(1, settings.batch // 4), rng)
    losses: dict[str, float] = {}
    model.train()
    for step in range(settings.steps):
        answering = answers.loss(model, next(asked), rng)
        questioning = writing.loss(model, next(written), rng)
        (answering + questioning).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        losses = {
            "answering": round(answering.item(), 4),
            "writing": round(questioning.item(), 4),
        }
        reporter.progress(step + 1, settings.steps)
    model.eval()
    return losses


def _rate(step: int, steps: int) -> float:
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _batches(lengths: Sequence[int], size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """An unbounded stream of batches of rows with similar lengths, in random order."""
    while True:
        noisy = np.asarray(lengths) + rng.random(len(lengths))
        order = np.argsort(noisy)
        groups = [order[i : i + size].tolist() for i in range(0, len(order), size)]
        for k in rng.permutation(len(groups)):
            yield groups[k]


def _prompt(tokenizer: Any, lesson: AnswerLesson | WritingLesson) -> str:
    turns = [{"role": m.role, "content": m.content} for m in _words(lesson)]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _padded(rows: Sequence[list[int]], pad: int) -> tuple[Any, Any]:
    """Token rows padded on the left, as for a model that generates."""
    from pluralign.respondents.local.generation import left_padded

    return left_padded(rows, pad, "cpu")
