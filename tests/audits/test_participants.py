"""Who took part is told without giving anybody away."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pluralign.audits import Context, Evidence, suppressed, who_took_part
from pluralign.audits.checks import Measured, severity_of
from pluralign.audits.participants import FEWER
from pluralign.audits.participation import (
    PARTICIPATION,
    few_people,
    no_words,
    one_voice,
    terms,
    unlike_residents,
)
from pluralign.core import PreferencePair
from pluralign.languages.speech import Speech

GROUPS = st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 40), max_size=6)


def pair(n: int, rater: str | None = "r", **more: object) -> PreferencePair:
    return PreferencePair(
        f"p{n}", "why?", f"yes {n}", "no", "MEX", rater=rater, source="town", **more
    )  # type: ignore[arg-type]


@given(GROUPS, st.integers(1, 10))
def test_no_group_that_is_too_small_is_reported_or_follows_from_the_rest(
    groups: dict[str, int], small: int
) -> None:
    told = suppressed(groups, small)

    assert sum(told.values()) == (sum(groups.values()) if sum(groups.values()) >= small else 0)
    assert all(n >= small for group, n in told.items() if group != FEWER)
    hidden = [n for group, n in groups.items() if group not in told]
    assert not hidden or told == {} or told[FEWER] >= small


def test_people_too_few_to_report_are_only_counted() -> None:
    pairs = [pair(n, f"r{n}", extra={"gender": "woman"}) for n in range(4)]

    (row,) = who_took_part(Evidence(pairs=pairs), small=5)

    assert (row["raters"], row["pairs"], row["groups"], row["heaviest_share"]) == (4, 4, {}, None)


def test_a_small_group_among_raters_never_shows_in_a_finding() -> None:
    pairs = [pair(n, f"r{n}", extra={"gender": "man" if n < 38 else "woman"}) for n in range(40)]
    evidence = Evidence(pairs=pairs, residents={"MEX": {"gender": {"man": 0.5, "woman": 0.5}}})

    (found,) = unlike_residents(evidence, Context())

    # Two women are told as "five at most": of those told of, 38 of 43 are men.
    assert str(found.claim).count("88 %") == 1  # type: ignore[union-attr]
    assert "95" not in str(found.claim)  # type: ignore[union-attr]


def test_pairs_without_raters_are_not_assessed_for_their_people() -> None:
    evidence = Evidence(pairs=[pair(1, None)])

    for check in (few_people, one_voice):
        (skipped,) = check(evidence, Context())
        assert "shares" in str(skipped)


def test_refused_consent_is_a_risk_and_a_licence_that_is_not_stated_a_note() -> None:
    pairs = [
        pair(1, license="CC0"),
        pair(2, license="not stated"),
        pair(3),
        pair(4, license="CC0", extra={"consent": "No, I do not"}),
    ]

    consent, licence = (
        m for m in terms(Evidence(pairs=pairs), Context()) if isinstance(m, Measured)
    )
    threshold = next(check.threshold for check in PARTICIPATION.checks if check.name == "terms")

    assert (consent.value, severity_of(consent, threshold, 1)) == (0.25, "risk")
    assert consent.rows.ids == ()  # One person who withdrew is counted and not pointed at.
    assert (licence.value, severity_of(licence, threshold, 1)) == (0.5, "note")
    assert licence.rows.ids == ("p2", "p3")


def test_blank_words_are_no_words() -> None:
    pairs = [pair(1, context="  "), replace(pair(2), context="We share at home.")]

    (measured,) = no_words(Evidence(pairs=pairs), Context())

    assert measured.value == 0.5  # type: ignore[union-attr]


def test_where_no_record_has_words_the_claim_says_none_and_not_only_0() -> None:
    (measured,) = no_words(Evidence(pairs=[pair(n) for n in range(3)]), Context())
    assert isinstance(measured, Measured)
    assert str(measured.claim).startswith("None of the 3 records of ")
    for language in ("es", "ar", "hi"):
        said = Speech(language)(measured.claim.template, total=3, subject="x")
        assert "3" in said
        assert "0" not in said
        assert "records" not in said


def test_an_undisclosed_value_does_not_form_a_group() -> None:
    said = ["woman", "man", "Prefer not to say", "nan", "N/A", "", None]
    pairs = [pair(n, f"r{n}", extra={"gender": gender}) for n, gender in enumerate(said)]
    (row,) = who_took_part(Evidence(pairs=pairs), 1)
    assert row["groups"]["gender"] == {"woman": 1, "man": 1}
