"""Find the communities of a data set's labels."""

from functools import lru_cache

from pluralign.core import community_hint, is_missing, resolve_community, tidy
from pluralign.sources.typed_cells import BadRow

_WRITE = "write MEX, MEX/oaxaca or ~yoruba, or ~world where people belong to no single community"


@lru_cache(maxsize=4096)
def community_id(label: str) -> str | None:
    """Id of the community that a label names, or None.

    >>> community_id("Britain")
    'GBR'
    """
    found = resolve_community(label)
    return found.id if found else None


def required_community(label: str) -> str:
    """Id of the community that a label names.

    Raises:
        BadRow: If it names none; the hint names similar ones.
    """
    found = community_id(label)
    if found is None:
        hint = community_hint(label, _country_codes()) or _WRITE
        what = (
            f"{label!r} marks a missing community"
            if is_missing(label)
            else f"no community is known as {label!r}"
        )
        raise BadRow(what, reason=f"unresolved label: {shown(label)}", hint=hint)
    return found


def shown(label: str) -> str:
    """A label that names no community, as a reason shows it, with a note on "NA".

    >>> shown("Atlantis"), shown("NA"), shown(" ")
    ('Atlantis', 'NA (missing, or Namibia? write NAM)', 'not stated')
    """
    text = tidy(label)
    if text.casefold() == "na":
        return f"{text} (missing, or Namibia? write NAM)"
    return text[:60] or "not stated"


@lru_cache(maxsize=64)
def language_tag(label: str) -> str | None:
    """BCP 47 tag of a language given by its code or English name, or None.

    A code comes before a name: ``ha`` is Hausa, though another language is named Ha.

    >>> language_tag("Portuguese"), language_tag("ha")
    ('pt', 'ha')
    """
    import pycountry

    code = label.strip().lower()
    found = pycountry.languages.get(alpha_2=code) or pycountry.languages.get(alpha_3=code)
    if found is None:
        try:
            found = pycountry.languages.lookup(label)
        except LookupError:
            return None
    return str(getattr(found, "alpha_2", found.alpha_3))


def _country_codes() -> list[str]:
    import pycountry

    return [entry.alpha_3 for entry in pycountry.countries]
