"""Tables of several kinds: unions in code, one flat table in files, records and fingerprints."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pluralign.core import InvalidSettings
from pluralign.settings import explain, explain_survey, resolve, resolve_survey
from pluralign.settings.experiment import (
    EmbeddingTrunkSettings,
    Settings,
    TransformerTrunkSettings,
)
from pluralign.settings.explained import meanings_of
from pluralign.settings.survey import EndpointModelSettings, LocalModelSettings, SurveySettings
from pluralign.settings.validation import validated

PAIRS = {"pairs": [{"source": "society"}], "reference": {"fit_on": ["~world"]}}
SURVEY = {"survey": {"source": "society_survey"}}
TRUNK = [
    *(
        "kind",
        "encoder",
        "endpoint",
        "interaction",
        "components",
        "model",
        "community",
        "text",
        "score_text",
        "max_length",
    ),
    *("overlong", "revision", "label", "precision", "attention", "tokens", "trust_remote_code"),
]


def settings(**trunk: Any) -> Settings:
    return validated(Settings, {**PAIRS, "trunk": trunk}, "mine.toml")


def survey(**model: Any) -> SurveySettings:
    return validated(SurveySettings, {**SURVEY, "model": model}, "mine.toml")


def test_a_kind_has_its_own_keys_and_the_first_kind_is_the_default() -> None:
    assert isinstance(settings().trunk, EmbeddingTrunkSettings)
    assert isinstance(settings(kind="transformer", model="m").trunk, TransformerTrunkSettings)
    assert not hasattr(settings().trunk, "max_length")
    assert isinstance(survey(name="m").model, LocalModelSettings)
    assert isinstance(survey(kind="endpoint", name="m").model, EndpointModelSettings)


@pytest.mark.parametrize("trunk", [{}, {"kind": "transformer", "model": "m"}])
def test_a_record_has_the_keys_of_every_kind_in_the_order_that_records_always_had(
    trunk: dict[str, Any],
) -> None:
    written = settings(**trunk).model_dump(mode="json")["trunk"]
    assert list(written) == TRUNK
    assert written["encoder"] == "minilm" and written["max_length"] == 512
    assert written["model"] == trunk.get("model")


def test_a_setting_left_out_of_a_fingerprint_is_left_out_of_every_kind() -> None:
    found = survey(kind="simulated").model_dump(mode="json", exclude={"model": {"device", "name"}})
    assert "device" not in found["model"] and "name" not in found["model"]
    assert found["model"]["concurrency"] == 64


@pytest.mark.parametrize(
    ("trunk", "where", "words"),
    [
        ({"model": "m"}, "trunk.model", 'model belongs to kind = "transformer", and kind is "emb'),
        ({"kind": "transformer"}, "trunk.model", "this setting is needed"),
        ({"kind": "transformr"}, "trunk.kind", "must be 'embedding' or 'transformer'"),
        ({"encodr": "hash"}, "trunk.encodr", "unknown key"),
        ({"interaction": -1}, "trunk.interaction", "greater than or equal to 0"),
        ({"components": 65}, "trunk.components", "less than or equal to 64"),
    ],
)
def test_a_fault_in_a_table_of_several_kinds_is_named_with_its_key(
    trunk: dict[str, Any], where: str, words: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        settings(**trunk)
    assert caught.value.where == f"mine.toml: {where}"
    assert words in caught.value.what


def test_a_near_key_of_the_same_kind_is_offered() -> None:
    with pytest.raises(InvalidSettings) as caught:
        settings(encodr="hash")
    assert "encoder" in str(caught.value.hint)


def test_a_table_that_is_no_table_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="must be 'local' or 'endpoint' or 'simulated'"):
        validated(SurveySettings, {**SURVEY, "model": "gpt"}, "mine.toml")


def test_a_table_that_is_missing_is_asked_for_by_its_own_name() -> None:
    with pytest.raises(InvalidSettings, match="this setting is needed") as caught:
        validated(SurveySettings, SURVEY, "mine.toml")
    assert caught.value.where == "mine.toml: model"


def test_a_model_that_is_asked_needs_a_name_and_a_simulated_one_does_not() -> None:
    with pytest.raises(InvalidSettings, match="is needed"):
        survey(kind="endpoint")
    assert survey(kind="simulated").model.name == ""


def test_set_reaches_the_keys_of_a_kind(tmp_path: Path) -> None:
    resolved = resolve(
        PAIRS, base=tmp_path, where="mine.toml", overrides=["trunk.encoder=hash", "repeats=2"]
    )
    assert resolved.settings.trunk == EmbeddingTrunkSettings(encoder="hash")


def test_the_schema_distinguishes_kinds() -> None:
    schema = SurveySettings.model_json_schema()
    names = {ref["$ref"].rpartition("/")[2] for ref in schema["properties"]["model"]["oneOf"]}
    assert names == {"LocalModelSettings", "EndpointModelSettings", "SimulatedModelSettings"}
    assert "base_url" not in schema["$defs"]["LocalModelSettings"]["properties"]


def test_the_kind_is_explained_with_every_kind_that_there_is() -> None:
    meanings = meanings_of(SurveySettings)
    assert meanings["model.kind"].allowed == "local | endpoint | simulated"
    assert meanings["model.base_url"].description.startswith("Address")
    assert meanings_of(Settings)["trunk.kind"].values == ("embedding", "transformer")


@pytest.mark.parametrize(
    ("trunk", "listed", "left_out"),
    [
        ({}, ["trunk.encoder"], ["trunk.max_length", "training.rank", "reference.part"]),
        (
            {"kind": "transformer", "model": "m"},
            ["trunk.max_length", "training.rank"],
            ["trunk.encoder"],
        ),
        (
            {"kind": "transformer", "model": "m", "community": "head"},
            ["trunk.max_length"],
            ["trunk.encoder", "training.rank"],
        ),
    ],
)
def test_only_settings_of_the_chosen_kind_are_explained(
    trunk: dict[str, Any], listed: list[str], left_out: list[str]
) -> None:
    found = {line.key: line for line in explain(resolve({**PAIRS, "trunk": trunk}))}
    assert found.keys() >= set(listed)
    assert not found.keys() & set(left_out)
    other = "embedding" if trunk else "transformer"
    assert found["trunk.kind"].description.endswith(
        f"Only the settings of this kind are listed; `{other}` has others."
    )


def test_a_survey_explains_the_kind_of_its_model() -> None:
    tables = {**SURVEY, "model": {"kind": "simulated"}}
    found = {line.key: line for line in explain_survey(resolve_survey(tables))}
    assert "model.knowledge" in found
    assert "model.base_url" not in found
    assert "`local` and `endpoint` have others" in found["model.kind"].description


def test_a_table_of_one_kind_cannot_be_changed_into_another() -> None:
    with pytest.raises(ValidationError):
        EmbeddingTrunkSettings(kind="transformer")  # type: ignore[arg-type]
