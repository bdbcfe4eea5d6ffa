"""CoVal, OpenAI's collective alignment data set: people of many countries rank responses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from pluralign.core import Tally
from pluralign.sources.foreign import ForeignPairs
from pluralign.sources.row_files import RowPolicy, read_rows, refused_at
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    id_of,
    optional_id,
    optional_text,
    require_columns,
)

_COUNTRIES = ("country_of_residence", "country", "location")


@dataclass(frozen=True)
class CoValPairs(ForeignPairs):
    """``comparisons.jsonl``, and ``annotators.jsonl`` for the countries.

    A row has a ``prompt``, ``responses`` named by ``response_index``, and under
    ``metadata.assessments`` a ranking such as ``B>A=C>D`` by each annotator, by what is best for
    the annotator (``personal``) or for the world. Every assessment is one answer, and makes a pair
    of every two responses that do not tie. Layout: openai/collective-alignment-1, as public
    programs read it.

    Attributes:
        ranking: The ranking to read, ``personal`` or ``world``.
        annotators: ``annotators.jsonl``; without it all annotators belong to ``community``.
        country: Column with the country, in a row of ``annotators`` or in its ``demographics``; one
            of ``country_of_residence``, ``country`` and ``location`` where not given.
    """

    name: ClassVar[str] = "coval"
    about: ClassVar[str] = (
        "CoVal (OpenAI's collective alignment): rankings of responses by people of many countries"
    )

    ranking: Literal["personal", "world"] = "personal"
    annotators: Path | None = None
    country: str | None = None

    def _converted(self, row: Row) -> Iterable[Row | UnusableRow]:
        require_columns(row, ("prompt", "responses", "metadata"))
        prompt, metadata = row["prompt"], row["metadata"]
        texts = dict(_responses(row["responses"]))
        assessments = metadata.get("assessments") if isinstance(metadata, Mapping) else None
        if not isinstance(assessments, list):
            raise BadRow("metadata must have assessments", reason="no assessments")
        for assessment in assessments:
            try:
                yield {
                    "prompt": prompt.get("messages") if isinstance(prompt, Mapping) else prompt,
                    "responses": _ranked(_ranking(assessment, self.ranking), texts),
                    **self._rater(assessment),
                }
            except UnusableRow as reason:
                yield reason

    def _rater(self, assessment: Row) -> Row:
        """The rater and, where annotators are known, their country."""
        rater = optional_id(assessment, "annotator_id")
        if self.annotators is None:
            return {"rater": rater}
        country = self._countries.get(rater or "")
        if country is None:
            raise UnusableRow("annotator without a country")
        return {"rater": rater, "community": country}

    @cached_property
    def _countries(self) -> dict[str, str]:
        """Annotator -> country, for the annotators who state one."""
        found: dict[str, str] = {}
        if self.annotators is None:
            return found
        for number, row in read_rows(self.annotators, RowPolicy(Tally())):
            about = row.get("demographics")
            known = {**row, **(about if isinstance(about, Mapping) else {})}
            usual = [name for name in _COUNTRIES if name in known] or [_COUNTRIES[0]]
            column = self.country or usual[0]
            with refused_at(self.annotators, number):
                require_columns(known, (column,))
                if country := optional_text(known, column):
                    found[id_of(row, "annotator_id")] = country
        return found


def _responses(responses: object) -> Iterator[tuple[str, object]]:
    """Name of each response, and its text or its turns.

    Raises:
        BadRow: If a response is not an object.
        UnusableRow: If one has several turns: the pair would be about the last alone.
    """
    for response in responses if isinstance(responses, list) else ():
        if not isinstance(response, Mapping):
            raise BadRow("a response must be an object", reason="response is not an object")
        turns = response.get("messages")
        if isinstance(turns, list) and len(turns) > 1:
            raise UnusableRow("a response of several turns")
        last = turns[0] if isinstance(turns, list) and turns else None
        yield (
            str(response.get("response_index")),
            last.get("content") if isinstance(last, Mapping) else turns,
        )


def _ranking(assessment: object, kind: str) -> str:
    blocks = assessment.get("ranking_blocks") if isinstance(assessment, Mapping) else None
    block = blocks.get(kind) if isinstance(blocks, Mapping) else None
    first = block[0] if isinstance(block, list) and block else None
    ranking = first.get("ranking") if isinstance(first, Mapping) else None
    if not isinstance(ranking, str) or not ranking.strip():
        raise UnusableRow(f"no {kind} ranking")
    return ranking


def _ranked(ranking: str, texts: Mapping[str, object]) -> list[Row]:
    """The responses with their ranks: of ``B>A=C`` B is 1, and A and C are 2."""
    ranks: list[tuple[str, int]] = []
    for rank, tied in enumerate(ranking.split(">"), 1):
        ranks += [(name.strip(), rank) for name in tied.split("=")]
    if unknown := [name for name, _ in ranks if name not in texts]:
        raise UnusableRow(f"ranking of a response that is not there: {unknown[0][:20]}")
    if len(dict(ranks)) < len(ranks):
        raise UnusableRow("ranking that names a response twice")
    if len(ranks) < 2:
        raise UnusableRow("ranking of one response")
    return [{"text": texts[name], "rank": rank} for name, rank in ranks]
