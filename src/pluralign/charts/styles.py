"""Style that every chart shares: its widths, its ink, its axes."""

import re
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

Rows = Sequence[Mapping[str, Any]]
INK = "currentColor"
WIDE, NARROW = 928, 358
"""Widths in pixels of the text of a page: on a screen, and on a phone."""
BLUE, ORANGE = "#3b78b8", "#c0561f"


_NO_BREAK = "\u00a0"


def is_narrow(width: int) -> bool:
    """Whether a chart of this width is for a phone.

    >>> is_narrow(NARROW), is_narrow(WIDE)
    (True, False)
    """
    return width < 560


def in_lines(title: str, width: int) -> list[str]:
    """The title of an axis in lines that fit a chart of this width.

    >>> in_lines("diversity over communities (0 to 100)", NARROW)
    ['diversity over communities', '(0 to 100)']
    """
    # Blanks within brackets do not break a line, so that a range stays together.
    kept = re.sub(r"\(.*?\)", lambda bracket: bracket[0].replace(" ", _NO_BREAK), title)
    lines = wrap(kept, 30 if is_narrow(width) else 60) or [title]
    return [line.replace(_NO_BREAK, " ") for line in lines]


def number_axis(percent: bool, width: int) -> Any:
    """An axis of numbers, with as many ticks as there is room for.

    Args:
        percent: Whether the numbers are fractions, shown in percent.
        width: Width of the chart in pixels.
    """
    import altair as alt

    ticks = 5 if is_narrow(width) else 10
    return alt.Axis(format="%", tickCount=ticks) if percent else alt.Axis(tickCount=ticks)


def chosen(who: Sequence[str], ask: str) -> Any:
    """The parameter for the respondent of a chart; readers choose where there are several."""
    import altair as alt

    if len(who) == 1:
        return alt.param(name="who", value=who[0])
    choice = alt.binding_select(options=list(who), name=f"{ask} ")
    return alt.param(name="who", value=who[0], bind=choice)


def finished(chart: Any, width: int, *, fit: bool = True) -> dict[str, Any]:
    """A chart's Vega-Lite in the ink of the page, so that it reads in light and in dark.

    Args:
        chart: An Altair chart.
        width: Its width in pixels, axes and legend included.
        fit: Whether it is drawn to that width; else its own steps decide how wide it is.
    """
    import altair as alt

    if fit:
        to_width = alt.AutoSizeParams(type="fit-x", contains="padding")
        chart = chart.properties(width=width, autosize=to_width)
    size = 11 if is_narrow(width) else 12
    sizes = {"labelFontSize": size, "titleFontSize": size}
    text = {"labelColor": INK, "titleColor": INK} | sizes
    configured = (
        chart.configure(background="transparent", font="system-ui, sans-serif")
        .configure_axis(
            **text,
            domainColor=INK,
            tickColor=INK,
            gridColor=INK,
            gridOpacity=0.15,
            labelLimit=130 if is_narrow(width) else 280,
        )
        .configure_legend(**text, titleLimit=0)
        .configure_title(color=INK)
        .configure_view(stroke=None)
    )
    found: dict[str, Any] = configured.to_dict()
    return found
