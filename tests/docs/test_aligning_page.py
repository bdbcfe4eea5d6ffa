"""The page on language models that follow a community is true: settings, stages and commands."""

import re
import tomllib
from pathlib import Path

from tests.docs.test_docs import as_written, dotted_defaults
from typer.main import get_command

from pluralign.cli.main import app
from pluralign.settings import ALIGN_STAGES, AlignSettings, resolve_align
from pluralign.settings.pass_file import read_pass_file

PAGE = (Path(__file__).resolve().parents[2] / "docs/aligning.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)


def test_every_setting_is_on_the_page_with_its_default() -> None:
    written = dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|", PAGE, re.M))
    wanted = {
        k: as_written(v) for k, v in dotted_defaults(AlignSettings) if not k.startswith("model.")
    }
    assert {key: written.get(key) for key in wanted} == wanted


def test_every_stage_is_on_the_page() -> None:
    assert [stage for stage in ALIGN_STAGES if f"| `{stage}` |" not in PAGE] == []


def test_every_option_that_the_page_names_exists() -> None:
    command = get_command(app).commands["align"].loaded  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}
    blocks = re.findall(r"^```sh\n(pluralign align .*?)^```", PAGE, re.M | re.S)
    words = [word for block in blocks for word in block.split()]
    assert {word for word in words if word.startswith("-")} <= options


def test_the_settings_example_resolves(tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if "[prompts]" in block]
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "Tea?"}\n')
    resolved = resolve_align(tomllib.loads(block), base=tmp_path, where="example")
    assert resolved.settings.sample.n == 16
    assert resolved.settings.communities == ("MEX", "GBR")
    for part in BLOCKS:
        if "[palette]" in part:
            added = {"methods": ["raft"]} | tomllib.loads(block) | tomllib.loads(part)
            resolve_align(added, base=tmp_path, where="example with a palette")


def test_the_example_of_conditions_is_valid(tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if "[[condition]]" in block]
    (tmp_path / "pass.toml").write_text(block)
    assert len(read_pass_file(tmp_path / "pass.toml").conditions.condition) == 2
