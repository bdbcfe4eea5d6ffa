"""Rows of pairs, well-formed and malformed, for property tests of readers."""

from typing import Any

from hypothesis import strategies as st

TEXTS = st.one_of(
    st.sampled_from([
        "Tea?", "Yes", "No", "", " ", "nan", "Nan bread", "nan\u200b", "N\u0303an", "NaN", "NULL",
        "<NA>", "\\N", "#N/A", "none", "  Tea?", "_", "¿Qué?", "茶", "\ufeffTea", "\u00a0", "\x1f",
        "Human: a", "Human: Tea?\n\nAssistant: Yes", "\n\nHuman: Tea?\n\nAssistant: No", "human: x",
        '[{"role": "user", "content": "Tea?"}]', "[{'role': 'user', 'content': 'a'}]", "[1]", '"T"',
    ]),
    st.text(max_size=4),
    st.text("nNaAuUlLtT<>/# \u200b\u0303", max_size=5),
)  # fmt: skip
IDS = st.one_of(
    st.sampled_from(
        ["r1", "17", "17.0", "a:1/2", "-", "n/a", "na", "Unknown", "ñ1", " r1", "r 1", "١"]
    ),
    st.text("naNA/1.0-_ ", max_size=4),
    st.integers(),
    st.sampled_from([True, 17.0, 0.5, 2.0**70, 10**25, float("nan"), float("inf"), [], {"a": 1}]),
)
COMMUNITIES = st.sampled_from(
    [
        "MEX",
        "Mexico",
        "britain",
        "~yoruba",
        "MEX/oaxaca",
        "NA",
        "",
        " ",
        "Atlantis",
        3,
        [],
        "x" * 90,
    ]
)
NUMBERS = st.one_of(
    st.sampled_from(
        [0, 1, -1, 0.5, 2.5, True, "2", "0,5", "", "nan", 1e13, 10**20, 10**300, -0.0, []]
    ),
    st.floats(),
)
OTHERS = st.one_of(TEXTS, st.integers(-5, 5), st.floats(allow_nan=False), st.just([1, {"a": 2}]))


def cells(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.none())


ROWS = st.fixed_dictionaries(
    {"prompt": cells(TEXTS), "chosen": cells(TEXTS), "rejected": cells(TEXTS)},
    optional={
        "id": cells(IDS),
        "rater": cells(IDS),
        "community": cells(COMMUNITIES),
        "question": cells(TEXTS),
        "stem": cells(TEXTS),
        "context": cells(OTHERS),
        "language": cells(TEXTS),
        "source": cells(TEXTS),
        "license": cells(OTHERS),
        "strength": cells(NUMBERS),
        "weight": cells(NUMBERS),
        "flip": cells(NUMBERS),
        "mood": cells(OTHERS),
        "country": cells(COMMUNITIES),
        "person": cells(IDS),
        "Consent": st.sampled_from(["yes", "no", None, "perhaps"]),
        "responses": cells(OTHERS),
    },
)
PLAIN = st.fixed_dictionaries(
    {
        name: st.sampled_from(["Tea?", "Yes", "No", "A cup"])
        for name in ("prompt", "chosen", "rejected")
    },
    optional={"id": IDS, "rater": IDS, "community": COMMUNITIES, "weight": NUMBERS, "mood": OTHERS},
)
