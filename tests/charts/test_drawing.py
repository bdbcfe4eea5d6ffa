"""Charts of names that no SVG file may hold."""

import pytest

from pluralign.charts.drawing import png_of, svg_of

pytest.importorskip("vl_convert")
NAME = "".join(map(chr, range(0x20))) + "\x7f\x9b\ud800\ufffe\uffff<b>&\"'[red]"


@pytest.mark.parametrize("name", [NAME, NAME * 20])
def test_control_characters_in_a_name_do_not_end_the_process(name: str) -> None:
    spec = {
        "data": {"values": [{"who": name, "n": 1}, {"who": "other", "n": 2}]},
        "mark": "bar",
        "title": name,
        "encoding": {
            "x": {"field": "n", "type": "quantitative"},
            "y": {"field": "who", "type": "nominal"},
        },
    }

    drawn = svg_of(spec)

    assert not {"\x1b", "\x00", "\ufffe"} & set(drawn)
    assert "&lt;b" in drawn
    assert png_of(spec).startswith(b"\x89PNG")
