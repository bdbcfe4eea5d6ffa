"""The page on local knowledge is true: its example, commands, keys, sources and faults."""

import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from tests.docs.test_docs import as_written, dotted_defaults
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.settings import KnowledgeSettings
from pluralign.settings.explained import meanings_of
from pluralign.settings.registry import KNOWLEDGE, knowledge_source_named, names
from pluralign.sources import WrittenKnowledge, read_knowledge
from pluralign.sources.knowledge_checks import check_knowledge
from pluralign.sources.knowledge_faults import FaultKind
from pluralign.sources.knowledge_written import HEAD_KEYS, QUESTION_KEYS

ROOT = Path(__file__).resolve().parents[2]
SNACK = {
    "id": "f-1",
    "question": "¿Qué meriendan los niños?",
    "en_question": "What do children eat between meals?",
    "annotations": [{"answers": ["fruta"], "en_answers": ["fruit"], "count": 4}],
}
PAGE = (ROOT / "docs/knowledge.md").read_text(encoding="utf-8")


def test_the_example_is_read_and_has_no_faults(tmp_path: Path) -> None:
    path = tmp_path / "oaxaca.toml"
    (block,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)
    path.write_text(block, encoding="utf-8")
    assert len(read_knowledge(WrittenKnowledge(path)).questions) == 2
    assert check_knowledge(WrittenKnowledge(path)).faults == ()


def test_the_commands_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Mexico.jsonl").write_text(json.dumps(SNACK), encoding="utf-8")
    lines = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)).splitlines()
    assert len(lines) > 3
    for line in lines:
        found = CliRunner().invoke(app, shlex.split(line)[1:])
        # The template is unfinished, which --strict reports.
        assert found.exit_code == (1 if "--strict" in line else 0), found.output


def test_every_key_and_every_source_is_on_the_page() -> None:
    for key in (*HEAD_KEYS, *QUESTION_KEYS):
        assert re.search(rf"`(question\.)?{key}`", PAGE) or key == "question", key
    for name in names(KNOWLEDGE):
        cls = knowledge_source_named(name)
        assert f"| `{name}` | `{cls.__name__}` |" in PAGE
        assert cls.about


def test_every_setting_of_asking_is_on_the_page_with_its_default_and_meaning() -> None:
    table = re.search(r"^\| setting \|.*?\n\n", PAGE, re.M | re.S)
    assert table is not None
    written = dict(re.findall(r"^\| `(\w+)` \| (.*? \| .*?) \|$", table[0], re.M))
    meanings = meanings_of(KnowledgeSettings)
    wanted = {
        key: f"{as_written(default)} | {meanings[key].description}"
        for key, default in dotted_defaults(KnowledgeSettings)
        if "." not in key
    }
    assert {key: written.get(key) for key in wanted} == wanted


def test_every_metric_of_a_model_is_on_the_page() -> None:
    rows = import_module("pluralign.evaluation.knowledge.result_rows")
    metrics = {v for k, v in vars(rows).items() if k.isupper() and isinstance(v, str)}
    assert {m for m in metrics if f"`{m}" not in PAGE} == set()


def test_every_fault_is_on_the_page() -> None:
    table = re.search(r"^\| fault \|.*?\n\n", PAGE, re.M | re.S)
    assert table is not None
    assert [kind for kind in get_args(FaultKind) if kind not in table[0]] == []
