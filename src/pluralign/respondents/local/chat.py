"""A language model on this machine that continues conversations, many at once."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import Conversation, FloatArray, Message, Reply, Sampling
from pluralign.respondents.local.generation import answer_log_probs, end_tokens, generated
from pluralign.respondents.local.loading import LoadedModel, load

Heard = Callable[[int, Reply], None]
ReceiveDraw = Callable[[int, int, Reply], None]


class LocalChatModel:
    """A causal model with its tokenizer.

    Args:
        loaded: The model.
        batch_tokens: Most tokens of one batch, padding and new tokens included.
    """

    def __init__(self, loaded: LoadedModel, batch_tokens: int = 16384) -> None:
        self.loaded = loaded
        self.batch_tokens = batch_tokens
        self.notes = loaded.notes

    @property
    def name(self) -> str:
        """Name of the folder or of the model on the hub, with its adapter's."""
        return self.loaded.name

    @property
    def fingerprint(self) -> str:
        """Digest of weights, tokenizer, adapter and precision."""
        return self.loaded.fingerprint

    @property
    def longest(self) -> int:
        """Most tokens that the model can read, prompt and answer together."""
        config = self.loaded.model.config
        names = ("max_position_embeddings", "n_positions")
        limits = [getattr(config, name, None) for name in names]
        return min(filter(None, limits), default=1_000_000)

    def tokens(self, conversation: Conversation) -> list[int]:
        """Tokens of a conversation, up to the beginning of the model's turn.

        If a template does not accept a system turn, the first user turn begins with it.
        """
        tokenizer = self.loaded.tokenizer
        if not tokenizer.chat_template:
            return _ids(tokenizer(plain_text(conversation)))
        return _ids(tokenizer(self._written(conversation), add_special_tokens=False))

    def answer_tokens(self, conversation: Conversation, answer: str) -> list[int]:
        """Tokens of an answer after `tokens` of its conversation, with the end of the turn."""
        tokenizer = self.loaded.tokenizer
        ends = [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
        if not tokenizer.chat_template:
            return _ids(tokenizer(f" {answer}", add_special_tokens=False)) + ends
        before, whole = self._written(conversation), self._written(conversation, answer)
        if not whole.startswith(before):  # the template writes an answered turn in another way
            return _ids(tokenizer(answer, add_special_tokens=False)) + ends
        return _ids(tokenizer(whole[len(before) :], add_special_tokens=False))

    def _written(self, conversation: Conversation, answer: str | None = None) -> str:
        """A conversation as the template writes it, with an open turn or with an answer."""
        tokenizer = self.loaded.tokenizer
        last = (Message("assistant", answer),) if answer is not None else ()
        how = {"tokenize": False, "add_generation_prompt": answer is None}
        try:
            text = tokenizer.apply_chat_template(_turns((*conversation, *last)), **how)
        except Exception:  # a template may raise any error to refuse a system turn
            turns = _turns((*without_system(conversation), *last))
            text = tokenizer.apply_chat_template(turns, **how)
        return str(text)

    def complete(
        self, conversations: Sequence[Conversation], sampling: Sampling, heard: Heard | None = None
    ) -> list[Reply]:
        """Continue conversations; see `pluralign.core.ports.ChatModel`.

        With a temperature above 0 the words depend on the seed and on the conversations that share
        a batch.
        """

        def keep(i: int, _: int, reply: Reply) -> None:
            if heard is not None:
                heard(i, reply)

        return [only for (only,) in self.sample(conversations, sampling, 1, keep)]

    def sample(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        n: int,
        receive: ReceiveDraw | None = None,
    ) -> list[list[Reply]]:
        """Continue each conversation n times; the model reads each prompt once.

        Args:
            conversations: The conversations.
            sampling: How words are drawn; with a temperature of 0 all n are equal.
            n: Number of replies to each, >= 1.
            receive: Is called with the number of the conversation, the number of the reply, and the
                reply, as soon as it is there.

        Returns:
            The replies to each conversation, shape (len(conversations), n).
        """
        prompts = [self.tokens(conversation) for conversation in conversations]
        replies: list[list[Reply]] = [[] for _ in prompts]

        def keep(i: int, drawn: Sequence[Reply]) -> None:
            for reply in drawn:
                replies[i].append(reply)
                if receive is not None:
                    receive(i, len(replies[i]) - 1, reply)

        room = self.longest - sampling.max_new_tokens
        for i, prompt in enumerate(prompts):
            if len(prompt) > room:
                keep(i, [Reply("", failure=self._no_room(prompt, sampling))] * n)
        waiting = [i for i in range(len(prompts)) if not replies[i]]
        lengths = [n * (len(prompt) + sampling.max_new_tokens) for prompt in prompts]
        for batch in batches(waiting, lengths, self.batch_tokens):
            for i, drawn in self._generate(batch, prompts, sampling, n):
                keep(i, drawn)
        return replies

    def _no_room(self, prompt: Sequence[int], sampling: Sampling) -> str:
        """Why a prompt and the longest answer to it are too long together."""
        room = self.longest - sampling.max_new_tokens
        if room > 0:
            return f"the prompt must have at most {room} tokens for this model, got {len(prompt)}"
        return (
            f"max_new_tokens must be below {self.longest}, the tokens that this model reads, got "
            f"{sampling.max_new_tokens}"
        )

    def log_probs(
        self,
        conversations: Sequence[Conversation],
        answers: Sequence[str],
        *,
        cut: Sequence[bool] | None = None,
        temperature: float = 1.0,
    ) -> FloatArray:
        """Log-probability of each answer, in nats.

        Args:
            conversations: The conversations, N of them.
            answers: Their answers.
            cut: Whether each answer was cut by the limit of tokens: then the end of the turn is not
                a part of it. Default: none was.
            temperature: Temperature of the distribution, > 0.

        Returns:
            Sums over the tokens of each answer and of its end, shape (N,).
        """
        cut_N = [False] * len(answers) if cut is None else cut
        prompts = [self.tokens(conversation) for conversation in conversations]
        given = zip(conversations, answers, cut_N, strict=True)
        said = [self.sampled_tokens(*one) for one in given]
        lengths = [len(p) + len(a) for p, a in zip(prompts, said, strict=True)]
        found = np.zeros(len(prompts))
        for batch in batches(range(len(prompts)), lengths, self.batch_tokens):
            own = [prompts[i] for i in batch], [said[i] for i in batch]
            found[batch] = answer_log_probs(self.loaded, *own, temperature)
        return found

    def sampled_tokens(self, conversation: Conversation, answer: str, cut: bool) -> list[int]:
        """Tokens of an answer up to its end, where sampling stops; without the end if it was cut.

        A template may write more after the end, such as a new line, which is never sampled.
        """
        tokens, ends = self.answer_tokens(conversation, answer), end_tokens(self.loaded.model)
        at = next((i for i, token in enumerate(tokens) if token in ends), None)
        if at is None:
            return tokens
        return tokens[:at] if cut else tokens[: at + 1]

    def _generate(
        self, batch: Sequence[int], prompts: Sequence[list[int]], sampling: Sampling, n: int
    ) -> Iterator[tuple[int, list[Reply]]]:
        import torch

        try:
            replies = generated(self.loaded, [prompts[i] for i in batch], sampling, n)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            torch.cuda.empty_cache()
            for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                yield from self._generate(half, prompts, sampling, n)
            return
        for at, i in enumerate(batch):
            yield i, replies[at * n : (at + 1) * n]


def load_chat_model(name: str, *, batch_tokens: int = 16384, **how: Any) -> LocalChatModel:
    """Load a model that continues conversations.

    Args:
        name: A folder, a folder of an adapter, or ``owner/name`` on the hub.
        batch_tokens: Most tokens of one batch.
        how: ``revision``, ``adapter``, ``device``, ``precision``, ``attention``,
            ``trust_remote_code``.

    Raises:
        MissingExtra: If torch or transformers is not installed.
        InvalidInput: If there is no such model.
    """
    adapter = how.pop("adapter", None)
    return LocalChatModel(
        load(name, adapter=Path(adapter) if adapter else None, **how), batch_tokens
    )


def plain_text(conversation: Conversation) -> str:
    r"""Write a conversation as plain text, for a model without a chat template.

    >>> plain_text((Message("user", "Hello"),))
    'User: Hello\n\nAssistant:'
    """
    turns = [f"{m.role.capitalize()}: {m.content}" for m in conversation]
    return "\n\n".join([*turns, "Assistant:"])


def without_system(conversation: Conversation) -> Conversation:
    r"""Move the system turn of a conversation to the beginning of the first user turn.

    >>> without_system((Message("system", "Be kind."), Message("user", "Hello")))
    (Message(role='user', content='Be kind.\n\nHello'),)
    """
    system = "\n\n".join(m.content for m in conversation if m.role == "system")
    rest = [m for m in conversation if m.role != "system"]
    if not system or not rest:
        return tuple(rest)
    return (Message(rest[0].role, f"{system}\n\n{rest[0].content}"), *rest[1:])


def batches(indices: Sequence[int], lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Indices in batches of similar lengths, longest first, each of at most ``most`` tokens.

    The tokens of a batch include its padding.

    >>> list(batches([0, 1, 2], [5, 9, 8], most=18))
    [[1, 2], [0]]
    """
    batch: list[int] = []
    for i in sorted(indices, key=lambda i: (-lengths[i], i)):
        if batch and (len(batch) + 1) * lengths[batch[0]] > most:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _turns(conversation: Conversation) -> list[dict[str, str]]:
    return [{"role": m.role, "content": m.content} for m in conversation]


def _ids(encoded: Any) -> list[int]:
    return list(encoded["input_ids"])
