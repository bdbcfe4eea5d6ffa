"""From the labels of a data set to communities."""

from functools import lru_cache

from pluralign.core import near_communities, resolve_community
from pluralign.sources.fields import BadRow


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
        BadRow: If it names none; near matches are told.
    """
    found = community_id(label)
    if found is None:
        near = near_communities(label, _country_codes())
        raise BadRow(
            f"no community is known as {label!r}",
            reason=f"unresolved label: {label[:60]}",
            hint=f"near matches: {', '.join(near)}" if near else "write MEX, MEX/oaxaca or ~yoruba",
        )
    return found


@lru_cache(maxsize=64)
def language_tag(label: str) -> str | None:
    """BCP 47 tag of a language given by its English name or code, or None.

    >>> language_tag("Portuguese")
    'pt'
    """
    import pycountry

    try:
        found = pycountry.languages.lookup(label)
    except LookupError:
        return None
    return str(getattr(found, "alpha_2", found.alpha_3))


def _country_codes() -> list[str]:
    import pycountry

    return [entry.alpha_3 for entry in pycountry.countries]
