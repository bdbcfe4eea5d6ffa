"""Several answers in one call: negatively-correlated sampling (Community Alignment, 2507.09650)."""

from collections.abc import Callable, Sequence

from pluralign.aligning.work import AlignWork
from pluralign.asking import Malformed, ask_together, complete_text, read_marked
from pluralign.core import ChatModel, PolicyPrompt, Reply, Sampling

Keep = Callable[[PolicyPrompt, int, Reply], None]
"""Keeps the answer to a prompt with a number, or counts its failure."""
_LOT = 64
"""Prompts that are asked together."""


def sample_together(
    work: AlignWork, chat: ChatModel, known: set[tuple[str, int]], keep: Keep
) -> None:
    """Sample the answers that are missing, ``sample.in_one_call`` of them in each call.

    A reply with another number of answers is asked for again with the next seed, and nothing of it
    is kept. After the last try the answers of the prompt are failures.
    """
    config = work.settings.sample
    for first in range(0, config.n, config.in_one_call):
        numbers = range(first, first + config.in_one_call)
        for start in range(0, len(work.prompts), _LOT):
            lot = work.prompts[start : start + _LOT]
            missing = [p for p in lot if any((p.id, k) not in known for k in numbers)]
            if not missing:
                continue
            # The words of a model on this machine depend on the prompts of a batch, so the same
            # prompts are asked together again after a stop.
            asked = lot if hasattr(chat, "sample") else missing
            _ask_lot(work, chat, asked, numbers, _new_only(keep, known))


def _ask_lot(
    work: AlignWork, chat: ChatModel, prompts: Sequence[PolicyPrompt], numbers: range, keep: Keep
) -> None:
    """Ask some prompts until all have their answers, or were asked as often as is allowed."""
    config = work.settings.sample
    room = config.max_new_tokens * len(numbers)
    refused: dict[PolicyPrompt, str] = {}
    for attempt in range(config.tries):
        seed = work.settings.seed + numbers.start * config.tries + attempt
        sampling = Sampling(config.temperature, config.top_p, room, seed)
        refused = _ask_once(chat, prompts, sampling, numbers, keep)
        prompts = [prompt for prompt in prompts if prompt in refused]
        if not prompts:
            return
    for prompt, reason in refused.items():
        for number in numbers:
            keep(prompt, number, Reply("", failure=reason))


def _ask_once(
    chat: ChatModel,
    prompts: Sequence[PolicyPrompt],
    sampling: Sampling,
    numbers: range,
    keep: Keep,
) -> dict[PolicyPrompt, str]:
    """Ask each prompt once; return the prompts whose reply cannot be used, and why."""
    refused: dict[PolicyPrompt, str] = {}

    def heard(i: int, reply: Reply) -> None:
        try:
            texts = read_marked(complete_text(reply), len(numbers))
        except Malformed as error:
            refused[prompts[i]] = str(error)
            return
        for number, text in zip(numbers, texts, strict=True):
            keep(prompts[i], number, Reply(text))

    talks = [ask_together(prompt.conversation, len(numbers)) for prompt in prompts]
    chat.complete(talks, sampling, heard)
    return refused


def _new_only(keep: Keep, known: set[tuple[str, int]]) -> Keep:
    """Leaves answers alone that are there already."""

    def keep_new(prompt: PolicyPrompt, number: int, reply: Reply) -> None:
        if (prompt.id, number) not in known:
            keep(prompt, number, reply)

    return keep_new
