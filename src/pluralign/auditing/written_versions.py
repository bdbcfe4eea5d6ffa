"""Perturbed versions of sets that a language model writes: paraphrases and translations."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import babel

from pluralign.auditing.response_sets import ResponseSet, Version
from pluralign.core import ChatModel, InvalidInput, Message, Sampling, Tally, split_thought

_ASK: Mapping[str, str] = {
    "paraphrase": "Write the following text in other words with the same meaning, in the same "
    "language and about as long. Answer with the text only.\n\n{text}",
    "language": "Translate the following text into {language}. "
    "Answer with the text only.\n\n{text}",
}


def write_versions(
    sets: Sequence[ResponseSet],
    chat: ChatModel,
    kind: Literal["paraphrase", "language"],
    language: str | None = None,
    tally: Tally | None = None,
) -> list[ResponseSet]:
    """Let a language model write a version of each set that has none of a kind.

    A model may change the meaning: read the versions before an audit uses them.

    Args:
        sets: The sets.
        chat: The language model.
        kind: ``paraphrase``, or ``language`` for a translation.
        language: BCP 47 tag of the language to translate into.
        tally: Receives the sets whose texts the model did not write, by reason.

    Returns:
        The sets, with the versions that were written.

    Raises:
        InvalidInput: If a translation is asked for without a language.
    """
    if kind == "language" and language is None:
        raise InvalidInput("a translation needs a language", where="language", hint="such as es")
    tally = Tally() if tally is None else tally
    missing = [one for one in sets if kind not in {version.kind for version in one.versions}]
    texts = [[one.original.prompt, *one.original.responses] for one in missing]
    written = _written([text for own in texts for text in own], chat, kind, language)
    made: dict[str, Version] = {}
    for one, own in zip(missing, texts, strict=True):
        news = [written[text] for text in own]
        if any(new is None for new in news):
            tally.leave_out("sets with a text that the model did not write")
        elif news == own:
            tally.leave_out("sets whose texts the model left as they are")
        else:
            prompt, *responses = (str(new) for new in news)
            made[one.id] = replace(
                one.original, prompt=prompt, responses=tuple(responses), kind=kind
            )
    return [_with(one, made.get(one.id)) for one in sets]


def as_set_row(one: ResponseSet) -> dict[str, Any]:
    """A set as a row of a file that `read_sets` reads."""
    versions = [{"kind": version.kind} | _parts(version) for version in one.versions]
    return {"id": one.id} | _parts(one.original) | {"versions": versions}


def _parts(version: Version) -> dict[str, Any]:
    return {
        "community": version.community,
        "prompt": version.prompt,
        "chosen": version.responses[0],
        "rejected": list(version.responses[1:]),
    }


def _with(one: ResponseSet, version: Version | None) -> ResponseSet:
    return one if version is None else replace(one, versions=(*one.versions, version))


def _written(
    texts: Sequence[str], chat: ChatModel, kind: str, language: str | None
) -> dict[str, str | None]:
    """The new text for each different text; None where the model failed."""
    different = list(dict.fromkeys(texts))
    name = None if language is None else _language_name(language)
    talks = [(Message("user", _ASK[kind].format(text=text, language=name)),) for text in different]
    longest = max((len(text) for text in different), default=0)
    replies = chat.complete(talks, Sampling(0.0, 1.0, max_new_tokens=_tokens(longest)))
    found: dict[str, str | None] = {}
    for text, reply in zip(different, replies, strict=True):
        answer = split_thought(reply.text).answer if reply.failure is None else None
        found[text] = answer.strip() if answer and answer.strip() else None
    return found


def _language_name(tag: str) -> str:
    """English name of a language.

    >>> _language_name("pt-BR")
    'Portuguese (Brazil)'
    """
    try:
        locale = babel.Locale.parse(tag, sep="-")
    except (ValueError, babel.UnknownLocaleError) as error:
        raise InvalidInput(f"unknown language {tag!r}", hint="write a tag such as es") from error
    return str(locale.get_display_name("en"))


def _tokens(letters: int) -> int:
    """Most tokens of an answer: as many as letters, since some scripts have a token for each."""
    return max(64, letters)
