import csv
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import (
    WORLD,
    Community,
    InvalidInput,
    UnknownCommunity,
    community,
    community_name,
    near_communities,
    resolve_community,
    sample_note,
)


@pytest.mark.shared
def test_every_label_of_global_opinion_qa_names_a_community(shared_data: Path) -> None:
    csv.field_size_limit(sys.maxsize)
    with (shared_data / "global_opinions" / "llm_global_opinions_part.csv").open(
        encoding="utf-8"
    ) as file:
        rows = [row["selections"] for row in csv.DictReader(file)]
    labels = {label for row in rows for label in re.findall(r"""['"]([^'"]+)['"]: \[""", row)}
    found = {label: resolve_community(label) for label in labels}
    assert len(labels) == 130
    assert [label for label, home in found.items() if home is None] == []
    assert {found[label].id for label in labels if label.startswith("India")} == {"IND"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("label", "id_"),
    [
        ("MEX", "MEX"),
        ("mex", "MEX"),
        ("mx", "MEX"),
        (" Mexico ", "MEX"),
        ("Britain", "GBR"),
        ("UK", "GBR"),
        ("U.S.", "USA"),
        ("UAE", "ARE"),
        ("Czech Rep.", "CZE"),
        ("S. Korea", "KOR"),
        ("Palest. ter.", "PSE"),
        ("Türkiye", "TUR"),
        ("Turkey", "TUR"),
        ("Côte d'Ivoire", "CIV"),
        ("Bosnia Herzegovina", "BIH"),
        ("Taiwan ROC", "TWN"),
        ("Hong Kong SAR", "HKG"),
        ("Kosovo", "XKX"),
        ("Northern Ireland", "GBR/northern-ireland"),
        ("India (Current national sample)", "IND"),
        ("MEX/oaxaca", "MEX/oaxaca"),
        ("~yoruba", "~yoruba"),
        ("~georgia", "~georgia"),
        ("world", "~world"),
        ("~world", "~world"),
    ],
)
def test_a_label_is_read_as_data_sets_write_it(label: str, id_: str) -> None:
    found = resolve_community(label)
    assert found is not None
    assert found.id == id_


@pytest.mark.parametrize(
    "label", ["", " ", "Atlantis", "QQQ", "QQQ/north", "(sample)", "🙂", "~", "?"]
)
def test_a_label_that_names_no_community_gives_none(label: str) -> None:
    assert resolve_community(label) is None


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused_without_a_crash(label: str) -> None:
    found = resolve_community(label)
    assert found is None or community(found.id) == found


@pytest.mark.parametrize(
    "id_", ["MEX", "XKX", "MEX/oaxaca", "MEX/oaxaca/mixe", "~yoruba", "~yoruba/oyo", "~world"]
)
def test_an_id_finds_itself_and_its_parents_lead_to_the_world(id_: str) -> None:
    found = community(id_)
    assert found.id == id_
    assert found.country == (None if id_.startswith("~") else id_[:3])
    while found.parent is not None:
        found = community(found.parent)
    assert found == WORLD


def test_a_part_is_named_after_itself_and_belongs_to_the_id_before_it() -> None:
    assert community("MEX/san-luis") == Community("MEX/san-luis", "San Luis", "MEX", "MEX")
    assert community("~yoruba/oyo") == Community("~yoruba/oyo", "Oyo", None, "~yoruba")


@pytest.mark.parametrize(
    "id_", ["", "Mexico", "mex", "MEXI", "MEX/", "MEX/Oaxaca", "/MEX", "~", "~Yoruba", "MEX\n"]
)
def test_a_malformed_id_is_refused_everywhere(id_: str) -> None:
    with pytest.raises(InvalidInput, match="is not a community id"):
        community(id_)
    with pytest.raises(InvalidInput, match="is not a community id"):
        Community(id_, "name")


@pytest.mark.parametrize(
    ("id_", "what"),
    [("~" + "a" * 200, "200 characters, got 201"), ("~" + "/".join("a" * 9), "8 levels, got 9")],
    ids=["long", "deep"],
)
def test_an_id_that_is_too_long_or_too_deep_is_refused_and_names_no_community(
    id_: str, what: str
) -> None:
    for read in (community, lambda id_: Community(id_, "name")):
        with pytest.raises(InvalidInput, match=f"at most {what}"):
            read(id_)
    assert resolve_community(id_) is None
    assert community_name(id_) == id_


def test_an_id_may_be_as_long_and_as_deep_as_the_limits() -> None:
    assert community("~" + "a" * 199).parent == "~world"
    assert community("MEX/" + "/".join("abcdefg")).country == "MEX"


def test_the_memory_of_communities_is_bounded() -> None:
    for n in range(10_000):
        community(f"~made-up-{n}")
    assert community.cache_info().currsize <= 4096


def test_the_refusal_of_a_label_names_the_intended_id() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'MEX'"):
        community("Mexico")


def test_an_unknown_code_names_near_ones() -> None:
    with pytest.raises(UnknownCommunity, match=r"'MXE'(.|\n)*did you mean MEX"):
        community("MXE")
    with pytest.raises(UnknownCommunity, match="no country has the code"):
        community("MXE/oaxaca")


def test_a_mistaken_label_finds_what_it_may_have_meant_by_id_or_name() -> None:
    known = ["MEX", "GBR", "~yoruba"]
    assert near_communities("Mexcio", known) == ["MEX"]
    assert near_communities("United Kingdon", known) == ["GBR"]
    assert near_communities("yorba", known) == ["~yoruba"]
    assert near_communities("zzzzzz", known) == []
    assert near_communities("MEX", []) == []


def test_the_kind_of_sample_is_a_note_and_not_part_of_the_community() -> None:
    assert sample_note("India (Non-national sample)") == "non-national sample"
    assert sample_note("India (current national SAMPLE) ") == "current national sample"
    assert sample_note("Congo (Kinshasa)") is None
    assert sample_note("Spain") is None
