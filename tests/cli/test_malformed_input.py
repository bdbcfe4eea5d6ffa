"""Malformed settings and files: read, or refused with one message and exit code 2, unwritten."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import Result

Call = Callable[..., Result]

DEEP = "[" * 10_000
DIGITS = "9" * 5_000
PARSED = {
    "deep lists": DEEP.encode(),
    "closed deep lists": (DEEP + "]" * 10_000).encode(),
    "deep objects": ('{"a":' * 10_000).encode(),
    "digits": DIGITS.encode(),
    "an object with digits": f'{{"id": {DIGITS}, "prompt": {DIGITS}}}'.encode(),
    "no UTF-8": b'{"prompt": "\xff\xfe\xfa"}',
    "nothing": b"",
    "zeros": b"\0" * 100,
}


def assert_one_message(found: Result, *said: str) -> None:
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"
    assert found.stderr.count("error: ") == 1
    assert len(found.stderr) < 3_000, "it repeats what was given"
    for text in said:
        assert text in found.stderr


@pytest.mark.parametrize("blob", PARSED.values(), ids=PARSED.keys())
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pairs.jsonl", ["data", "show", "FILE"]),
        ("pairs.json", ["data", "show", "FILE"]),
        ("pairs.csv", ["data", "show", "FILE"]),
        ("pairs.parquet", ["data", "show", "FILE"]),
        ("pairs.jsonl.gz", ["data", "show", "FILE"]),
        ("answers.jsonl", ["survey", "evaluate", "FILE", "--survey", "SURVEY", "--out", "OUT"]),
        ("answers.jsonl", ["audit", "--answers", "FILE", "--survey", "SURVEY", "--out", "OUT"]),
        ("items.jsonl", ["audit", "--items", "FILE", "--out", "OUT"]),
        ("residents.csv", ["audit", "--residents", "FILE", "--out", "OUT"]),
        (
            "SURVEY/questions.json",
            ["survey", "evaluate", "ANSWERS", "--survey", "SURVEY", "--out", "OUT"],
        ),
        ("SURVEY/survey.json", ["data", "show", "global_opinions", "--set", "path=FILE"]),
        ("run.toml", ["run", "FILE", "--out", "OUT"]),
        ("survey.toml", ["survey", "run", "FILE", "--out", "OUT"]),
        ("self.toml", ["pluralise", "FILE", "--out", "OUT"]),
        ("record.json", ["report", "FOLDER"]),
        ("record.json", ["audit", "FOLDER"]),
        ("results.jsonl", ["report", "FOLDER"]),
        ("record.json", ["every-eval-ever", "FOLDER", "--out", "OUT", "--organisation", "us"]),
        ("card.json", ["score", "FOLDER", "PAIRS"]),
        (
            "template.toml",
            ["survey", "run", "--model", "x", "--survey", "SURVEY", "--strategy", "FILE",
             "--show", "1"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)  # fmt: skip
def test_every_reader_names_a_file_that_cannot_be_parsed(
    call: Call, tmp_path: Path, blob: bytes, name: str, words: list[str]
) -> None:
    folder = tmp_path / "folder"
    (folder / "SURVEY").mkdir(parents=True)
    (folder / name).write_bytes(blob)
    (folder / "results.jsonl").touch()
    (folder / "ANSWERS").write_text("{}")
    (folder / "PAIRS").write_text("{}")
    places = {"FILE": folder / name, "FOLDER": folder, "OUT": tmp_path / "out"}
    places |= {word: folder / word for word in ("SURVEY", "ANSWERS", "PAIRS")}
    found = call(
        *[
            str(places.get(word, word)).replace("path=FILE", f"path={folder / name}")
            for word in words
        ]
    )
    assert found.exit_code in {0, 2}, found.output
    if found.exit_code:
        assert_one_message(found)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "'nan'", "'inf'", "1e999", "'1e999'"])
@pytest.mark.parametrize(
    "key",
    [
        "fit.ridge",
        "scpo.tau",
        "scpo.beta",
        "adaptive.guard",
        "split.test",
        "trunk.interaction",
        "reference.ridge",
    ],
)
@pytest.mark.parametrize("how", ["--set", "file"])
def test_a_number_that_is_not_finite_is_refused_wherever_it_is_set(
    call: Call, config: Path, key: str, value: str, how: str
) -> None:
    if how == "file":
        table, _, name = key.partition(".")
        text = (
            config.read_text(encoding="utf-8")
            .replace("ridge = 1.0\n", "")
            .replace("[fit]\n", "")
            .replace("[reference]\n", "")
        )
        text = text.replace('fit_on = ["~world"]\n', "").replace('[trunk]\nencoder = "hash"\n', "")
        config.write_text(f"{text}\n[{table}]\n{name} = {value}\n", encoding="utf-8")
        assert_one_message(call("run", config, "--explain"), "tiny.toml")
    else:
        assert_one_message(
            call("run", config, "--explain", "--set", f"{key}={value}"), key.partition(".")[0]
        )


@pytest.mark.parametrize(
    "name", ["../../x", "/tmp/x", "..", ".", "a/b", "a\\\\b", "", " ", "a\\u0000b", "x" * 5_000]
)
@pytest.mark.parametrize("command", [["run"], ["survey", "run"], ["pluralise"]])
def test_a_name_that_leads_out_of_its_folder_is_refused(
    call: Call, tmp_path: Path, command: list[str], name: str
) -> None:
    needed = {"run": '[pairs]\nsource = "jsonl"\npath = "x"\n', "survey": "", "pluralise": ""}[
        command[0]
    ]
    others = {
        "run": "",
        "survey": '[survey]\nsource = "wvs"\n[model]\nname = "x"\n',
        "pluralise": '[survey]\nsource = "wvs"\n[model]\nname = "x"\n',
    }[command[0]]
    (tmp_path / "a.toml").write_text(f'name = "{name}"\n{needed}{others}')
    assert_one_message(call(*command, tmp_path / "a.toml", "--explain"), "name: must name a folder")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000 + "x" + "]" * 10_000,
        "[[pairs]]\n" * 3 + 'source = "jsonl"',
        "pairs = 1",
        "pairs = [1, 2]",
        "pairs = []",
        "scpo = 1",
        "trunk = []",
        'pairs = {source = "jsonl", path = 3}',
        'pairs = {source = ["jsonl"]}',
        'pairs = {source = "jsonl", path = "a\\u0000b"}',
        'pairs = {source = "jsonl", path = "~nobody-of-that-name/x"}',
        "name = 1979-05-27T07:32:00Z",
        "seed = -1",
        "seed = 0x" + "f" * 9_000,
        "name = '\\",
        "\x00",
    ],
)
def test_strange_toml_is_one_message(call: Call, tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    assert_one_message(call("run", tmp_path / "a.toml", "--explain"), "a.toml")


SECTIONS = (
    *(
        "name",
        "seed",
        "repeats",
        "communities",
        "min_pairs",
        "methods",
        "limit",
        "matrix",
        "pairs",
        "split",
        "fit",
    ),
    *("reference", "trunk", "training", "intervals", "curves", "sensitivity", "adaptive", "scpo"),
)
KEYS = (
    "ridge",
    "tau",
    "beta",
    "by",
    "test",
    "fit_on",
    "encoder",
    "kind",
    "draws",
    "path",
    "source",
    "methods",
    "guard",
)
leaves = st.one_of(
    st.integers(),
    st.integers(min_value=10**290),
    st.floats(),
    st.booleans(),
    st.sampled_from(
        [
            "",
            "nan",
            "MEX",
            "../../x",
            "jsonl",
            "auto",
            "a\0b",
            "~nobody",
            "$HOME",
            "\u202e",
            "x" * 300,
        ]
    ),
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=5,
)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    tables=st.dictionaries(st.sampled_from(SECTIONS), values, max_size=3),
    given=st.lists(values, max_size=2),
)
def test_no_settings_give_a_traceback(
    call: Call, config: Path, tables: dict[str, Any], given: list[Any]
) -> None:
    lines = "\n".join(f"{key} = {toml(value)}" for key, value in tables.items())
    (config.parent / "any.toml").write_text(lines, encoding="utf-8")
    overrides = [
        word
        for k, value in enumerate(given)
        for word in ("--set", f"{SECTIONS[-k]}.{KEYS[k]}={toml(value)}")
    ]
    for file in (config.parent / "any.toml", config):
        found = call("run", file, "--explain", *overrides)
        assert found.exit_code in {0, 2}, found.output
        assert found.exit_code == 0 or isinstance(found.exception, SystemExit), (
            "a traceback would be shown"
        )


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(text=st.text(max_size=60) | st.text(alphabet='a.=[]{}"\n1', max_size=60))
def test_no_text_as_settings_gives_a_traceback(call: Call, config: Path, text: str) -> None:
    (config.parent / "any.toml").write_text(text, encoding="utf-8", errors="surrogatepass")
    found = call("run", config.parent / "any.toml", "--explain")
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"
    found = call("run", config, "--explain", "--set", text)
    assert found.exit_code == 0 or isinstance(found.exception, SystemExit), (
        "a traceback would be shown"
    )


@pytest.mark.parametrize(
    ("key", "value"), [("methods", ["../../x"]), ("methods", ["/etc/x"]), ("seeds", ["../../x"])]
)
def test_a_method_or_seed_of_a_record_leads_to_no_other_folder(
    call: Call, config: Path, key: str, value: list[Any]
) -> None:
    out = config.parent / "out"
    assert call("run", config, "--out", out, "--json").exit_code == 0
    record = json.loads((out / "record.json").read_text())
    del record["manifest"]
    (record if key == "seeds" else record["settings"])[key] = value
    (out / "record.json").write_text(json.dumps(record))
    (out / "manifest.jsonl").unlink()
    assert_one_message(call("audit", out), "cannot be a method of a run")


@pytest.mark.parametrize(
    "change",
    [{"written": 5}, {"written": "soon"}, {"name": []}, {"data": 1}, {"data": {"survey": 1}}],
)
def test_a_record_that_does_not_fit_is_exported_or_named(
    call: Call, config: Path, change: dict[str, Any]
) -> None:
    out = config.parent / "out"
    assert call("run", config, "--out", out, "--json").exit_code == 0
    record = json.loads((out / "record.json").read_text()) | change
    del record["manifest"]
    (out / "record.json").write_text(json.dumps(record))
    (out / "manifest.jsonl").unlink()
    found = call("every-eval-ever", out, "--out", config.parent / "eee", "--organisation", "us")
    assert found.exit_code == 0 or isinstance(found.exception, SystemExit), (
        "a traceback would be shown"
    )
