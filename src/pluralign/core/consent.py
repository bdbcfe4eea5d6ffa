"""Whether the rater of a row consented to its use."""

import re
from collections.abc import Mapping

from pluralign.core.cells import is_missing, tidy

GIVEN_COLUMNS = ("consent", "consented", "consent_given", "consent_status")
WITHDRAWN_COLUMNS = ("withdrawn", "withdrawn_at", "withdrew", "consent_withdrawn", "opted_out")
CONSENT_COLUMNS = frozenset({*GIVEN_COLUMNS, *WITHDRAWN_COLUMNS})
"""Names, in lower case, of the columns that `consent_problem` reads."""

_REFUSED = re.compile(
    r"\b(no|not|n|false|f|never|don't|didn't|non|nein|refus\w*|declin\w*|den(y|ied)|disagree\w*"
    r"|withdrawn|withdrew|withheld|revoked|rescinded|rejected|objects|objected|opt(ed|s)?[ "
    r"-]?out|expired|deleted)\b"
    r"|(?<![\w.])0(\.0)?(?![\w.])|^withdraw$"
)
_GIVEN = re.compile(
    r"\b(yes|y|true|t|agree[ds]?|consent(s|ed|ing)?|given|gave|grant(s|ed)?|accept(s|ed)?|sign(s|ed)"
    r"|opt(ed|s)?[ -]?in|allow(s|ed)?|approved?|confirmed|obtained|ok|okay|si|sí|oui|ja|sim)\b"
    r"|(?<![\w.])1(\.0)?(?![\w.])"
)
_NOT_WITHDRAWN = re.compile(r"(no|n|false|f|never|0|0\.0|not .*|active)")
_REFUSES = re.compile(r"refus|declin|not (given|provided)|(prefer|rather) not")


def consents(value: object) -> bool | None:
    """Read the value of a column such as ``consent``.

    Args:
        value: ``True``, 1, "yes", "given" ...; ``False``, 0, "no", "refused", "withdrawn" ...

    Returns:
        Whether consent was given; None where the value is neither yes nor no.

    >>> [consents(value) for value in (True, "Yes, I consent", "I do not consent", 0, "form 7")]
    [True, True, False, False, None]
    """
    if isinstance(value, Mapping | list | tuple):
        return None
    words = _words(value)
    if _REFUSED.search(words):
        return False
    return True if _GIVEN.search(words) else None


def consent_problem(row: Mapping[str, object]) -> str | None:
    """Why a row must not be used; None where its rater consented or no column is about consent.

    A column ``consent`` (``consented``, ``consent_given``, ``consent_status``) must agree. A column
    ``withdrawn`` (``withdrawn_at``, ``withdrew``, ``consent_withdrawn``, ``opted_out``) must be
    empty or "no". The case of letters does not matter. An empty cell is not a refusal. A value
    that is neither yes nor no never counts as consent.

    >>> [consent_problem(row) for row in ({"consent": "withdrawn"}, {"consent": None}, {})]
    ['consent refused or withdrawn', None, None]
    """
    about = {name: str(name).casefold() for name in row}
    if CONSENT_COLUMNS.isdisjoint(about.values()):
        return None
    cells = {about[name]: value for name, value in row.items()}
    for name in GIVEN_COLUMNS:
        value = cells.get(name)
        if _is_unset(value):
            continue
        given = consents(value)
        if given is None:
            return f"consent is neither yes nor no: {str(value)[:40]}"
        if not given:
            return "consent refused or withdrawn"
    for name in WITHDRAWN_COLUMNS:
        value = cells.get(name)
        if not _is_unset(value) and not _NOT_WITHDRAWN.fullmatch(_words(value)):
            return "consent refused or withdrawn"
    return None


def _words(value: object) -> str:
    return tidy(str(value)).casefold().replace("_", " ").replace("’", "'")


def _is_unset(value: object) -> bool:
    """Whether a cell is empty.

    "Refused" and "not given" are marks of a missing value elsewhere, but refusals of consent here.
    """
    return is_missing(value) and not (isinstance(value, str) and _REFUSES.search(_words(value)))
