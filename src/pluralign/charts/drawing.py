"""Charts as pictures, without a browser: SVG for the page, PNG for papers."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pluralign.core import MissingExtra, printable

_HATCH = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)">'
    '<line x1="0" y1="0" x2="0" y2="6" stroke="#222" stroke-width="1.5"/></pattern></defs>'
)
_INK = "#222222"
_NO_XML = dict.fromkeys((0xFFFE, 0xFFFF))


def svg_of(spec: Mapping[str, Any], name: str = "drawing") -> str:
    """A chart as SVG, in the ink of the text around it.

    Args:
        spec: Vega-Lite.
        name: Prefix of its ids, since Vega counts gradients from 0 again in the browser.
    """
    import vl_convert

    drawn = re.sub(r"<\?xml[^>]*\?>", "", str(vl_convert.vegalite_to_svg(_drawable(spec))))
    drawn = re.sub(
        r' d="[^"]*"', lambda m: re.sub(r"(\.\d)\d+", r"\1", m[0]), drawn
    )  # a tenth of a pixel is enough
    # Vega counts on from one drawing to the next; the same chart is to be the same drawing.
    found = {
        id_: f"{name}-{k}"
        for k, id_ in enumerate(dict.fromkeys(re.findall(r'id="((?:gradient|clip)\w+)"', drawn)))
    }
    return re.sub(
        r'(id="|url\(#)((?:gradient|clip)\w+)', lambda m: f"{m[1]}{found.get(m[2], m[2])}", drawn
    )


def _drawable(value: Any) -> Any:
    """A specification with texts that SVG allows; the library ends the process at any other."""
    if isinstance(value, Mapping):
        return {key: _drawable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_drawable(item) for item in value]
    return printable(value).translate(_NO_XML) if isinstance(value, str) else value


def picture_of(spec: Mapping[str, Any]) -> str:
    """A chart as an SVG file of its own, dark on white."""
    head, mark, body = svg_of(spec).replace("currentColor", _INK).partition(">")
    return f'{head}{mark}{_HATCH}<rect width="100%" height="100%" fill="#ffffff"/>{body}'


def png_of(spec: Mapping[str, Any], scale: float = 2.0) -> bytes:
    """A chart as PNG, dark on white."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(picture_of(spec), scale=scale))


@cache
def bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script."""
    import vl_convert

    bundled: Any = vl_convert.javascript_bundle  # its stub asks for a snippet, its code does not
    return str(bundled())


def need_report() -> None:
    """Check that the extra is installed.

    Raises:
        MissingExtra: If it is not; the message has the line that installs it.
    """
    try:
        import altair  # noqa: F401
        import jinja2  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise MissingExtra.named("report", error.name or "altair") from error
