"""Countries take their article within English sentences, and only there."""

import pytest

from pluralign.core import with_article


@pytest.mark.parametrize(
    "name",
    [
        "United States", "United Kingdom", "United Arab Emirates", "Netherlands", "Philippines",
        "Bahamas", "Gambia", "Maldives", "Czech Republic", "Dominican Republic",
        "Central African Republic", "Marshall Islands", "Solomon Islands", "Russian Federation",
        "Palestinian Territories",
    ],
)  # fmt: skip
def test_plural_and_descriptive_names_take_an_article(name: str) -> None:
    assert with_article(name) == f"the {name}"


@pytest.mark.parametrize(
    "name", ["Mexico", "Czechia", "World", "Oaxaca (Mexico)", "our people", ""]
)
def test_other_names_are_not_changed(name: str) -> None:
    assert with_article(name) == name


def test_a_name_in_the_order_of_a_register_is_turned_round() -> None:
    assert with_article("Tanzania, United Republic of") == "the United Republic of Tanzania"
