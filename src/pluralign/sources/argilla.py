"""Comparisons of two responses made in Argilla, as it exports them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from pluralign.sources.foreign import ForeignPairs, preferred
from pluralign.sources.typed_cells import BadRow, Row, UnusableRow, optional_id, require_columns

_SUBMITTED = "submitted"


@dataclass(frozen=True)
class ArgillaPairs(ForeignPairs):
    """Records with a prompt, two responses, and a question about which response is better.

    The question is a label whose values name the two fields, or a ranking of them. Every submitted
    response is one answer, its user the rater; drafts and discarded ones are dropped and counted.
    Layouts: records of Argilla 2 as JSON (``fields``, ``responses``) and flattened
    (``preference.responses``, ``.users``, ``.status``), and of Argilla 1 (a column ``preference``
    with ``user_id``, ``value``, ``status``), as its documentation and published data sets have
    them.

    Attributes:
        prompt: Field of the prompt.
        first: Field of one response.
        second: Field of the other.
        question: Name of the question.
        first_label: Value of the question that prefers the first response; the field's name where
            not given.
        second_label: Value that prefers the second response; the field's name where not given.
    """

    name: ClassVar[str] = "argilla"
    about: ClassVar[str] = (
        "comparisons of two responses exported from Argilla: a label or a ranking"
    )

    prompt: str = "prompt"
    first: str = "response1"
    second: str = "response2"
    question: str = "preference"
    first_label: str | None = None
    second_label: str | None = None

    def _converted(self, row: Row) -> Iterable[Row | UnusableRow]:
        fields = row.get("fields")
        texts = fields if isinstance(fields, Mapping) else row
        require_columns(texts, (self.prompt, self.first, self.second))
        for value, user, status in self._responses(row):
            try:
                yield self._answer(texts, value, user, status)
            except UnusableRow as reason:
                yield reason

    def _answer(self, texts: Row, value: object, user: object, status: object) -> Row:
        if status not in (None, _SUBMITTED):
            raise UnusableRow(f"response that is not submitted: {status!s:.20}")
        sides = preferred(texts[self.first], texts[self.second], self._side(value))
        return {
            "prompt": texts[self.prompt],
            **sides,
            "rater": optional_id({"rater": user}, "rater"),
        }

    def _side(self, value: object) -> str:
        """``a`` or ``b``, or the value itself where it prefers neither."""
        if isinstance(value, list):
            value = _first_ranked(value, {self.first, self.second})
        named = {self.first_label or self.first: "a", self.second_label or self.second: "b"}
        return named.get(str(value), str(value if value is not None else ""))

    def _responses(self, row: Row) -> Iterator[tuple[object, object, object]]:
        """Value, user and status of each response to the question."""
        flat = row.get(f"{self.question}.responses")
        if isinstance(flat, list):
            users = row.get(f"{self.question}.responses.users")
            statuses = row.get(f"{self.question}.responses.status")
            yield from _aligned(flat, _list(users, len(flat)), _list(statuses, len(flat)))
            return
        found = row.get("responses", row.get(self.question))
        if isinstance(found, Mapping) and self.question in found:
            found = found[self.question]
        if isinstance(found, Mapping):  # columns: a list for each of user_id, value, status
            values = _list(found.get("value"), 0)
            users, statuses = found.get("user_id"), found.get("status")
            yield from _aligned(values, _list(users, len(values)), _list(statuses, len(values)))
            return
        if not isinstance(found, list):
            raise BadRow(
                f"no responses to {self.question!r}",
                reason="no responses",
                hint="name the question",
            )
        for response in found:
            yield from _of_object(response, self.question)


def _of_object(response: object, question: str) -> Iterator[tuple[object, object, object]]:
    if not isinstance(response, Mapping):
        raise BadRow("a response must be an object", reason="response is not an object")
    values = response.get("values")
    value = values.get(question) if isinstance(values, Mapping) else response.get("value")
    value = value.get("value") if isinstance(value, Mapping) else value
    yield value, response.get("user_id"), response.get("status")


def _first_ranked(ranking: list[object], names: set[str]) -> str:
    """The response ranked first, or "tie"; a ranking lists names, or objects with ranks."""
    others = "ranking of other responses"
    objects = [item for item in ranking if isinstance(item, Mapping)]
    if len(objects) < len(ranking):
        return str(ranking[0]) if {str(item) for item in ranking} == names else others
    ranks = {str(item["value"]): item.get("rank") for item in objects if "value" in item}
    if set(ranks) != names or not all(isinstance(rank, int) for rank in ranks.values()):
        return others
    best = min(ranks, key=lambda name: ranks[name] or 0)
    return "tie" if len(set(ranks.values())) == 1 else best


def _aligned(
    values: list[object], users: list[object], statuses: list[object]
) -> Iterator[tuple[object, object, object]]:
    if not len(values) == len(users) == len(statuses):
        raise BadRow(
            "responses, users and statuses must be equal in number, got "
            f"{len(values)}, {len(users)} and {len(statuses)}",
            reason="responses, users and statuses differ in number",
        )
    yield from zip(values, users, statuses, strict=True)


def _list(value: object, length: int) -> list[object]:
    """A column of a response; empty cells where there is none."""
    if isinstance(value, list):
        return value
    return [None] * length
