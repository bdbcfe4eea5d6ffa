"""World Values Survey questions in CultureSPA's layout, and the codes of their options."""

from collections.abc import Collection
from pathlib import Path

from pluralign.core import InvalidInput, SurveyQuestion, Tally, cell_id, parse_json
from pluralign.sources.stems import shared_stems

NOT_VALUES: tuple[str, ...] = ("Q223", *(f"Q{n}" for n in range(260, 291)))
"""Party choice and the questions about the person: CultureSPA uses the other 259."""

NOMINAL: frozenset[str] = frozenset({"Q223"})
"""Questions whose options have no order: parties."""

ZERO_CODED: frozenset[str] = frozenset(
    f"Q{n}" for n in (*range(94, 106), 119, *range(122, 130), *range(241, 250))
)
"""Questions of WVS wave 7 whose option codes start at 0."""


def read_json(path: Path) -> object:
    """Read one JSON file.

    Raises:
        InvalidInput: If it is missing or not JSON in UTF-8.
    """
    try:
        return parse_json(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InvalidInput(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise InvalidInput(f"not JSON in UTF-8: {error}", where=str(path)) from error


def read_questions(
    path: Path, exclude: Collection[str], tally: Tally
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Read ``questions.json``: a list of ``{"Q_id", "question", "option_lst"}``.

    Args:
        path: The file.
        exclude: Ids to leave out.
        tally: The tally that counts questions read and left out.

    Returns:
        Id -> (text, options).

    Raises:
        InvalidInput: If the layout differs, or an id occurs twice.
    """
    items = read_json(path)
    if not isinstance(items, list):
        raise InvalidInput("must be a list of questions", where=str(path))
    questions: dict[str, tuple[str, tuple[str, ...]]] = {}
    for number, item in enumerate(items, start=1):
        id_, text, options = _read_question(item, f"{path}: question {number}")
        tally.read += 1
        if id_ in exclude:
            tally.drop("excluded question")
        elif len(options) < 2:
            tally.drop("fewer than two options")
        elif id_ in questions:
            raise InvalidInput(f"the id {id_!r} occurs twice", where=f"{path}: question {number}")
        else:
            questions[id_] = text, options
    return questions


def survey_questions(
    questions: dict[str, tuple[str, tuple[str, ...]]], first_codes: dict[str, int]
) -> dict[str, SurveyQuestion]:
    """Build questions whose codes count up from the first code of each.

    Options that are all numbers are on a scale; parties are not.
    """
    stems = shared_stems(text for text, _ in questions.values())
    built: dict[str, SurveyQuestion] = {}
    for id_, (text, options) in questions.items():
        codes = range(first_codes[id_], first_codes[id_] + len(options))
        built[id_] = SurveyQuestion(
            id=id_,
            text=text,
            options=options,
            codes=tuple(map(str, codes)),
            ordered=_ordered(id_, options),
            stem=stems[text],
        )
    return built


def first_code(id_: str, codes: Collection[int], n_options: int) -> int:
    """Code of a question's first option: 0 or 1.

    It is 0 where the code 0 occurs, or where it is 0 in WVS-7 and the code ``n_options`` does not
    occur.

    >>> first_code("Q1", {1, 2, 3, 4}, 4), first_code("Q94", {1, 2}, 3), first_code("X", {0, 2}, 3)
    (1, 0, 0)
    """
    if 0 in codes:
        return 0
    return 0 if id_ in ZERO_CODED and n_options not in codes else 1


def _ordered(id_: str, options: tuple[str, ...]) -> bool | None:
    if id_ in NOMINAL:
        return False
    return True if all(option.isdigit() for option in options) else None


def _read_question(item: object, where: str) -> tuple[str, str, tuple[str, ...]]:
    fields = item if isinstance(item, dict) else {}
    try:
        id_ = cell_id(fields.get("Q_id"))
    except InvalidInput as error:
        raise InvalidInput(f"Q_id: {error.what}", where=where, hint=error.hint) from error
    text, options = fields.get("question"), fields.get("option_lst")
    if id_ is None or not isinstance(text, str) or not isinstance(options, list):
        raise InvalidInput(
            'must be {"Q_id": text, "question": text, "option_lst": [texts]}', where=where
        )
    return id_, text, tuple(str(option) for option in options)
