"""The configs of policies that the repository has are valid."""

from pathlib import Path

import pytest

from pluralign.core import InvalidSettings
from pluralign.settings import resolve_align

CONFIGS = Path(__file__).resolve().parents[2] / "configs/align"


def test_cultural_palette_trains_an_agent_of_each_continent_by_orpo_and_combines_them(tmp_path):
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "Tea?", "community": "~asia"}\n')
    config = CONFIGS / "cultural-palette.toml"
    settings = resolve_align(config, overrides=[f'prompts.path="{prompts}"']).settings
    assert settings.communities == ("~africa", "~america", "~asia", "~europe", "~oceania")
    assert settings.tuned == ("orpo",)
    assert settings.tune.kinds == ("specific",)
    assert settings.palette.shares == "by-prompt"
    assert set(settings.palette.combine) == {"weights", "outputs", "drafts"}


def test_a_mistyped_way_of_sharing_is_refused_with_the_near_one(tmp_path):
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "Tea?"}\n')
    given = {
        "prompts": {"path": str(tmp_path / "prompts.jsonl")},
        "model": {"name": "m"},
        "reward": {"model": "http://127.0.0.1:1"},
        "palette": {"shares": "by-promt"},
    }
    with pytest.raises(InvalidSettings, match=r"'by-promt' is not known: did you mean 'by-prompt'"):
        resolve_align(given)


@pytest.mark.parametrize("table", ["route", "palette", "evaluate"])
def test_encoders_of_policies_may_not_be_servers(table, tmp_path):
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "Tea?"}\n')
    given = {
        "prompts": {"path": str(tmp_path / "prompts.jsonl")},
        "model": {"name": "m"},
        "reward": {"model": "http://127.0.0.1:1"},
        table: {"encoder": "endpoint"},
    }
    with pytest.raises(InvalidSettings, match=r"only trunk\.encoder may be servers") as error:
        resolve_align(given)
    assert f"{table}.encoder" in str(error.value)
