"""Prompts that a policy answers, and the answers that were sampled for them."""

from dataclasses import dataclass

from pluralign.core.asking import Conversation
from pluralign.core.digests import text_digest
from pluralign.core.pairs import Message, Prompt


@dataclass(frozen=True, slots=True)
class PolicyPrompt:
    """A prompt for language models.

    Attributes:
        id: Unique in its file.
        prompt: Text, or the turns so far, which end with the user's.
        community: Id of the community that it comes from; None where that is not known.
        language: BCP 47 tag, if known.
    """

    id: str
    prompt: Prompt
    community: str | None = None
    language: str | None = None

    @property
    def conversation(self) -> Conversation:
        """The turns that a model continues.

        >>> PolicyPrompt("p1", "Tea?").conversation
        (Message(role='user', content='Tea?'),)
        """
        return (Message("user", self.prompt),) if isinstance(self.prompt, str) else self.prompt

    @property
    def digest(self) -> str:
        """SHA-256 of the words: the same prompt in another file has the same."""
        return text_digest("\x1f".join(f"{m.role}\x1e{m.content}" for m in self.conversation))


@dataclass(frozen=True, slots=True)
class CandidateAnswer:
    """One of several answers to a prompt.

    Attributes:
        prompt: Id of the prompt.
        number: Its number among the answers to the prompt, from 0.
        text: The answer.
        cut: Whether the limit of tokens ended it.
    """

    prompt: str
    number: int
    text: str
    cut: bool = False
