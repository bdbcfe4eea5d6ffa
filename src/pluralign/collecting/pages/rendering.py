"""Templates, and the Markdown of a study's own texts."""

import datetime
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = files("pluralign.collecting.pages") / "templates"


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """A template, filled; texts that people wrote are escaped."""
    return str(_environment().get_template(f"{template}.html.jinja").render(values))


@lru_cache(maxsize=200)
def markdown(text: str, level: int = 2) -> "Markup":
    r"""A text of `study.toml` as HTML; HTML in it is shown as text.

    Args:
        text: The text.
        level: Level of its highest headings on the page; lower ones follow without a gap.

    >>> str(markdown("**Yes** <script>"))
    '<p><strong>Yes</strong> &lt;script&gt;</p>\n'
    >>> str(markdown("### What\n", level=2))
    '<h2>What</h2>\n'
    """
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    parser = MarkdownIt("commonmark", {"html": False}).disable("image")
    tokens = parser.parse(text)
    headings = [token for token in tokens if token.type.startswith("heading")]
    highest = min((int(token.tag[1]) for token in headings), default=level)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - highest + level)}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def day(seconds: int, language: str) -> str:
    """A day in the words of a language.

    >>> day(1_800_000_000, "es")
    '15 de enero de 2027'
    """
    from babel.dates import format_date

    date = datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()
    return str(format_date(date, "long", locale=language))


def date(iso: str, language: str) -> str:
    """A date such as ``2027-01-15`` in the words of a language.

    >>> date("2027-01-15", "es")
    '15 de enero de 2027'
    """
    from babel.dates import format_date

    return str(format_date(datetime.date.fromisoformat(iso), "long", locale=language))


def language_name(code: str, language: str) -> str:
    """The name of a language in the words of another one; its code where it has no name there.

    >>> language_name("ar", "es"), language_name("xx", "es")
    ('árabe', 'xx')
    """
    from babel import Locale

    return str(Locale.parse(language).languages.get(code, code))


def left_to_right(name: str) -> str:
    r"""A name of digits and Latin letters, whose order a sentence in Arabic does not change.

    >>> left_to_right("2026-11-30-00aabbcc")
    '\u20662026-11-30-00aabbcc\u2069'
    """
    return f"\u2066{name}\u2069"


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    with as_file(_TEMPLATES) as folder:
        environment = Environment(
            loader=FileSystemLoader(str(folder)),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
    environment.filters["markdown"] = markdown
    environment.filters["day"] = day
    environment.filters["date"] = date
    environment.filters["language_name"] = language_name
    environment.filters["left_to_right"] = left_to_right
    return environment
