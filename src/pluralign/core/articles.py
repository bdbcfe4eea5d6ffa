"""English names of countries within sentences."""

_WITH_ARTICLE = (
    "United ",
    "Netherlands",
    "Philippines",
    "Gambia",
    "Bahamas",
    "Maldives",
    "Comoros",
    " Federation",
    " Republic",
    " Islands",
    " Territories",
)
"""How names begin or end that take an article."""


def with_article(name: str) -> str:
    """A name as it stands within an English sentence.

    >>> with_article("United States"), with_article("Mexico")
    ('the United States', 'Mexico')
    >>> with_article("Congo, The Democratic Republic of the")
    'the Democratic Republic of the Congo'
    """
    head, _, tail = name.partition(", ")
    if tail.endswith((" of", " of the")):
        return f"the {tail.removeprefix('The ')} {head}"
    takes_one = name.startswith(_WITH_ARTICLE) or name.endswith(_WITH_ARTICLE)
    return f"the {name}" if takes_one else name
