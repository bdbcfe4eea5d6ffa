"""What the pages say is true: settings, commands, links and examples."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.main import get_command
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.core import rng_for
from pluralign.settings import (
    METHODS,
    SOURCES,
    PluraliseSettings,
    SurveySettings,
    built,
    method_named,
    names,
    resolve,
    source_named,
)
from pluralign.settings.experiment import Settings
from pluralign.settings.explained import meanings_of
from pluralign.settings.meanings import Meaning, meanings_of_class, tables_in
from pluralign.settings.registry import method_sections
from pluralign.settings.variants import SettingsVariant
from pluralign.simulation import default_society
from pluralign.sources import JsonlPairs

ROOT = Path(__file__).resolve().parents[2]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/guide.md")}
EVERY_PAGE = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_PLACES = ("path", "texts", "questions", "train", "test", "model")
_LONG = ("align", "demo", "export", "pluralise", "serve")
SECTIONS = (
    *("scpo.", "full.", "pooled.", "adaptive.", "lore.", "pal."),
    *("map.", "group-dro.", "vpl.", "gpo.", "props.", "person-means."),
)
_ELSEWHERE = {"wvs"}
"""Real data, which no checkout has: tests of their own run such commands."""
_ABBREVIATED = (
    "methods",
    "pairs",
    "exclude_questions",
    "full.ridge",
    "pooled.ridge",
    "scpo.ridge",
    "props.ridge",
)


def blocks(language: str, *pages: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    found = (
        re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.M | re.S)
        for page in pages or PAGES
    )
    return [block for blocks_of_page in found for block in blocks_of_page]


def commands() -> list[list[str]]:
    lines = (
        line.strip() for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines()
    )
    ours = (line.split(" | ")[0] for line in lines if line.startswith("pluralign "))
    return [shlex.split(line)[1:] for line in ours]


def rows() -> list[list[str]]:
    """The cells of every table row of the guide."""
    lines = (line for line in PAGES["docs/guide.md"].splitlines() if line.startswith("| `"))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def dotted_defaults(model: type[BaseModel], head: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        tables = list(tables_in(field.annotation))
        kinds: dict[str, Any] = {}
        for table in tables:
            for key, default in dotted_defaults(table, f"{head}{name}."):
                kinds.setdefault(key, default)
        if tables:
            yield from kinds.items()
        else:
            default = field.get_default(call_default_factory=True)
            if field.is_required():
                default = None if issubclass(model, SettingsVariant) else MISSING
            yield head + name, default


def dataclass_defaults(cls: type[Any], head: str = "") -> Iterator[tuple[str, Any]]:
    for f in fields(cls):
        made = f.default_factory() if f.default_factory is not MISSING else f.default
        yield head + f.name, made


def as_written(default: Any) -> str:
    if default is MISSING:
        return "needed"
    if default is None:
        return "-"
    return f"`{json.dumps(list(default) if isinstance(default, tuple) else default)}`"


def make_files(tables: Any, folder: Path) -> None:
    """An empty file for everything that a settings file names."""
    for key, value in tables.items() if isinstance(tables, dict) else enumerate(tables):
        if key in _PLACES and isinstance(value, str):
            (folder / value).touch()
        elif isinstance(value, dict | list):
            make_files(value, folder)


def write_pairs(path: Path) -> None:
    """Pairs of simulated people under the communities that the examples name."""
    society = default_society(0)
    lines = []
    for simulated, named in (("~river", "~world"), ("~hill", "MEX"), ("~coast", "GBR")):
        for pair in society.pairs({simulated: 240}, rng_for(0, simulated)):
            row = {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
            lines.append(json.dumps(row | {"community": named, "rater": pair.rater}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documented commands work on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    write_pairs(tmp_path / "pairs.jsonl")
    (tmp_path / "replies.jsonl").write_text(
        '{"prompt": "What matters?", "response": "My family."}\n', encoding="utf-8"
    )
    (tmp_path / "kenya.jsonl").write_text(
        '{"prompt": "What matters?", "chosen": "My family.", "rejected": "Money.", "rater": "a"}\n',
        encoding="utf-8",
    )
    return tmp_path


def test_every_setting_of_an_experiment_is_in_the_guide_with_its_default() -> None:
    written = {cells[0].strip("`"): cells[1] for cells in rows()}
    sections = ((f"{name}.", cls) for name, cls in method_sections().items())
    wanted = dict(dotted_defaults(Settings)) | dict(
        d for head, cls in sections for d in dataclass_defaults(cls, head)
    )
    assert sorted(set(wanted) - set(written)) == []
    shown = {key: written[key] for key in wanted if key not in _ABBREVIATED}
    assert shown == {
        key: as_written(value) for key, value in wanted.items() if key not in _ABBREVIATED
    }


def meanings() -> dict[str, Meaning]:
    """Every setting of an experiment, a survey and CultureSPA, and what its definition says."""
    found = meanings_of(SurveySettings) | meanings_of(PluraliseSettings) | meanings_of(Settings)
    for section, config in method_sections().items():
        for name, meaning in meanings_of_class(config).items():
            found[f"{section}.{name}"] = meaning
    return found


def as_plain_text(cell: str) -> str:
    """The words of a cell without links to other places."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", re.sub(r"; \[see below\]\([^)]*\)", "", cell))


def test_the_guide_gives_every_setting_the_meaning_that_explain_prints() -> None:
    known = meanings_of(Settings) | {k: m for k, m in meanings().items() if k.startswith(SECTIONS)}
    written: dict[str, str] = {}
    for cells in rows():
        if len(cells) == 3:  # the tables of sources, which come later, repeat some keys
            written.setdefault(cells[0].strip("`"), as_plain_text(cells[2]))
    shown = {key: meaning.description for key, meaning in known.items()}
    assert {key: written[key].removesuffix(" |").strip() for key in shown} == shown


def test_every_setting_has_a_meaning_in_sentences() -> None:
    for key, meaning in meanings().items():
        assert meaning.description.endswith("."), key
    for name in names(SOURCES):
        for field, meaning in meanings_of_class(source_named(name)).items():
            assert meaning.description, f"{name}.{field}"


@pytest.mark.parametrize("source", names(SOURCES))
def test_every_field_of_a_source_is_in_the_guide_with_its_default(source: str) -> None:
    section = re.search(rf"^### `{source}`.*?(?=^##)", PAGES["docs/guide.md"], re.M | re.S)
    assert section is not None
    written = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section[0], re.M))
    wanted = dict(dataclass_defaults(source_named(source)))
    assert written.keys() == wanted.keys()
    for key in wanted.keys() - set(_ABBREVIATED):
        assert written[key] == as_written(wanted[key])


@pytest.mark.parametrize("page", PAGES)
def test_every_method_is_on_the_page(page: str) -> None:
    assert [name for name in names(METHODS) if f"`{name}`" not in PAGES[page]] == []
    assert all(method_named(name).about for name in names(METHODS))


@pytest.mark.parametrize("block", blocks("toml"))
def test_every_settings_example_resolves(block: str, tmp_path: Path) -> None:
    tables = tomllib.loads(block)
    make_files(tables, tmp_path)
    resolved = resolve(tables, base=tmp_path, where="example")
    assert resolved.methods


@pytest.mark.parametrize("block", blocks("json"))
def test_every_example_of_pairs_can_be_read(block: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(block, encoding="utf-8")
    pairs = list(built(JsonlPairs, {"path": str(path)}, tmp_path, "example").pairs())
    assert len(pairs) == len(block.splitlines())


def test_every_documented_command_and_option_exists() -> None:
    for words in commands():
        command, path = get_command(app), list(words)
        while path and path[0] in getattr(command, "commands", {}):
            command = command.commands[path.pop(0)]  # type: ignore[attr-defined]
            command = getattr(command, "loaded", command)
        assert not hasattr(command, "commands"), f"no such command: {words}"
        options = {name for p in command.params for name in p.opts} | {"--help"}
        assert {word for word in path if word.startswith("-")} <= options


@pytest.mark.slow
def test_the_documented_commands_run_one_after_the_other(small_world: Path) -> None:
    for words in commands():
        if (
            words[0] in _LONG
            or _ELSEWHERE & set(words)
            or any(w.startswith(("configs/", "recipes/")) for w in words)
        ):
            continue
        small = ["--set", "trunk.encoder=hash", "--set", "repeats=1", "--set", "fit.ridge=3.0"]
        found = CliRunner().invoke(
            app, [*words, *(small if words[0] == "run" else []), *_fresh(words)]
        )
        assert found.exit_code == 0, f"{words}: {found.output}"
    assert (small_world / "runs/mine/record.json").is_file()


def test_the_settings_in_the_readme_are_those_that_init_writes(small_world: Path) -> None:
    found = CliRunner().invoke(app, ["init", "pairs.jsonl", "--out", "mine.toml"])
    assert found.exit_code == 0, found.output
    written = tomllib.loads((small_world / "mine.toml").read_text(encoding="utf-8"))
    shown = tomllib.loads(blocks("toml", "README.md")[0])
    assert written | {"trunk": shown["trunk"]} == shown


def _fresh(words: list[str]) -> list[str]:
    """A folder that holds a run with other settings is begun anew."""
    return ["--fresh"] if words[0] == "run" and "--set" in words else []


def test_every_config_that_a_page_names_is_there() -> None:
    named = {
        word for words in commands() for word in words if word.startswith(("configs/", "recipes/"))
    }
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        if not linked.exists() and linked.name in {"results.md", "methods.png"}:
            continue  # written by docs/build/results_page.py
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), (
                f"{page.name} links to {target}"
            )


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda path: path.name)
def test_no_page_names_a_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(home|work|tmp|root)/", page.read_text(encoding="utf-8"))
