"""From a page's data to HTML: one file that needs nothing else."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pluralign.charts.drawing import bundle, svg_of
from pluralign.charts.outlines import outlines
from pluralign.charts.world_map import WORLD, without_outlines
from pluralign.core import direction, from_right
from pluralign.reports.data import Page

if TYPE_CHECKING:
    from markupsafe import Markup

_FOLDER = files("pluralign.reports") / "templates"
_CODE = re.compile(r"`([a-z][a-z_ -]*)`")
"""A setting or a command of ours in a sentence; texts that people wrote seldom look like it."""


def html_of(page: Page, *, interactive: bool = True) -> str:
    """A page as HTML; texts that people wrote are escaped.

    Args:
        page: Its data.
        interactive: Whether charts answer to the pointer; else they are drawings, and the page is
            lighter.
    """
    from markupsafe import Markup

    figures = [figure for section in page.sections for figure in section.figures]
    # SVG from vl-convert escapes the texts in it; JSON is made safe for a script element here.
    drawings, specs = {}, {}
    for figure in figures:
        for size, spec in (("wide", figure.spec), ("narrow", figure.narrow)):
            name = f"{figure.name}-{size}"
            drawings[name] = Markup(svg_of(spec, name))
            specs[name] = Markup(script_json(without_outlines(spec)))
    maps = interactive and any(f'"name":"{WORLD}"' in spec for spec in specs.values())
    return str(
        _template().render(
            page=page,
            drawings=drawings,
            specs=specs if interactive else {},
            world=Markup(script_json(outlines())) if maps else "",
            style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
            script=Markup((_FOLDER / "script.js").read_text(encoding="utf-8")),
            bundle=Markup(bundle()) if interactive and figures else "",
        )
    )


def script_json(value: Mapping[str, Any]) -> str:
    r"""JSON that cannot end the script element around it.

    >>> script_json({"name": "</script><script>"})
    '{"name":"\\u003c/script>\\u003cscript>"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def _template() -> Any:
    from importlib.resources import as_file

    from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context

    with as_file(_FOLDER) as folder:
        environment = Environment(
            loader=FileSystemLoader(str(folder)),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=False,
        )
        environment.filters["sentence"] = pass_context(
            lambda context, text: _sentence(text, context["page"].say.rtl)
        )
        environment.filters["direction"] = direction
        return environment.get_template("page.html.jinja")


def _sentence(text: str, rtl: bool) -> "Markup":
    """A sentence as HTML: commands in backticks as code, and the rest escaped.

    On a page from left to right, Persian or Arabic names are isolated, so that a number after them
    stays behind them.
    """
    from markupsafe import Markup, escape

    shown, done = "", 0
    for start, end in () if rtl else from_right(text):
        shown += f"{escape(text[done:start])}<bdi>{escape(text[start:end])}</bdi>"
        done = end
    shown += str(escape(text[done:]))
    return Markup(_CODE.sub(r"<code>\1</code>", shown))
