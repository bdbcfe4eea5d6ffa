"""Whether a licence allows works that are derived from a data set, as far as its name shows."""

import re
from typing import Literal

Derived = Literal["allowed", "under the same licence", "forbidden", "not known"]
_STRICTEST_FIRST: tuple[Derived, ...] = (
    "forbidden", "not known", "under the same licence", "allowed",
)  # fmt: skip

_FORBIDDEN = re.compile(r"\bnd\b|no[\s-]?deriv|no derived|not be (adapted|modified|translated)")
_SAME = re.compile(r"\bcc\b.*\bsa\b|share[\s-]?alike|\bodbl\b")
_ALLOWED = re.compile(
    r"\bcc0\b|public domain|\bcc[\s-]by\b|creative commons attribution|apache|\bbsd\b|\bpddl\b|"
    r"\bodc-by\b|\bunlicense\b|^(the )?mit( licen[sc]e)?$"
)


def derived_works(license_: str | None) -> Derived:
    """Whether a licence allows works that are derived from a data set, such as translations.

    It knows Creative Commons, the Open Data Commons and common software licences by their names; a
    text with its own words is only searched for "no derivatives". It is no legal advice.

    Args:
        license_: Name of the licence, or names with semicolons between them, of which the strictest
            counts; None where it is not stated.

    >>> [derived_works(name) for name in ("CC-BY-4.0", "cc-by-nc-sa-4.0", "CC BY-ND 4.0", None)]
    ['allowed', 'under the same licence', 'forbidden', 'not known']
    >>> derived_works("CC-BY-4.0; our own terms")
    'not known'
    """
    found = {_derived_works(text.strip().lower()) for text in (license_ or "").split(";")}
    return next(terms for terms in _STRICTEST_FIRST if terms in found)


def _derived_works(text: str) -> Derived:
    if _FORBIDDEN.search(text):
        return "forbidden"
    if _SAME.search(text):
        return "under the same licence"
    return "allowed" if _ALLOWED.search(text) else "not known"


def shown_license(license_: str | None) -> str:
    """A licence, and whether it allows tests that are derived from a test.

    >>> shown_license("CC-BY-ND-4.0"), shown_license(None)
    ('CC-BY-ND-4.0 (derived tests: forbidden)', 'not stated')
    """
    if license_ is None:
        return "not stated"
    return f"{license_} (derived tests: {derived_works(license_)})"
