import numpy as np
import pytest

from pluralign.core import consent_problem, consents

GIVEN = [True, np.True_, 1, 1.0, "1", "1.0", "true", "TRUE", "Yes", "y", "yes, I consent",
         "given", "granted",
         "I agree", "agreed", "accepted", "signed", "opted in", "consented",
         "\u00a0yes "]  # fmt: skip
REFUSED = [False, np.False_, 0, 0.0, "0", "0.0", "false", "FALSE", "No", "n", "no, thanks",
           "refused", "Declined",
           "denied", "withdrawn", "Withdrawn 2024-05-01", "withdrew", "revoked", "I do not consent",
           "not given",
           "not provided", "prefer not to say", "I’d rather not say",
           "opted out", "opt_out", "I don’t agree", "consent withdrawn"]  # fmt: skip
UNSET = [None, "", float("nan"), "NA", "n/a", "-", "None", "unknown"]


@pytest.mark.parametrize("value", GIVEN, ids=repr)
def test_a_row_of_a_person_who_agreed_may_be_used(value: object) -> None:
    assert consents(value) is True
    assert consent_problem({"consent": value}) is None


@pytest.mark.parametrize("value", REFUSED, ids=repr)
@pytest.mark.parametrize("column", ["consent", "Consent", "consent_status"])
def test_a_row_of_a_person_who_refused_or_withdrew_may_not(value: object, column: str) -> None:
    assert consents(value) is False
    assert consent_problem({column: value}) == "consent refused or withdrawn"


@pytest.mark.parametrize("value", UNSET, ids=repr)
def test_an_empty_cell_is_no_refusal(value: object) -> None:
    assert consent_problem({"consent": value, "withdrawn": value}) is None


@pytest.mark.parametrize("value", ["form 7", "2.0", 2, {"train": True}])
def test_a_value_that_means_neither_is_not_taken_for_consent(value: object) -> None:
    problem = consent_problem({"consent": value})
    assert problem is not None
    assert problem.startswith("consent ")


@pytest.mark.parametrize("value", [True, "yes", 1, "2024-05-01", "withdrawn"])
def test_a_mark_of_withdrawal_overrides_consent(value: object) -> None:
    assert consent_problem({"consent": "yes", "withdrawn": value}) == "consent refused or withdrawn"
    assert consent_problem({"consent": "yes", "withdrawn": False}) is None
    assert consent_problem({"withdrawn": "no"}) is None
