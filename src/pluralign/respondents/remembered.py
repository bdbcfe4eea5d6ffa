"""A language model whose replies are kept in a file, so that none is asked for twice."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from pluralign.core import ChatModel, Conversation, Reply, Sampling, text_digest
from pluralign.respondents.append import GrowingFile


class RememberedChat:
    """Continues conversations, and keeps every reply on disk as soon as it arrives.

    Replies to the same words under the same sampling are taken from the file. Failed requests are
    sent again.

    Args:
        inner: The model.
        path: The file; that of another model is refused.

    Raises:
        OtherWork: If the file has replies of another model.
    """

    def __init__(self, inner: ChatModel, path: Path) -> None:
        self.inner = inner
        self._file = GrowingFile(path, text_digest(inner.fingerprint))
        self._known = {
            str(row["key"]): Reply(str(row["text"]), finish_reason=str(row["finish_reason"]))
            for row in self._file.rows()
        }

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.inner.name

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the model."""
        return self.inner.fingerprint

    def complete(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        heard: Callable[[int, Reply], None] | None = None,
    ) -> list[Reply]:
        """Continue each conversation; see `pluralign.core.ChatModel`."""
        keys = [_key(turns, sampling) for turns in conversations]
        new = {keys[k]: k for k in reversed(range(len(keys))) if keys[k] not in self._known}
        asked = sorted(new.values())
        failed: dict[str, Reply] = {}

        def keep(k: int, reply: Reply) -> None:
            key = keys[asked[k]]
            if reply.failure is not None:
                failed[key] = reply
                return
            self._known[key] = reply
            row = {"key": key, "text": reply.text, "finish_reason": reply.finish_reason}
            self._file.add(row)

        if asked:
            self.inner.complete([conversations[k] for k in asked], sampling, keep)
        replies = [self._known.get(key) or failed[key] for key in keys]
        if heard is not None:
            for k, reply in enumerate(replies):
                heard(k, reply)
        return replies

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _key(turns: Conversation, sampling: Sampling) -> str:
    words = [(turn.role, turn.content) for turn in turns]
    return text_digest(repr((words, sorted(asdict(sampling).items()))))
