"""Secrets are found wherever settings hold them, and stand in nothing that is shown."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import masked, secrets_of, without_secrets

KEYS = st.text(
    "abcdefghijkmnpqrstuvwxyzABCDEFGH0123456789-_+/=@:%", min_size=12, max_size=40
).filter(lambda key: key.strip("-_") == key and len(set(key)) > 4)
PLACES = [
    lambda key: {"base_url": f"https://{quote(key, safe='')}@host/v1"},
    lambda key: {"base_url": f"https://ann:{quote(key, safe='')}@host/v1"},
    lambda key: {"base_url": f"https://host/v1?x=1&api_key={quote(key, safe='')}"},
    lambda key: {"base_url": f"https://host/v1?token={quote(key, safe='')}#x"},
    lambda key: {"extra_body": {"api_key": key}},
    lambda key: {"extra_body": {"a": [{"accessToken": key}]}},
    lambda key: {"extra_body": {"headers": {"X-Whatever": key}}},
    lambda key: {"extra_body": {"credentials": {"first": [key]}}},
    lambda key: {"Authorization": f"Bearer {key}"},
    lambda key: {"password": key},
]


@pytest.mark.parametrize("place", PLACES)
@given(key=KEYS)
def test_a_key_is_found_and_masked_anywhere_in_the_settings(place: Any, key: str) -> None:
    settings = place(key)
    shown = json.dumps(without_secrets(settings))

    assert key not in shown
    assert quote(key, safe="") not in shown
    assert "***" in shown
    assert key in secrets_of(settings)
    assert key not in masked(f"refused: {key!s} of {json.dumps(settings)}", secrets_of(settings))


@given(
    st.recursive(
        st.none() | st.integers() | st.text("abc 019.,", max_size=9),
        lambda inner: st.dictionaries(
            st.sampled_from(["max_tokens", "top_k", "stop", "name", "keywords"]), inner
        ),
    )
)
def test_settings_without_secrets_stay_as_they_are(settings: Any) -> None:
    assert without_secrets(settings) == settings
    assert not secrets_of(settings)


def test_the_name_of_the_variable_with_a_key_is_not_a_secret() -> None:
    assert without_secrets({"api_key_env": "OPENAI_API_KEY"}) == {"api_key_env": "OPENAI_API_KEY"}
