"""The page on tasks is true: settings, stages, reasons and the example."""

import re
import tomllib
from pathlib import Path

from tests.docs.test_docs import as_written, dotted_defaults

from pluralign.methods.task_data import examples, filtering
from pluralign.settings import TASK_STAGES, AlignTaskSettings, resolve_align_task

PAGE = (Path(__file__).resolve().parents[2] / "docs/task_data.md").read_text(encoding="utf-8")


def test_every_setting_is_on_the_page_with_its_default() -> None:
    written = dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|", PAGE, re.M))
    elsewhere = ("model.", "writer", "tune.")
    wanted = {
        key: as_written(value)
        for key, value in dotted_defaults(AlignTaskSettings)
        if not key.startswith(elsewhere)
    }
    assert {key: written.get(key) for key in wanted} == wanted


def test_every_stage_and_every_reason_is_on_the_page() -> None:
    assert [stage for stage in TASK_STAGES if f"| `{stage}` |" not in PAGE] == []
    source = Path(filtering.__file__).read_text(encoding="utf-8")
    reasons = [*re.findall(r'tally\.drop\("(.*?)"\)', source), examples.FORMAT]
    assert len(reasons) == 6
    assert [reason for reason in reasons if f"| {reason} |" not in PAGE] == []
    assert f"| {examples.NOT_AN_OPTION} |" in PAGE


def test_the_settings_example_resolves(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)
    for name in ("examples.jsonl", "test.jsonl"):
        (tmp_path / name).write_text('{"prompt": "Tea?", "answer": "Yes."}\n')
    for folder in ("mexico", "britain"):
        (tmp_path / "documents" / folder).mkdir(parents=True)
    resolved = resolve_align_task(tomllib.loads(block), base=tmp_path, where="example")
    assert [one.community for one in resolved.settings.documents] == ["MEX", "GBR"]
