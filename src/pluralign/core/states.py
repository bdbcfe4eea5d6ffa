"""Former states, names of several countries, and the territories of states.

Names are in the plain spelling of `pluralign.core.country_labels`.
"""

_SOVIET = "ARM, AZE, BLR, EST, GEO, KAZ, KGZ, LTU, LVA, MDA, RUS, TJK, TKM, UKR, UZB"

GONE: dict[str, str] = {
    "austria hungary": "AUT, HUN",
    "csfr": "CZE, SVK",
    "csk": "CZE, SVK",
    "cssr": "CZE, SVK",
    "czechoslovak republic": "CZE, SVK",
    "czechoslovak socialist republic": "CZE, SVK",
    "czechoslovakia": "CZE, SVK",
    "ddr": "DEU",
    "east germany": "DEU",
    "gdr": "DEU",
    "german democratic republic": "DEU",
    "democratic republic of germany": "DEU",
    "west germany": "DEU",
    "netherlands antilles": "BES, CUW, SXM",
    "north vietnam": "VNM",
    "democratic republic of vietnam": "VNM",
    "republic of vietnam": "VNM",
    "democratic republic of viet nam": "VNM",
    "republic of viet nam": "VNM",
    "south vietnam": "VNM",
    "north yemen": "YEM",
    "south yemen": "YEM",
    "democratic yemen": "YEM",
    "yemen arab republic": "YEM",
    "yemen pdr": "YEM",
    "rhodesia": "ZWE",
    "southern rhodesia": "ZWE",
    "northern rhodesia": "ZMB",
    "scg": "MNE, SRB",
    "serbia and montenegro": "MNE, SRB",
    "serbia montenegro state union": "MNE, SRB",
    "soviet union": _SOVIET,
    "sun": _SOVIET,
    "union of soviet socialist republics": _SOVIET,
    "ussr": _SOVIET,
    "ant": "BES, CUW, SXM",
    "tanganyika": "TZA",
    "united arab republic": "EGY, SYR",
    "yug": "BIH, HRV, MKD, MNE, SRB, SVN, XKX",
    "yugoslavia": "BIH, HRV, MKD, MNE, SRB, SVN, XKX",
    "sfr yugoslavia": "BIH, HRV, MKD, MNE, SRB, SVN, XKX",
    "fr yugoslavia": "MNE, SRB, XKX",
    "federal republic of yugoslavia": "MNE, SRB, XKX",
    "socialist federal republic of yugoslavia": "BIH, HRV, MKD, MNE, SRB, SVN, XKX",
}
"""Former states -> ids of today's countries on their territory, of which we cannot choose one."""

RENAMED: dict[str, str] = {
    "northern rhodesia": "ZMB",
    "rhodesia": "ZWE",
    "rhodesia southern": "ZWE",
    "tanganyika": "TZA",
}
"""Former states -> the one country of today on their territory, for labels that name both."""

UNCLEAR: dict[str, str] = {
    "congolese": "COD, COG",
    "dominican": "DMA, DOM",
    "guiana": "GUF, GUY",
    "korea": "KOR, PRK",
    "korean": "KOR, PRK",
    "roc": "COG, TWN",
    "saint martin": "MAF, SXM",
    "virgin islands": "VGB, VIR",
}
"""Labels that name more than one country -> their ids."""

TERRITORIES: dict[str, str] = {
    "AUS": "CCK CXR HMD NFK",
    "CHN": "HKG MAC TWN",
    "DNK": "FRO GRL",
    "FIN": "ALA",
    "FRA": "ATF BLM GLP GUF MAF MTQ MYT NCL PYF REU SPM WLF",
    "GBR": "AIA BMU CYM FLK GGY GIB IMN IOT JEY MSR PCN SGS SHN TCA VGB",
    "NLD": "ABW BES CUW SXM",
    "NOR": "BVT SJM",
    "NZL": "COK NIU TKL",
    "USA": "ASM GUM MNP PRI UMI VIR",
}
"""States -> their territories, which labels name with the state: "Puerto Rico (US)"."""
