import math
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidSettings
from pluralign.settings import built, explain, read_settings, resolve
from pluralign.settings.resolved_experiment import Resolved
from pluralign.sources import JsonlPairs, PrismPairs


def resolved(tables: dict[str, Any], *overrides: str, base: Path = Path()) -> Resolved:
    return resolve(tables, base=base, where="tiny.toml", overrides=overrides)


@pytest.mark.parametrize(
    ("override", "place", "hint"),
    [
        ("nmae='x'", "tiny.toml: nmae", "did you mean 'name'?"),
        ("spilt.by='rater'", "tiny.toml: spilt", "did you mean 'split'?"),
        ("split.bye='rater'", "tiny.toml: split.bye", "did you mean 'by'?"),
        ("split.zzz=1", "tiny.toml: split.zzz", "known: by, test, train, draw, test_where"),
        ("trunk.encodr='hash'", "tiny.toml: trunk.encodr", "did you mean 'encoder'?"),
        ("scpo.tua=0.5", "tiny.toml: scpo.tua", "did you mean 'tau'?"),
        ("adaptive.gaurd=1", "tiny.toml: adaptive.gaurd", "did you mean 'guard'?"),
        ("pairs.sede=1", "tiny.toml: pairs.sede", "did you mean 'seed'?"),
        ("sensitivity.taus=[0.5]", "tiny.toml: sensitivity.taus", "did you mean 'tau'?"),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_the_nearest(
    tables: dict[str, Any], override: str, place: str, hint: str
) -> None:
    with pytest.raises(InvalidSettings, match="unknown key") as caught:
        resolved(tables, override)
    assert (caught.value.where, caught.value.hint) == (place, hint)


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ("scpo.tau=0", "tiny.toml: scpo"),
        ("scpo.tau=1.01", "tiny.toml: scpo"),
        ("scpo.tau=nan", "tiny.toml: scpo"),
        ("scpo.tau='high'", "tiny.toml: scpo"),
        ("scpo.beta=0", "tiny.toml: scpo"),
        ("scpo.beta=-1", "tiny.toml: scpo"),
        ("scpo.beta=inf", "tiny.toml: scpo"),
        ("scpo.ridge=0", "tiny.toml: scpo"),
        ("scpo=3", "tiny.toml: scpo"),
        ("full.ridge=-1", "tiny.toml: full"),
        ("adaptive.guard=-1", "tiny.toml: adaptive"),
        ("sensitivity.tau=[1.5]", "tiny.toml: sensitivity.tau.0"),
        ("sensitivity.beta=[1.1, 0]", "tiny.toml: sensitivity.beta.1"),
        ("split.test=0", "tiny.toml: split.test"),
        ("split.test=1.0", "tiny.toml: split.test"),
        ("split.by='moon'", "tiny.toml: split.by"),
        ("split=3", "tiny.toml: split"),
        ("seed=-1", "tiny.toml: seed"),
        ("repeats=0", "tiny.toml: repeats"),
        ("limit=0", "tiny.toml: limit"),
        ("intervals.draws=10", "tiny.toml: intervals.draws"),
        ("trunk.kind='oracle'", "tiny.toml: trunk.kind"),
        ("trunk.interaction=-1", "tiny.toml: trunk.interaction"),
        ("reference.ridge=0", "tiny.toml: reference.ridge"),
        ("name=''", "tiny.toml: name"),
        ("pairs.thin=-1", "tiny.toml: pairs"),
        ("pairs.thin='few'", "tiny.toml: pairs.thin"),
        ("curves.fractions=[0]", "tiny.toml: curves.fractions.0"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_place(
    tables: dict[str, Any], override: str, place: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        resolved(tables, override)
    where = str(caught.value.where)
    assert where == place or where.startswith(f"{place}.")


@pytest.mark.parametrize(("value", "key"), [(math.nan, "tau"), (2.0, "tau"), (0.0, "beta")])
def test_a_table_is_checked_though_its_method_does_not_run(
    tables: dict[str, Any], value: float, key: str
) -> None:
    with pytest.raises(InvalidSettings, match=key):
        resolved(tables | {"methods": ["full"], "scpo": {key: value}})


@pytest.mark.parametrize(
    ("change", "what", "where", "hint"),
    [
        (
            {"methods": ["scop"]},
            "there is no method 'scop'",
            "tiny.toml: methods",
            "did you mean 'scpo'?",
        ),
        ({"methods": ["full", "full"]}, "each method once", "tiny.toml", None),
        ({"methods": []}, "at least one method", "tiny.toml", None),
        (
            {"pairs": {"source": "sosiety"}},
            "there is no source 'sosiety'",
            "tiny.toml: pairs.source",
            "did you mean 'society'?",
        ),
        (
            {"pairs": {"each": 3}},
            "a source must be named",
            "tiny.toml: pairs",
            'add source = "..."',
        ),
        (
            {"pairs": {"source": "jsonl"}},
            "this setting is needed",
            "tiny.toml: pairs.path",
            "add path = ",
        ),
        ({"pairs": ()}, "exactly one of", "tiny.toml", None),
        (
            {"communities": ["Mexcio"]},
            "no community is known as 'Mexcio'",
            "tiny.toml: communities",
            "MEX",
        ),
        ({"communities": []}, "must name at least one community", "tiny.toml: communities", None),
        (
            {"communities": ["GBR", "Britain"]},
            "'GBR' is named twice",
            "tiny.toml: communities",
            "once",
        ),
        (
            {"reference": {"fit_on": ["Atlantis"]}},
            "no community is known as 'Atlantis'",
            "tiny.toml: reference.fit_on",
            None,
        ),
        (
            {"reference": {"fit_on": []}},
            "must name at least one community",
            "tiny.toml: reference",
            None,
        ),
        (
            {"reference": {"fit_on": "pooled", "model": "m"}},
            "only one of fit_on and model",
            "tiny.toml: reference",
            None,
        ),
        ({"split": {"by": "files"}}, "train and test must be files", "tiny.toml: split", None),
        (
            {"split": {"by": "rater", "test": "b.jsonl"}},
            "train and test must be files",
            "tiny.toml: split",
            None,
        ),
        ({"split": {"by": "prism"}}, "is for PRISM only", "tiny.toml: split.by", "use rater"),
        (
            {"curves": {"fractions": [0.5], "methods": ["pooled"]}},
            "curves.methods must be among methods, got pooled",
            "tiny.toml",
            None,
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(
    tables: dict[str, Any], change: dict[str, Any], what: str, where: str, hint: str | None
) -> None:
    with pytest.raises(InvalidSettings, match=what) as caught:
        resolved(tables | change)
    assert caught.value.where == where
    assert (hint or "") in (caught.value.hint or "")


def test_an_override_wins_and_keeps_its_type(tables: dict[str, Any]) -> None:
    found = resolved(
        tables,
        "scpo.tau=0.6",
        "repeats=2",
        'communities=["Britain"]',
        "trunk.encoder=hash",
        "name = x y",
    )
    settings = found.settings
    assert (settings.repeats, settings.communities, settings.trunk.encoder) == (2, ("GBR",), "hash")
    assert settings.name.strip() == "x y"
    assert found.given["scpo"] == {"tau": 0.6}
    assert found.given["full"] == {}


def test_an_override_leaves_the_tables_it_was_given_untouched(tables: dict[str, Any]) -> None:
    resolved(tables, "split.test=0.3", "pairs.each=10")
    assert "split" not in tables
    assert tables["pairs"]["each"] == 60


@pytest.mark.parametrize("text", ["scpo.tau", "=3", "name.first=1", "pairs.7.each=3", "pairs=3"])
def test_an_override_that_makes_no_sense_is_refused(tables: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidSettings):
        resolved(tables | {"pairs": [tables["pairs"]]}, text)


def test_one_of_several_sources_is_overridden_by_its_number(tables: dict[str, Any]) -> None:
    found = resolved(tables | {"pairs": [tables["pairs"], tables["pairs"]]}, "pairs.1.each=7")
    assert [s.each for s in found.sources] == [60, 7]  # type: ignore[attr-defined]
    with pytest.raises(InvalidSettings, match=r"is a list") as caught:
        resolved(tables | {"pairs": [tables["pairs"]]}, "pairs.each=7")
    assert "pairs.0.path" in str(caught.value.hint)


def test_every_setting_has_the_origin_of_its_value(tables: dict[str, Any]) -> None:
    lines = {
        line.key: (line.value, line.origin)
        for line in explain(resolved(tables, "scpo.tau=0.6", "pairs.thin=9"))
    }
    assert lines["name"] == ("tiny", "tiny.toml")
    assert lines["scpo.tau"] == ("0.6", "--set")
    assert lines["scpo.beta"] == ("1.1", "default")
    assert lines["pairs.0.source"] == ("society", "tiny.toml")
    assert lines["pairs.0.thin"] == ("9", "--set")
    assert lines["pairs.0.world"] == ("150", "tiny.toml")
    assert lines["pairs.0.seed"] == ("0", "default")
    assert lines["limit"] == ("1000000", "default")
    assert lines["reference.fit_on"] == ("['~world']", "tiny.toml")
    assert lines["full.ridge"] == ("1.0 (fit.ridge)", "default")


def test_each_of_several_sources_has_the_origin_of_its_values(tables: dict[str, Any]) -> None:
    several = tables | {
        "pairs": [{"source": "society", "each": 5}, {"source": "society", "thin": 5}]
    }
    origins = {line.key: line.origin for line in explain(resolved(several, "pairs.1.world=3"))}
    assert [origins[f"pairs.{k}.{name}"] for k in (0, 1) for name in ("each", "thin", "world")] == [
        "tiny.toml", "default", "default", "default", "tiny.toml", "--set",
    ]  # fmt: skip


def test_relative_paths_start_from_the_settings_file(
    tables: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "pairs.jsonl").write_text("{}")
    (source,) = resolved(
        tables | {"pairs": {"source": "jsonl", "path": "pairs.jsonl"}}, base=tmp_path
    ).sources
    assert isinstance(source, JsonlPairs)
    assert source.path == tmp_path.resolve() / "pairs.jsonl"


def test_a_path_is_filled_in_from_the_environment(
    tables: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pairs.jsonl").write_text("{}")
    pairs = tables | {"pairs": {"source": "jsonl", "path": "${PLURALIGN_TEST_PLACE}/pairs.jsonl"}}
    with pytest.raises(InvalidSettings, match="PLURALIGN_TEST_PLACE is not set") as caught:
        resolved(pairs)
    assert caught.value.where == "tiny.toml: pairs.path"
    monkeypatch.setenv("PLURALIGN_TEST_PLACE", str(tmp_path))
    (source,) = resolved(pairs).sources
    assert isinstance(source, JsonlPairs)
    assert source.path.parent == tmp_path.resolve()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"pairs": {"source": "jsonl", "path": "no.jsonl"}}, "tiny.toml: pairs.path"),
        ({"reference": {"model": "no/model"}}, "tiny.toml: reference.model"),
        (
            {"pairs": (), "split": {"by": "files", "train": "a.jsonl", "test": "b.jsonl"}},
            "tiny.toml: split.train",
        ),
    ],
)
def test_a_file_that_is_not_there_is_named_by_its_setting(
    tables: dict[str, Any], change: dict[str, Any], where: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSettings, match="no such file or folder") as caught:
        resolved(tables | change, base=tmp_path)
    assert caught.value.where == where


@pytest.mark.parametrize("content", [b"name = ", b"[pairs\n", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidSettings, match="not valid TOML") as caught:
        read_settings(path)
    assert caught.value.where == str(path)


def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"no such file(.|\n)*pluralign init"):
        read_settings(tmp_path / "no.toml")
    with pytest.raises(InvalidSettings, match="cannot be read"):
        read_settings(tmp_path)


def test_the_prism_split_takes_prism(tables: dict[str, Any], tmp_path: Path) -> None:
    found = resolved(
        tables | {"pairs": {"source": "prism", "path": str(tmp_path)}, "split": {"by": "prism"}}
    )
    assert isinstance(found.sources[0], PrismPairs)


def test_a_refusal_of_a_source_is_reported_with_its_place() -> None:
    with pytest.raises(InvalidSettings) as caught:
        built(PrismPairs, {}, Path(), "tiny.toml: pairs")
    assert str(caught.value.where).startswith("tiny.toml: pairs")


def test_a_file_or_its_tables_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pairs.jsonl").write_text("{}", encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text('[pairs]\nsource = "jsonl"\npath = "pairs.jsonl"\n', encoding="utf-8")
    whole = resolve(read_settings(path), base=tmp_path, where="mine.toml")
    assert resolve(path) == resolve(str(path)) == whole
    monkeypatch.chdir(tmp_path)
    assert resolve(read_settings(path)).sources == whole.sources


def test_settings_without_a_name_are_called_settings() -> None:
    with pytest.raises(InvalidSettings, match="unknown key") as caught:
        resolve({"pairs": {"source": "society"}, "sede": 1})
    assert (caught.value.where, caught.value.hint) == ("settings: sede", "did you mean 'seed'?")


def test_the_repr_describes_an_experiment(tables: dict[str, Any]) -> None:
    assert repr(resolve(tables)) == (
        "Resolved(tiny: 4 methods (reference, length, full, scpo) on 1 source (society), seed 3)"
    )
