"""QR codes on pages."""

from pluralign.collecting.pages.qr_codes import qr_code


def test_a_code_fills_its_element_at_any_size():
    drawn = str(qr_code("babab"))
    assert "viewBox=" in drawn
    assert " width=" not in drawn.partition(">")[0]
