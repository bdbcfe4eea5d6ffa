"""Labels of countries: what data sets write, and what is true of every name."""

import unicodedata
from collections.abc import Callable

import babel
import pycountry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.core import community_hint, near_communities, resolve_community
from pluralign.core.country_labels import ALIASES, CODES, PARTS
from pluralign.core.country_names import country_key
from pluralign.core.states import GONE, UNCLEAR

CODES_OF_ALL = [c.alpha_3 for c in pycountry.countries] + ["XKX"]
NAMES = [
    (getattr(c, field), c.alpha_3)
    for c in pycountry.countries
    for field in ("name", "common_name", "official_name", "alpha_3", "alpha_2")
    if hasattr(c, field) and getattr(c, field) != "NA"
]
BLANKS = ["{}", "  {}\t", "\u00a0{}\u200b"]
ARTICLES = ["{}.", "{} (the)", "{}, The", "The {}"]
FRAMED = [
    (frame, label, id_)
    for label, id_ in [*NAMES, *ALIASES.items(), *PARTS.items(), *CODES.items()]
    for frame in (BLANKS if len(label) < 4 or label in CODES else BLANKS + ARTICLES)
    if id_ != "~world"
]

WRITTEN = {
    "KOR": "Korea, South|Korea (South)|Korea, Rep.|Republic of Korea|S. Korea|"
    "Korea, Republic of (South Korea)|ROK",
    "PRK": "N. Korea|Korea, North|Korea, Dem. People's Rep.|Korea, Dem. People’s Rep.|DPRK|"
    "North Korea (DPRK)",
    "COD": "RD Congo|Congo (RDC)|Kongo-Kinshasa|Конго (Киншаса)|刚果（金）|Zaire (now DRC)|"
    "Democratic Republic of the Congo|DRC|D.R. Congo|Congo, Dem. Rep.|Congo-Kinshasa|Zaire",
    "COG": "Congo-Brazzaville|Congo, Rep.|Republic of the Congo|Congo (Brazzaville)|"
    "Congo, Republic of the|Congo",
    "HKG": "Hong Kong SAR, China|Hong Kong, China|China, Hong Kong SAR|Hong Kong SAR|"
    "China (Hong Kong)",
    "MAC": "Macau SAR PRC|Macao SAR, China|Macau",
    "CHN": "China, People's Republic of|P.R. China|PRC|China (mainland)|China (PRC)",
    "TWN": "Taiwan, Province of China|Taiwan ROC|Taiwan (ROC)|Chinese Taipei|Republic of China|"
    "Taiwan, China",
    "PSE": "State of Palestine|Occupied Palestinian Territory|West Bank and Gaza|Palest. ter.",
    "MKD": "FYROM|Republic of Macedonia|North Macedonia (former FYROM)|Macedonia, FYR|"
    "Macedonia, North|F.Y.R.O.M.",
    "GMB": "The Gambia|Gambia, The|Gambia (the)",
    "BHS": "Bahamas, The|The Bahamas",
    "PHL": "Philippines (the)|The Philippines",
    "NLD": "Netherlands, The|Holland (Netherlands)",
    "USA": "The United States|U.S.|U. S. A.|US|us|United States of America (the)|América|"
    "Estados Unidos",
    "GBR": "Großbritannien|イギリス|Великобритания|यूनाइटेड किंगडम|"
    "United Kingdom (Great Britain)|U.K.|England|UK (England)",
    "EGY": "Egypt, Arab Rep.",
    "VEN": "Venezuela, RB|Venezuela (Bolivarian Republic of)",
    "LAO": "Lao PDR|Lao P.D.R.|Lao People's Dem. Rep.",
    "CAF": "Central African Rep.|C.A.R.",
    "KGZ": "Kyrgyz Rep|Kyrgyz Republic",
    "LCA": "St. Lucia|ST LUCIA",
    "VCT": "St. Vincent & the Grenadines",
    "TTO": "Trinidad & Tobago|Trinidad-Tobago",
    "TLS": "East Timor|Timor-Leste (East Timor)",
    "VAT": "Holy See|Vatican City|Holy See (Vatican City State)",
    "CZE": "Czechia (Czech Republic)|Czech Rep.|Czechia (former Czech Republic)",
    "CIV": "Ivory Coast|Cote d’Ivoire|CÔTE D'IVOIRE|Ivory Coast (Côte d'Ivoire)",
    "CPV": "Cape Verde|Cabo Verde",
    "SWZ": "eSwatini|Swaziland|Eswatini (formerly Swaziland)|Swaziland (former name)",
    "TUR": "TÜRKİYE|Turkey|Türkiye (Turkey)",
    "MMR": "Burma|Myanmar (Burma)|Myanmar/Burma",
    "FSM": "Micronesia, Fed. Sts.|Micronesia (Federated States of)|Micronesia",
    "IRN": "Iran, Islamic Rep.",
    "YEM": "Yemen, Rep.",
    "VNM": "Viet-Nam|Socialist Republic of Vietnam|Vietnam",
    "XKX": "Kosova|Kosowo|Косово|科索沃|コソボ|كوسوفو|"
    "Kosovo|XK|Republic of Kosovo|Kosovo (under UNSC resolution 1244)|Kosovo*",
    "VIR": "Virgin Islands (U.S.)|US Virgin Islands",
    "VGB": "British Virgin Islands|Virgin Islands, British",
    "GBR/northern-ireland": "N. Ireland|Northern Ireland (UK)|UK (Northern Ireland)",
    "GBR/scotland": "Scotland, UK",
    "PRI": "Puerto Rico (US)|Puerto Rico (United States)",
    "GIB": "Gibraltar (UK)",
    "MEX": "México|Mexico (MEX)|MX - Mexico|🇲🇽|Mexico.",
    "DEU": "Deutschland|Germany, Fed. Rep.|Alemania",
    "JPN": "日本|Japón",
    "RUS": "Rusia|Russie|Russland|Росія|러시아|Россия|Russian Fed.",
    "LVA": "Letonia",
    "GEO": "Georgia (country)|Georgien",
    "THA": "ประเทศไทย|Thaïlande",
    "ZWE": "Zimbabwe (Rhodesia)|Zimbabwe (formerly Rhodesia)",
    "TZA": "Tanzania (Tanganyika)",
    "NER": "Nigēra|النيجر|尼日尔",
}


@pytest.mark.parametrize(
    ("label", "id_"),
    [(label, id_) for id_, labels in WRITTEN.items() for label in labels.split("|")],
)
def test_the_labels_of_data_sets_name_the_country(label: str, id_: str) -> None:
    found = resolve_community(label)
    assert found is not None
    assert found.id == id_


@pytest.mark.parametrize(
    "language", ["ar", "bn", "de", "es", "fr", "hi", "ja", "ru", "sw", "zh_CN"]
)
def test_the_everyday_names_of_other_languages_name_the_country_or_none(language: str) -> None:
    territories = babel.Locale.parse(language).territories
    found = {c.alpha_3: resolve_community(territories[c.alpha_2]) for c in pycountry.countries}
    named = {id_: country.id for id_, country in found.items() if country is not None}
    assert named == {id_: id_ for id_ in named}
    assert len(named) >= len(found) - 5, sorted(set(found) - set(named))


@pytest.mark.parametrize(("label", "near"), [("Nigera", ["NGA", "NER"]), ("Ira", []), ("Man", [])])
def test_a_foreign_name_without_its_accents_is_not_read_where_it_looks_like_another_country(
    label: str, near: list[str]
) -> None:
    assert resolve_community(label) is None
    assert near_communities(label, CODES_OF_ALL) == near


def test_a_state_split_in_two_is_no_former_name() -> None:
    for label in ("Germany (GDR)", "Yemen (South Yemen)", "Russia (Soviet Union)"):
        assert resolve_community(label) is None


@settings(deadline=None)
@given(
    st.sampled_from(FRAMED), st.sampled_from([str, str.upper, str.lower, str.title]), st.booleans()
)
def test_case_blanks_articles_and_accents_do_not_matter(
    framed: tuple[str, str, str], case: Callable[[str], str], plain: bool
) -> None:
    frame, label, id_ = framed
    written = frame.format(case(label))
    if plain:
        written = "".join(
            c for c in unicodedata.normalize("NFKD", written) if not unicodedata.combining(c)
        )
    found = resolve_community(written)
    assert found is not None, written
    assert found.id == id_
    assert set(near_communities(written, CODES_OF_ALL)) <= {id_, id_[:3]}


@given(
    st.sampled_from(NAMES),
    st.sampled_from([("Saint", "St."), ("Saint", "St"), (" and ", " & "), ("Republic", "Rep.")]),
)
def test_abbreviations_do_not_matter(listed: tuple[str, str], written: tuple[str, str]) -> None:
    label, id_ = listed
    found = resolve_community(label.replace(*written))
    assert found is not None
    assert found.id == id_


@pytest.mark.parametrize(("label", "id_"), NAMES)
def test_a_name_with_its_comma_moved_is_the_same_country(label: str, id_: str) -> None:
    first, _, last = label.partition(", ")
    for written in (f"{last} {first}", f"{first} ({last})") if last else ():
        found = resolve_community(written)
        assert found is not None, written
        assert found.id == id_


def test_no_two_names_are_looked_up_alike() -> None:
    homes: dict[str, str] = {}
    for name, id_ in [*NAMES, *ALIASES.items(), *PARTS.items()]:
        if len(name) > 3:
            assert homes.setdefault(country_key(name), id_) == id_, name
    assert not {country_key(name) for name in GONE | UNCLEAR} & set(homes)


@pytest.mark.parametrize("label", [*GONE, *UNCLEAR])
@pytest.mark.parametrize("frame", ["{}", "Former {}", "{} (former)", "the {}"])
def test_a_state_that_is_no_more_stays_unresolved_and_its_successors_are_named(
    label: str, frame: str
) -> None:
    written = frame.format(label.upper())
    assert resolve_community(written) is None
    assert near_communities(written, CODES_OF_ALL) == []
    hint = community_hint(written, ["MEX"])
    assert hint is not None
    assert all(f"{id_} (" in hint for id_ in (GONE | UNCLEAR)[label].split(", "))


@pytest.mark.parametrize(
    "label",
    ["Soviet Union (USSR)", "Germany, East", "Germany (West)", "Serbia & Montenegro",
     "Yugoslavia (former)",
     "Vietnam, South",
     "Yemen, South", "Niger or Nigeria", "USA / Mexico", "Denmark/Greenland",
     "Southern Africa", "South America", "Central Africa", "New Mexico", "Atlanta, Georgia",
     "Georgia, USA",
     "Spain (Catalonia)", "Guam, Puerto Rico", "Scotland / Wales", "Austria / Germany"],
)  # fmt: skip
def test_a_label_of_no_country_or_of_two_is_none(label: str) -> None:
    assert resolve_community(label) is None


@pytest.mark.parametrize(
    ("label", "others"),
    [("DRC", ["GRC"]), ("Niger", ["NGA"]), ("Austria", ["AUS"]), ("Iran", ["IRQ"]),
     ("Slovakia", ["SVN"]),
     ("Guinea", ["GNB", "GNQ", "PNG"]), ("Dominica", ["DOM"]), ("Korea, South", ["PRK"]),
     ("Congo", ["COD"]),
     ("Letonia", ["EST"]), ("USSR", CODES_OF_ALL), ("Mali", ["MLT"]), ("AUT", ["AUS"]),
     ("NA", CODES_OF_ALL)],
)  # fmt: skip
def test_a_label_of_one_country_never_gets_another_as_its_hint(
    label: str, others: list[str]
) -> None:
    assert near_communities(label, others) == []
    hint = community_hint(label, others)
    assert hint is None or "did you mean" not in hint


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("Austrian", "AUT"),
        ("Nigerian", "NGA"),
        ("Mexcio", "MEX"),
        ("Columbia", "COL"),
        ("Phillipines", "PHL"),
    ],
)
def test_of_several_near_names_only_the_nearest_is_offered(label: str, meant: str) -> None:
    assert near_communities(label, CODES_OF_ALL) == [meant]


@pytest.mark.parametrize("label", ["Nigerien", "Dominican", "Congolese", "Korean"])
def test_a_people_whose_name_is_near_two_countries_gets_neither_as_a_typing_error(
    label: str,
) -> None:
    assert near_communities(label, CODES_OF_ALL) == []


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_hint_or_none_without_a_crash(label: str) -> None:
    hint = community_hint(label, CODES_OF_ALL)
    assert hint is None or hint
