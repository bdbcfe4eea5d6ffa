"""Several sources of knowledge questions as one, and some communities of a source."""

from collections.abc import Iterator
from dataclasses import dataclass

from pluralign.core import NotEnoughData
from pluralign.sources.knowledge_reading import KnowledgeSource, PlacedQuestion
from pluralign.sources.row_files import RowPolicy


@dataclass(frozen=True, slots=True)
class JoinedKnowledge:
    """The questions of several sources as one test.

    Questions of different communities with the same id are the same question.

    Attributes:
        sources: The sources, one or more.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
    """

    sources: tuple[KnowledgeSource, ...]
    skip_bad: bool = False

    @property
    def name(self) -> str:
        """The names of the sources, each once."""
        return ", ".join(dict.fromkeys(source.name for source in self.sources))

    @property
    def license(self) -> str | None:
        """The licences that sources state, each once; None where none states one."""
        stated = (source.license for source in self.sources if source.license)
        return ", ".join(dict.fromkeys(stated)) or None

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """Stream the questions of one source after the other.

        Raises:
            InvalidInput: If a question cannot be read.
            NotEnoughData: If a source has no question that can be read.
        """
        for source in self.sources:
            found = False
            for placed in source.questions(policy):
                found = True
                yield placed
            if not found:
                raise NotEnoughData(
                    "no questions are left", where=source.name, hint=policy.tally.why() or None
                )


@dataclass(frozen=True, slots=True)
class OfCommunities:
    """The questions of some communities of a source; others are dropped and counted.

    Attributes:
        inner: The source.
        communities: Ids of the communities.
    """

    inner: KnowledgeSource
    communities: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.inner.name

    @property
    def license(self) -> str | None:
        """Licence of the source; None where not stated."""
        return self.inner.license

    @property
    def skip_bad(self) -> bool:
        """Whether the source drops and counts rows that cannot be read."""
        return self.inner.skip_bad

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """Stream the questions of these communities.

        Raises:
            InvalidInput: If a question cannot be read, also one of another community.
        """
        for placed in self.inner.questions(policy):
            if placed.question.community in self.communities:
                yield placed
            else:
                policy.tally.kept -= 1
                policy.tally.drop(f"question of another community: {placed.question.community}")
