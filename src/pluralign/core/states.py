"""States that are no more, names of several countries, and whose territory is whose.

Names are in the plain spelling of `pluralign.core.labels`.
"""

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
    "soviet union": "ARM, AZE, BLR, EST, GEO, KAZ, KGZ, LTU, LVA, MDA, RUS, TJK, TKM, UKR, UZB",
    "sun": "ARM, AZE, BLR, EST, GEO, KAZ, KGZ, LTU, LVA, MDA, RUS, TJK, TKM, UKR, UZB",
    "union of soviet socialist republics": "ARM, AZE, BLR, EST, GEO, KAZ, KGZ, LTU, LVA, MDA, RUS, TJK, TKM, UKR, UZB",
    "ussr": "ARM, AZE, BLR, EST, GEO, KAZ, KGZ, LTU, LVA, MDA, RUS, TJK, TKM, UKR, UZB",
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
"""States that are no more -> ids of the countries on their territory; nobody can say which a respondent belongs to."""

RENAMED: dict[str, str] = {
    "northern rhodesia": "ZMB",
    "rhodesia": "ZWE",
    "rhodesia southern": "ZWE",
    "tanganyika": "TZA",
}
"""Keys of those whose territory is one country of today: beside its name they are a former name of it."""

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
"""States -> territories behind whose names data sets write the state: "Puerto Rico (US)" is Puerto Rico."""
