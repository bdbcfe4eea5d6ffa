"""Sections that one script writes into a page of another: each between its own two markers."""

import re

from pluralign.core import InvalidInput

MADE = "## How it was made"


def ends(name: str) -> tuple[str, str]:
    """The two markers of a section."""
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"


def marked(name: str, text: str) -> str:
    r"""A section between its markers.

    >>> marked("tables", "Text.")
    '<!-- tables:begin -->\n\nText.\n\n<!-- tables:end -->'
    """
    begin, end = ends(name)
    return f"{begin}\n\n{text}\n\n{end}"


def kept(page: str, name: str) -> str | None:
    """A section of a page with its markers; None where the page does not have it."""
    begin, end = ends(name)
    return begin + page.partition(begin)[2].partition(end)[0] + end if begin in page else None


def inside(page: str, name: str) -> str | None:
    """The text between the markers of a section; None where the page does not have it."""
    found, (begin, end) = kept(page, name), ends(name)
    return found.removeprefix(begin).removesuffix(end).strip() if found else None


def placed(page: str, name: str, section: str) -> str:
    """The page with a section in its place: where it was, else before how the page was made."""
    begin, end = ends(name)
    if begin in page:
        before, _, rest = page.partition(begin)
        return before + section + rest.partition(end)[2]
    before, found, rest = page.partition(MADE)
    return f"{before}{section}\n\n{found}{rest}"


def replaced(page: str, name: str, text: str, where: str) -> str:
    """The page with other text between the two markers of a section.

    Raises:
        InvalidInput: If the markers are not there.
    """
    begin, end = ends(name)
    if begin not in page or end not in page:
        raise InvalidInput(f"{begin} and {end} are not both there", where=where)
    return re.sub(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n{text}\n{end}",
        page,
        flags=re.S,
    )
