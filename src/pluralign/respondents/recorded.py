"""Wrappers that record every answer and every completion at once, and never ask for it again."""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import (
    Ask,
    ChatModel,
    Conversation,
    InvalidInput,
    Reply,
    Respondent,
    Sampling,
    answer_from_row,
    answer_row,
    record_answer,
    text_digest,
)
from pluralign.respondents.append import GrowingFile

Heard = Callable[[int, Reply], None]


@dataclass(frozen=True, slots=True)
class AnswerRows:
    """How answers are written as rows of a file, and read again.

    Attributes:
        written: Makes a row from the name of the respondent, an ask and its reply.
        read: Makes the reply from a row.
    """

    written: Callable[[str, Ask, Reply], Mapping[str, Any]]
    read: Callable[[Mapping[str, Any]], Reply]


def _survey_row(name: str, ask: Ask, reply: Reply) -> dict[str, Any]:
    return answer_row(record_answer(name, ask, reply))


def _survey_reply(row: Mapping[str, Any]) -> Reply:
    answer = answer_from_row(row, None)
    return Reply(
        answer.text, answer.probs_O, finish_reason=answer.finish_reason, not_sent=answer.not_sent
    )


SURVEY_ROWS = AnswerRows(_survey_row, _survey_reply)
"""Rows of recorded answers to surveys."""


def _own_key(ask: Ask) -> Hashable:
    return ask.key


class RecordedRespondent:
    """A respondent that records its answers in a file, and repeats them from it.

    An ask is identified by its `Ask.key`. A failed ask is not recorded, so a resumed run repeats
    it. Asks that are the same to the respondent are answered once; each has a row with the reply.

    Args:
        inner: The respondent that answers the asks that are not in the file.
        path: JSONL file.
        rows: How answers are written in it; by default as answers to surveys.
        same: A value that is equal for asks that share one reply; by default no two asks do.

    Raises:
        InvalidInput: If the file has other rows, or the answers of another respondent.
    """

    def __init__(
        self,
        inner: Respondent,
        path: Path,
        rows: AnswerRows = SURVEY_ROWS,
        same: Callable[[Ask], Hashable] = _own_key,
    ) -> None:
        self._inner = inner
        self._rows = rows
        self._same = same
        self._file = GrowingFile(path, inner.fingerprint)
        self._known: dict[tuple[str, ...], Reply] = {}
        for row in self._file.rows():
            if not isinstance(row.get("key"), list):
                raise InvalidInput(
                    "a line is not a recorded answer of a run",
                    where=str(path),
                    hint="name another folder",
                )
            self._known[tuple(row["key"])] = rows.read(row)

    @property
    def damaged(self) -> int:
        """Number of answers of the file that were damaged, and will be asked for again."""
        return self._file.damaged

    def known(self, asks: Sequence[Ask]) -> dict[tuple[str, ...], Reply]:
        """Key of each ask with a recorded answer -> the reply."""
        return {ask.key: self._known[ask.key] for ask in asks if ask.key in self._known}

    @property
    def name(self) -> str:
        """Name of the respondent."""
        return self._inner.name

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the respondent."""
        return self._inner.fingerprint

    def answer(self, asks: Sequence[Ask], heard: Heard | None = None) -> list[Reply]:
        """Answer from the file, and ask for the rest; see `pluralign.core.ports.Respondent`."""
        replies: dict[int, Reply] = {}

        def keep(i: int, reply: Reply) -> None:
            replies[i] = reply
            if reply.failure is None and asks[i].key not in self._known:
                row = self._rows.written(self.name, asks[i], reply)
                self._file.add({**row, "key": list(asks[i].key)})
                self._known[asks[i].key] = reply
            if heard is not None:
                heard(i, reply)

        missing: list[list[int]] = []
        for group in self._groups(asks):
            recorded = next((asks[i].key for i in group if asks[i].key in self._known), None)
            if recorded is None:
                missing.append(group)
                continue
            for i in group:
                keep(i, self._known.get(asks[i].key, self._known[recorded]))

        def keep_for_all(k: int, reply: Reply) -> None:
            for i in missing[k]:
                keep(i, reply)

        if missing:
            found = self._inner.answer([asks[group[0]] for group in missing], keep_for_all)
            for group, reply in zip(missing, found, strict=True):
                replies |= dict.fromkeys(group, reply)
        return [replies[i] for i in range(len(asks))]

    def _groups(self, asks: Sequence[Ask]) -> list[list[int]]:
        """Indices of asks that are the same to the respondent, in the order of the first."""
        groups: dict[Hashable, list[int]] = {}
        for i, ask in enumerate(asks):
            groups.setdefault(self._same(ask), []).append(i)
        return list(groups.values())


class KeptCompletions:
    """A language model that records its completions in a file, and repeats them from it.

    A completion is identified by its conversation and the sampling.

    Args:
        inner: The model.
        path: JSONL file.

    Raises:
        InvalidInput: If the file has the completions of another model.
    """

    def __init__(self, inner: ChatModel, path: Path) -> None:
        self._inner = inner
        self._file = GrowingFile(path, inner.fingerprint)
        self._known = {row["key"]: _completion(row) for row in self._file.rows()}

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._inner.name

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the model."""
        return self._inner.fingerprint

    def complete(
        self, conversations: Sequence[Conversation], sampling: Sampling, heard: Heard | None = None
    ) -> list[Reply]:
        """Continue from the file or with the model; see `pluralign.core.ports.ChatModel`."""
        keys = [_key(conversation, sampling) for conversation in conversations]
        replies = {i: self._known[key] for i, key in enumerate(keys) if key in self._known}
        if heard is not None:
            for i, reply in replies.items():
                heard(i, reply)
        missing = [i for i in range(len(keys)) if i not in replies]

        def keep(k: int, reply: Reply) -> None:
            if reply.failure is None:
                self._file.add({"key": keys[missing[k]], "text": reply.text} | _how(reply))
                self._known[keys[missing[k]]] = reply
            if heard is not None:
                heard(missing[k], reply)

        if missing:
            found = self._inner.complete([conversations[i] for i in missing], sampling, keep)
            replies |= dict(zip(missing, found, strict=True))
        return [replies[i] for i in range(len(keys))]


def _completion(row: dict[str, Any]) -> Reply:
    how = {
        "finish_reason": row.get("finish_reason", ""),
        "not_sent": tuple(row.get("not_sent", ())),
    }
    return Reply(row["text"], **how)


def _how(reply: Reply) -> dict[str, Any]:
    """Further columns of a completion, where they are not empty."""
    how = {"finish_reason": reply.finish_reason, "not_sent": list(reply.not_sent)}
    return {name: value for name, value in how.items() if value}


def _key(conversation: Conversation, sampling: Sampling) -> str:
    turns = [(m.role, m.content) for m in conversation]
    drawn = (sampling.temperature, sampling.top_p, sampling.max_new_tokens, sampling.seed)
    return text_digest(json.dumps([turns, drawn], ensure_ascii=False))
