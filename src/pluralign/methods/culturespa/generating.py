"""Let the model write survey questions, from a few examples (self-instruct, arXiv 2212.10560)."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pluralign.core import (
    ChatModel,
    Conversation,
    InvalidInput,
    Message,
    Reply,
    Sampling,
    SurveyQuestion,
    Tally,
    parse_json,
    rng_for,
)
from pluralign.methods.culturespa.config import GenerationConfig
from pluralign.methods.culturespa.filtering import filter_questions

_SYSTEM = "You write questions for surveys of people's values."
_OBJECT = re.compile(r"\{.*?\}", re.S)
_FRUITLESS = 5
_MOST_ROUNDS = 1_000_000

Example = tuple[str, tuple[str, ...]]
"""A question's wording and its options."""


def generation_prompt(topic: str, examples: Sequence[Example]) -> Conversation:
    """Ask for one more question like some examples.

    Args:
        topic: The topic of the new question.
        examples: Wordings and options.

    >>> prompt = generation_prompt("Work", [("Is work important?", ("Yes", "No"))])
    >>> print(prompt[-1].content.rpartition(" Answer")[0])
    Here are survey questions about Work, one JSON object a line:
    <BLANKLINE>
    {"question": "Is work important?", "options": ["Yes", "No"]}
    <BLANKLINE>
    Write one new question about Work that is unlike these.
    """
    shown = "\n".join(written_as(text, options) for text, options in examples)
    return (
        Message("system", _SYSTEM),
        Message(
            "user",
            f"Here are survey questions about {topic}, one JSON object a line:\n\n{shown}\n\n"
            f"Write one new question about {topic} that is unlike these. "
            "Answer with its JSON object and nothing else.",
        ),
    )


def written_as(text: str, options: Sequence[str]) -> str:
    """A question as the JSON object that prompts show and answers are to be."""
    return json.dumps({"question": text, "options": list(options)}, ensure_ascii=False)


def read_generated(text: str) -> dict[str, Any] | None:
    """The first JSON object of a text with a question and options; None where there is none.

    >>> read_generated('Sure! {"question": "Is work important?", "options": ["Yes", "No"]} Next:')
    {'question': 'Is work important?', 'options': ['Yes', 'No']}
    >>> read_generated('{"question": "Is work') is None
    True
    """
    for found in _OBJECT.findall(text):
        try:
            value = parse_json(found)
        except ValueError:
            continue
        if isinstance(value.get("question"), str) and isinstance(value.get("options"), list):
            return {"question": value["question"], "options": value["options"]}
    return None


def generate_questions(
    chat: ChatModel,
    seeds: Mapping[str, Sequence[SurveyQuestion]],
    config: GenerationConfig,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    tally: Tally | None = None,
) -> list[dict[str, Any]]:
    """Have a model write new questions for each topic.

    Every prompt shows questions of the survey and questions written before. In rounds: questions
    of one round may be shown in the next. The same model, seed and kept completions give the same
    questions again.

    Args:
        chat: The model.
        seeds: Topic -> questions of the survey.
        config: How.
        seed: Seed of examples and draws.
        progress: Is called with the questions written and wanted.
        tally: Where requests that failed and topics that stay short are counted.

    Returns:
        ``{"topic", "question", "options"}`` for every question that could be read, ``{"topic",
        "text"}`` for what could not, topic by topic, in the order written.

    Raises:
        InvalidInput: If a topic has no seed question.
    """
    tally = tally if tally is not None else Tally()
    shown = {topic: _examples(topic, questions, config, seed) for topic, questions in seeds.items()}
    rows: dict[str, list[dict[str, Any]]] = {topic: [] for topic in shown}
    fruitless = dict.fromkeys(shown, 0)
    for number in range(_MOST_ROUNDS):
        short = _short(rows, fruitless, config)
        if not short:
            break
        before = {topic: _written(own) for topic, own in short.items()}
        for topic, reply in _round(chat, shown, short, number, config, seed):
            _take(rows[topic], topic, reply, config.per_topic, tally)
        for topic in short:
            grew = _written(rows[topic]) > before[topic]
            fruitless[topic] = 0 if grew else fruitless[topic] + 1
        if progress is not None:
            progress(sum(map(_written, rows.values())), config.per_topic * len(rows))
    _note_missing(rows, config, tally)
    return [row for own in rows.values() for row in own]


def _note_missing(
    rows: Mapping[str, list[dict[str, Any]]], config: GenerationConfig, tally: Tally
) -> None:
    """Count the questions that a topic lacks in the end."""
    for topic, own in rows.items():
        missing = config.per_topic - _written(own)
        if missing > 0:
            tally.note(f"{topic}: {_FRUITLESS} rounds wrote no question that can be read", missing)


def _short(
    rows: Mapping[str, list[dict[str, Any]]], fruitless: Mapping[str, int], config: GenerationConfig
) -> dict[str, list[dict[str, Any]]]:
    """The topics that need more questions, and whose last rounds wrote some."""
    short = {}
    for topic, own in rows.items():
        if _written(own) < config.per_topic and fruitless[topic] < _FRUITLESS:
            short[topic] = own
    return short


def _round(
    chat: ChatModel,
    shown: Mapping[str, Sequence[Example]],
    rows: Mapping[str, list[dict[str, Any]]],
    number: int,
    config: GenerationConfig,
    seed: int,
) -> Iterator[tuple[str, Reply]]:
    """One round of prompts for the topics that are short, and what came back; no prompt twice."""
    prompts: dict[Conversation, str] = {}
    for topic in rows:
        own = [(q.text, q.options) for q in filter_questions(rows[topic], Tally())]
        rng = rng_for(seed, "questions", topic, str(number))
        for _ in range(min(config.round_size, config.per_topic - _written(rows[topic]))):
            examples = _draw(shown[topic], own, config, rng)
            # The same examples may be drawn twice, and the same prompt has one completion.
            prompts.setdefault(generation_prompt(topic, examples), topic)
    sampling = Sampling(config.temperature, config.top_p, config.max_new_tokens, seed + number)
    return zip(prompts.values(), chat.complete(list(prompts), sampling), strict=True)


def _draw(
    seeds: Sequence[Example],
    own: Sequence[Example],
    config: GenerationConfig,
    rng: np.random.Generator,
) -> list[Example]:
    """Examples of a prompt in random order."""
    few = min(config.own_examples, len(own))
    many = min(config.seed_examples + config.own_examples - few, len(seeds))
    drawn = [seeds[i] for i in rng.choice(len(seeds), many, replace=False)]
    drawn += [own[i] for i in rng.choice(len(own), few, replace=False)] if few else []
    return [drawn[i] for i in rng.permutation(len(drawn))]


def _take(rows: list[dict[str, Any]], topic: str, reply: Reply, wanted: int, tally: Tally) -> None:
    if reply.failure is not None:
        tally.drop("request failed: " + re.sub(r"\d+", "N", reply.failure))
        return
    found = read_generated(reply.text)
    if found is None:
        rows.append({"topic": topic, "text": reply.text})
    elif _written(rows) < wanted:
        rows.append({"topic": topic} | found)


def _written(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum("question" in row for row in rows)


def _examples(
    topic: str, questions: Sequence[SurveyQuestion], config: GenerationConfig, seed: int
) -> list[Example]:
    if not questions:
        raise InvalidInput(
            f"the topic {topic!r} has no question of the survey", hint="leave it out, or name some"
        )
    chosen = list(questions)
    if config.seeds_per_topic is not None and config.seeds_per_topic < len(chosen):
        drawn = rng_for(seed, "seeds", topic).choice(
            len(chosen), config.seeds_per_topic, replace=False
        )
        chosen = [chosen[i] for i in sorted(drawn)]
    return [(q.text, q.options) for q in chosen]
