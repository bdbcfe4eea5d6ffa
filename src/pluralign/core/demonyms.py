"""Words for a community: its name and, for countries, its people, in English."""

from pluralign.core.communities import community

DEMONYMS: dict[str, str] = {
    "AFG": "Afghan", "ALB": "Albanian", "DZA": "Algerian", "AGO": "Angolan",
    "ARG": "Argentine/Argentinian", "ARM": "Armenian", "AUS": "Australian", "AUT": "Austrian",
    "AZE": "Azerbaijani", "BGD": "Bangladeshi", "BLR": "Belarusian", "BEL": "Belgian",
    "BOL": "Bolivian", "BIH": "Bosnian", "BRA": "Brazilian", "BGR": "Bulgarian", "KHM": "Cambodian",
    "CMR": "Cameroonian", "CAN": "Canadian", "CHL": "Chilean", "CHN": "Chinese", "COL": "Colombian",
    "COD": "Congolese", "CRI": "Costa Rican", "HRV": "Croatian/Croat", "CUB": "Cuban",
    "CYP": "Cypriot", "CZE": "Czech", "DNK": "Danish/Dane", "DOM": "Dominican", "ECU": "Ecuadorian",
    "EGY": "Egyptian", "SLV": "Salvadoran", "EST": "Estonian", "ETH": "Ethiopian",
    "FIN": "Finnish/Finn", "FRA": "French/Frenchman/Frenchmen", "GEO": "Georgian", "DEU": "German",
    "GHA": "Ghanaian", "GRC": "Greek", "GTM": "Guatemalan", "HTI": "Haitian", "HND": "Honduran",
    "HUN": "Hungarian", "ISL": "Icelandic/Icelander", "IND": "Indian", "IDN": "Indonesian",
    "IRN": "Iranian/Persian", "IRQ": "Iraqi", "IRL": "Irish/Irishman/Irishmen", "ISR": "Israeli",
    "ITA": "Italian", "JAM": "Jamaican", "JPN": "Japanese", "JOR": "Jordanian",
    "KAZ": "Kazakh/Kazakhstani", "KEN": "Kenyan", "KOR": "Korean/South Korean", "KWT": "Kuwaiti",
    "KGZ": "Kyrgyz", "LVA": "Latvian", "LBN": "Lebanese", "LBY": "Libyan", "LTU": "Lithuanian",
    "MYS": "Malaysian", "MEX": "Mexican", "MDA": "Moldovan", "MNG": "Mongolian/Mongol",
    "MAR": "Moroccan", "MMR": "Burmese", "NPL": "Nepali/Nepalese", "NLD": "Dutch/Dutchman/Dutchmen",
    "NZL": "New Zealander", "NIC": "Nicaraguan", "NGA": "Nigerian", "NOR": "Norwegian",
    "PAK": "Pakistani", "PSE": "Palestinian", "PAN": "Panamanian", "PRY": "Paraguayan",
    "PER": "Peruvian", "PHL": "Filipino/Philippine", "POL": "Polish/Pole", "PRT": "Portuguese",
    "PRI": "Puerto Rican", "QAT": "Qatari", "ROU": "Romanian", "RUS": "Russian", "RWA": "Rwandan",
    "SAU": "Saudi", "SEN": "Senegalese", "SRB": "Serbian/Serb", "SGP": "Singaporean",
    "SVK": "Slovak", "SVN": "Slovenian/Slovene", "SOM": "Somali", "ZAF": "South African",
    "ESP": "Spanish/Spaniard", "LKA": "Sri Lankan", "SDN": "Sudanese", "SWE": "Swedish/Swede",
    "CHE": "Swiss", "SYR": "Syrian", "TWN": "Taiwanese", "TJK": "Tajik", "TZA": "Tanzanian",
    "THA": "Thai", "TUN": "Tunisian", "TUR": "Turkish/Turk", "UGA": "Ugandan", "UKR": "Ukrainian",
    "ARE": "Emirati", "GBR": "British/Briton/Brit", "USA": "American", "URY": "Uruguayan",
    "UZB": "Uzbek", "VEN": "Venezuelan", "VNM": "Vietnamese", "YEM": "Yemeni", "ZMB": "Zambian",
    "ZWE": "Zimbabwean",
}  # fmt: skip
"""Country -> English adjectives and nouns for its people, singular, with slashes between."""

_NO_PLURAL = ("ese", "ish", "ch", "ss", "men", "hman", "ic", "gyz")


def demonyms(id_: str) -> tuple[str, ...]:
    """English words for the people of a community, singular and plural.

    Args:
        id_: Id of a community. The people of a part of a country are those of the country.

    >>> demonyms("MEX"), demonyms("DEU"), demonyms("~hill")
    (('Mexican', 'Mexicans'), ('German', 'Germans'), ())
    >>> demonyms("FRA")
    ('French', 'Frenchman', 'Frenchmen')
    """
    country = community(id_).country
    found = []
    for word in filter(None, DEMONYMS.get(country or "", "").split("/")):
        found.append(word)
        if not word.endswith(_NO_PLURAL):
            found.append(f"{word}s")
    return tuple(found)
