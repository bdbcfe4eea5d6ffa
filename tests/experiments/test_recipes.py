"""Every recipe can be run: rehearsed from its model's configuration, without hub and data."""

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pluralign.cli.main import app
from pluralign.core import InvalidSettings, Tally, rng_for
from pluralign.experiments import run_experiment
from pluralign.experiments.rehearsal import rehearse
from pluralign.experiments.rehearsal_pairs import FewPairs, write_prism_sample
from pluralign.settings import read_settings, resolve
from pluralign.settings.published import PUBLISHED
from pluralign.simulation import SocietySource
from pluralign.sources import PrismPairs, split_prism

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*.toml"))
LAUNCHERS = sorted((ROOT / "recipes" / "accelerate").glob("*.yaml"))
SEVEN = ("CHL", "ZAF", "NZL", "AUS", "MEX", "ISR", "CAN")
STAND_IN = {"kind": "transformer", "model": "someone/unknown", "text": "chat"}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own to work in, and no hub: whoever asks for it gets an error."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    pytest.importorskip("trl")
    import torch

    torch.set_num_threads(1)


def dry_run(recipe: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["run", str(recipe), "--dry-run", *words])


def test_there_are_the_recipes_that_the_page_names() -> None:
    named = re.findall(
        r"\| `recipes/([\w-]+\.toml)`", (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    )
    assert sorted(named) == [path.name for path in RECIPES]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_passes_a_rehearsal(
    recipe: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")  # other tests use the system's own meanwhile
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    done = dry_run(recipe, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["pairs"] > 100
    resolved = resolve(read_settings(recipe), base=recipe.parent, where=recipe.name)
    assert [
        f"fit {m.name}" for m in resolved.methods if f"fit {m.name}" not in told["seconds"]
    ] == []
    assert not list(tmp_path.iterdir())
    assert not list(temporary.glob("pluralign-rehearsal-*"))


@pytest.mark.slow
def test_a_rehearsal_describes_itself_and_the_full_run() -> None:
    done = dry_run(ROOT / "recipes" / "heads-prism-deberta.toml")
    assert done.exit_code == 0, done.output
    assert "random weights" in done.output
    assert "numbers mean nothing" in done.output
    assert re.search(r"fit adaptive +\d+\.\d\d s", done.output)
    assert "5 seeds, 9 methods, 7 communities" in done.output


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("training.batches=4", "unknown key"),
        ('communities=["CHL", "Atlantis"]', "no community is known as 'Atlantis'"),
        ('communities=["~world"]', "must be a country"),
        ("scpo.tau=1.7", "tau"),
        ('methods=["adaptive"]', "works on linear heads"),
    ],
)
def test_a_broken_recipe_is_refused_in_words(changed: str, message: str) -> None:
    done = dry_run(ROOT / "recipes" / "scpo-prism-deberta.toml", "--set", changed)
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_steers_to_the_seven_countries_with_five_seeds(recipe: Path) -> None:
    settings = resolve(read_settings(recipe), base=recipe.parent, where=recipe.name).settings
    assert (settings.communities, settings.repeats, settings.name) == (SEVEN, 5, recipe.stem)
    header = recipe.read_text(encoding="utf-8").partition("\nname =")[0]
    for needed in (
        "--dry-run",
        "accelerate launch",
        "estimated",
        "arXiv",
        f"recipes/{recipe.name}",
    ):
        assert needed in header


def test_the_published_recipe_is_as_published() -> None:
    path = ROOT / "recipes" / "scpo-prism-deberta.toml"
    settings = resolve(read_settings(path), base=path.parent, where=path.name).settings
    for section, values in PUBLISHED.items():
        assert {key: getattr(getattr(settings, section), key) for key in values} == values
    assert settings.split.by == "prism"


def test_each_difference_to_the_published_way_can_be_set_alone() -> None:
    """As the recipe with our defaults lists them; together they are the published way."""
    path = ROOT / "recipes" / "scpo-prism-deberta-ours.toml"
    header = path.read_text(encoding="utf-8").partition("\nname =")[0]
    listed = re.findall(r"(?<= )((?:trunk|training|split)\.\w+=[\w.-]+)", header)
    keys = {text.partition("=")[0] for text in listed}
    published = {f"{section}.{key}" for section, values in PUBLISHED.items() for key in values}
    assert published - keys <= {"trunk.max_length"}  # the same in both
    raw = {"methods": ["full", "scpo"]}
    for text in listed:
        resolve(read_settings(path) | raw, base=path.parent, where="one", overrides=[text])
    together = resolve(
        read_settings(path) | raw, base=path.parent, where="all", overrides=listed
    ).settings
    for section, values in PUBLISHED.items():
        assert {key: getattr(getattr(together, section), key) for key in values} == values


@pytest.mark.parametrize("path", LAUNCHERS, ids=lambda path: path.stem)
def test_accelerate_reads_every_launcher_file(path: Path) -> None:
    pytest.importorskip("accelerate")
    from accelerate.commands.config.config_args import load_config_from_file

    kind = load_config_from_file(str(path)).distributed_type.value
    assert kind == {"ddp": "MULTI_GPU", "fsdp": "FSDP"}.get(path.stem, "DEEPSPEED")


@pytest.mark.parametrize(
    "sharding", [{"ACCELERATE_USE_FSDP": "true"}, {"ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}]
)
def test_adapters_are_refused_where_the_launcher_takes_the_model_apart(
    sharding: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = ROOT / "recipes" / "scpo-prism-tulu-8b.toml"
    for key, value in sharding.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(InvalidSettings, match="takes the model apart"):
        run_experiment(
            resolve(read_settings(path), base=path.parent, where=path.name), tmp_path / "out"
        )


def test_the_sample_has_people_of_every_country_on_both_sides_of_the_published_split(
    tmp_path: Path,
) -> None:
    source = write_prism_sample(tmp_path, SEVEN, rng_for(1, "sample"))
    tally = Tally()
    pairs = list(PrismPairs(source.path).pairs(tally))
    split = split_prism(pairs, source.published_test_raters())
    for side in (split.train, split.test):
        assert {pairs[i].community for i in side.tolist()} == set(SEVEN)
    assert not tally.dropped


def test_few_pairs_are_the_first_of_each_community_and_the_rest_are_counted() -> None:
    tally = Tally()
    few = list(
        FewPairs(SocietySource(each=50, thin=50, world=50), ("~hill", "~coast"), 6, 2).pairs(tally)
    )
    assert {c: sum(p.community == c for p in few) for c in ("~hill", "~coast", "~world")} == {
        "~hill": 6,
        "~coast": 6,
        "~world": 0,
    }
    assert max(sum(p.rater == q.rater for p in few) for q in few) <= 2
    assert tally.balanced
    assert tally.left_out.total() == tally.kept - 12


@pytest.mark.slow
@pytest.mark.parametrize("source", ["own", "society"])
def test_ones_own_file_is_rehearsed_with_its_first_pairs(
    source: str, tmp_path: Path, rows: list[dict[str, Any]], write_rows: Callable[..., Path]
) -> None:
    write_rows(tmp_path / "pairs.jsonl", rows)
    pairs = {"source": "jsonl", "path": "pairs.jsonl"} if source == "own" else {"source": "society"}
    tables = {
        "pairs": pairs,
        "reference": {"fit_on": ["~world"]},
        "trunk": STAND_IN,
        "methods": ["full"],
        "communities": ["~hill"],
    }
    done = rehearse(resolve(tables, base=tmp_path, where="mine"))
    assert done.pairs == {"own": 48 + 40, "society": 48 + 48}[source]  # the file has 40 of ~hill
    assert any("a Llama" in line for line in done.stood_in)


@pytest.mark.slow
def test_linear_heads_on_embeddings_are_rehearsed_too(tmp_path: Path) -> None:
    tables = {
        "pairs": {"source": "prism", "hub": True},
        "methods": ["full", "scpo"],
        "split": {"by": "both"},
    }
    done = rehearse(resolve(tables, base=tmp_path, where="mine"))
    assert any("hashed words" in line for line in done.stood_in)
