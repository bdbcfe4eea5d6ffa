"""``pluralign knowledge`` writes a template, and checks tests of knowledge."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Call = Callable[..., Result]
OnScreen = Callable[..., str]

CAPITAL = {
    "id": "ck-1",
    "question": "پایتخت ایران کجاست؟",
    "candidates": ["شیراز", "تهران"],
    "answer": "۲",
}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def write_rows(path: str, *rows: object) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    Path(path).write_text(text, encoding="utf-8")


def test_a_new_test_is_a_template_that_check_calls_unfinished(
    call: Call, on_screen: OnScreen
) -> None:
    shown = on_screen("knowledge", "new", "kano.toml", "-c", "NGA/Kano", "--language", "Hausa")
    assert "pluralign knowledge check kano.toml" in shown
    text = Path("kano.toml").read_text(encoding="utf-8")
    assert 'community = "NGA/kano"' in text and 'language = "ha"' in text
    shown = on_screen("knowledge", "check", "kano.toml")
    assert "kano.toml:28" in shown and "unfinished" in shown and "3 faults found" in shown
    assert call("knowledge", "check", "kano.toml").exit_code == 0
    assert call("knowledge", "check", "kano.toml", "--strict").exit_code == 1


def test_check_names_languages_in_which_the_place_has_no_words(
    call: Call, on_screen: OnScreen
) -> None:
    text = (
        'community = "MEX/yucatan"\nlanguage = "es"\n[[question]]\nid = "1"\n'
        'text.es = "¿Qué se come en Yucatán?"\nanswers = [{ es = ["papadzules"], people = 2 }]\n'
    )
    Path("yucatan.toml").write_text(text, encoding="utf-8")
    assert "MEX/yucatan in es: 1 of 1 question name the" in on_screen(
        "knowledge", "check", "yucatan.toml", "--strict"
    )
    words = 'place.es = { name = "Yucatán", phrases = ["en Yucatán"] }\n'
    Path("yucatan.toml").write_text(words + text, encoding="utf-8")
    assert json.loads(call("knowledge", "check", "yucatan.toml", "--json").stdout)["notes"] == []
    shown = call(
        "knowledge", "ask", "yucatan.toml", "--model", "m", "--show", "1", "--place", "unnamed"
    )
    assert "¿Qué se come?" in shown.stdout


def scored_yucatan(call: Call) -> tuple[str, ...]:
    """Score an answer to a test that names its place, in ``run``; the words after `score`."""
    Path("yucatan.toml").write_text(
        'name = "yucatan"\ncommunity = "MEX/yucatan"\nlanguage = "es"\n'
        'place.es = { name = "Yucatán" }\nplace.en = { name = "Yucatán State" }\n'
        '[[question]]\nid = "1"\ntopic = "Food"\ntext.es = "¿Qué se come?"\n'
        'answers = [{ es = ["papadzules"], people = 2 }]\n',
        encoding="utf-8",
    )
    row = {"model": "m", "community": "MEX/yucatan", "question_id": "1", "language": "es"}
    write_rows("mine.jsonl", row | {"answer": "papadzules"})
    words = ("--answers", "mine.jsonl", "--test", "yucatan.toml", "--out", "run")
    assert call("knowledge", "score", *words).exit_code == 0
    return words


def test_every_table_names_a_place_as_its_test_does(call: Call, on_screen: OnScreen) -> None:
    words = scored_yucatan(call)
    Path("assam.toml").write_text(
        'name = "assam"\ncommunity = "IND/as"\nlanguage = "es"\n'
        '[[question]]\nid = "1"\ntopic = "Food"\ntext.es = "¿Qué se come?"\n'
        'answers = [{ es = ["pithas"], people = 2 }]\n',
        encoding="utf-8",
    )
    assert "MEX/yucatan (Yucatán State) 1" in on_screen("knowledge", "check", "yucatan.toml")
    checked = json.loads(call("knowledge", "check", "yucatan.toml", "--json").stdout)
    assert checked["places"] == {"MEX/yucatan": {"es": "Yucatán", "en": "Yucatán State"}}
    assert "Yucatán State (Mexico)" in on_screen("knowledge", "people", "yucatan.toml")
    compared = on_screen(
        "knowledge", "compare", "yucatan.toml", "assam.toml", "--in", "es", width=160
    )
    assert "Yucatán State (Mexico)" in compared and "Assam (India)" in compared
    assert "Yucatán State (Mexico)" in on_screen("knowledge", "score", *words, "--wide")


def test_the_page_of_a_test_names_its_place_as_the_test_does(call: Call) -> None:
    pytest.importorskip("altair")
    scored_yucatan(call)
    assert call("report", "run", "--out", "page.html").exit_code == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "Yucatán State (Mexico)" in page and "Yucatan" not in page.replace("MEX/yucatan", "")


def test_baselines_name_a_place_as_its_test_does(call: Call, on_screen: OnScreen) -> None:
    questions = "".join(
        f'[[question]]\nid = "{k}"\ntopic = "Food"\ntext.en = "Which of them, {k}?"\n'
        'options.en = ["papadzules", "tacos"]\nanswers = [{ en = ["tacos"], people = 2 }]\n'
        for k in range(3)
    )
    Path("yucatan.toml").write_text(
        'name = "yucatan"\ncommunity = "MEX/yucatan"\nlanguage = "en"\n'
        f'place.en = {{ name = "Yucatán State" }}\n{questions}',
        encoding="utf-8",
    )
    assert "Yucatán State (Mexico)" in on_screen(
        "knowledge", "baselines", "yucatan.toml", width=160
    )


def test_a_test_is_never_replaced_without_force(call: Call) -> None:
    Path("mine.toml").write_text("mine = true\n", encoding="utf-8")
    words = ("knowledge", "new", "mine.toml", "-c", "MEX", "--language", "es")
    refused = call(*words)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert Path("mine.toml").read_text(encoding="utf-8") == "mine = true\n"
    assert call(*words, "--force").exit_code == 0


def test_a_new_test_takes_questions_of_another_one(call: Call, on_screen: OnScreen) -> None:
    write_rows("ck.jsonl", CAPITAL, CAPITAL | {"id": "ck-2", "answer": "9"})
    words = ("knowledge", "new", "a.toml", "--from", "ck.jsonl", "-c", "AFG", "--language", "fa")
    assert "the licence of the test is not stated" in call(*words).stderr
    assert not Path("a.toml").exists()
    shown = on_screen(*words, "--license", "CC-BY-NC-SA-4.0")
    assert "1 question of ck.jsonl" in shown and "1 x answer is not among the options" in shown
    assert "CC-BY-NC-SA-4.0 (derived tests: under the same" in shown
    found = json.loads(call("knowledge", "check", "a.toml", "--json").stdout)
    assert (found["derived_tests"], found["questions"]) == ("under the same licence", {"AFG": 1})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("new", "a.txt", "-c", "MEX", "--language", "es"), "must end in .toml"),
        (("new", "a.toml", "-c", "Atlantis", "--language", "es"), "--community: no community"),
        (("new", "a.toml", "-c", "MEX", "--language", "xx9"), "--language: no language"),
        (("check", "a.toml"), "a.toml: no such file"),
        (("check", "ck.jsonl"), "does not name its community and language"),
        (
            ("check", "ck.jsonl", "-c", "QQQ/north", "--language", "fa"),
            "--community: the region 'QQQ/north' is of no country",
        ),
        (("people", "ck.jsonl", "-c", "IRN", "--language", "xx9"), "--language: no language"),
        (("compare", "ck.jsonl"), "does not name its community and language"),
        (("check", "bad.jsonl", "-c", "IRN", "--language", "fa"), "no question can be read"),
    ],
)
def test_bad_input_is_refused_with_its_place(
    words: tuple[str, ...], message: str, call: Call
) -> None:
    write_rows("ck.jsonl", CAPITAL)
    write_rows("bad.jsonl", CAPITAL | {"answer": "3"})
    refused = call("knowledge", *words)
    assert refused.exit_code == 2
    assert message in refused.stderr
    assert not Path("a.toml").exists()


def test_every_fault_is_reported_as_json_with_file_and_line(call: Call) -> None:
    again = CAPITAL | {"id": "ck-2"}
    wrong = CAPITAL | {"id": "ck-3", "answer": "تبریز"}
    write_rows("ck.jsonl", CAPITAL, again, wrong)
    words = ("knowledge", "check", "ck.jsonl", "-c", "Iran", "--language", "fa", "--json")
    found = json.loads(call(*words).stdout)
    assert (found["read"], found["kept"], found["questions"]) == (3, 2, {"IRN": 2})
    assert [(fault["where"], fault["kind"]) for fault in found["faults"]] == [
        ("ck.jsonl:3", "cannot be read"),
        ("ck.jsonl:2", "doubled question"),
    ]


def test_communities_are_compared_with_the_nearest_one_named(
    call: Call, on_screen: OnScreen
) -> None:
    Path("blend").mkdir()
    answers = {"UK": ("tea", "beer"), "US": ("tea", "coffee"), "Mexico": ("atole", "pulque")}
    for region, (common, rare) in answers.items():
        annotations = [
            {"answers": [common], "en_answers": [common], "count": 3},
            {"answers": [rare], "en_answers": [rare], "count": 1},
        ]
        write_rows(
            f"blend/{region}.jsonl",
            *(
                {"id": f"q{k}", "topic": f"t{k}", "question": "?", "en_question": "?"}
                | {"annotations": annotations, "idks": {}}
                for k in range(4)
            ),
        )
    found = json.loads(call("knowledge", "compare", "blend", "--json").stdout)
    assert found["questions"] == 4
    scores = {(row["asked"], row["answering"]): row["value"] for row in found["scores"]}
    assert scores["GBR", "USA"] == pytest.approx(3 / 4)
    assert scores["GBR", "MEX"] == 0
    shown = on_screen("knowledge", "compare", "blend")
    assert "the same 4 questions" in shown and "United Kingdom" in shown


def test_a_test_from_another_one_is_compared_with_it(call: Call) -> None:
    answers = [
        {"answers": [text], "en_answers": [text], "count": n} for text, n in (("pan", 3), ("té", 1))
    ]
    asked = {"question": "¿Qué?", "en_question": "What?", "annotations": answers}
    write_rows("Mexico.jsonl", *(asked | {"id": f"q{k}", "topic": f"t{k}"} for k in range(3)))
    words = ("--from", "Mexico.jsonl", "-c", "PER", "--language", "es", "--no-english")
    assert call("knowledge", "new", "lima.toml", *words).exit_code == 0
    text = Path("lima.toml").read_text(encoding="utf-8")
    text = text.replace("REPLACE: the most common answer, in 'es'", "té").replace("= 1", "= 2")
    Path("lima.toml").write_text(text.replace("REPLACE: ", ""), encoding="utf-8")
    done = call("knowledge", "compare", "Mexico.jsonl", "lima.toml", "--in", "es", "--json")
    scores = json.loads(done.stdout)["scores"]
    found = {(row["asked"], row["answering"]): row["value"] for row in scores}
    assert found["MEX", "PER"] == pytest.approx(1 / 3)
    assert found["PER", "MEX"] == pytest.approx(1 / 4)
    twice = call("knowledge", "compare", "Mexico.jsonl", "Mexico.jsonl")
    assert "Mexico.jsonl:1: the id 'q0' is given twice for MEX" in twice.stderr


def test_guessing_is_measured_by_topic_and_bad_rows_are_counted(
    call: Call, on_screen: OnScreen
) -> None:
    rows = [
        CAPITAL | {"id": f"q{k}", "category": "a", "candidates": ["بله بله", "نه"], "answer": "1"}
        for k in range(12)
    ]
    write_rows("ck.jsonl", *rows, CAPITAL | {"id": "bad", "answer": "9"})
    words = ("knowledge", "baselines", "ck.jsonl", "-c", "IRN", "--language", "fa")
    refused = call(*words)
    assert refused.exit_code == 2
    assert "ck.jsonl:13: 'answer' '9' is not among" in refused.stderr
    found = json.loads(call(*words, "--skip-bad", "--json").stdout)
    assert found["dropped"] == {"answer is not among the options": 1}
    assert [(row["topic"], row["questions"]) for row in found["baselines"]] == [("", 12), ("a", 12)]
    assert found["baselines"][0]["accuracies"]["longest"]["value"] == 1
    shown = on_screen(*words, "--skip-bad")
    assert "Iran, a: right options give themselves away by their length" in shown
    write_rows("fair.jsonl", CAPITAL, CAPITAL | {"id": "ck-2", "answer": "۱"})
    shown = on_screen("knowledge", "baselines", "fair.jsonl", "-c", "IRN", "--language", "fa")
    assert "No topic's right options give themselves away" in shown


def test_the_agreement_of_a_communitys_own_people_is_shown(call: Call, on_screen: OnScreen) -> None:
    Path("mine.toml").write_text(
        'name = "mine"\ncommunity = "MEX/oaxaca"\nlanguage = "es"\n'
        '[[question]]\nid = "a"\ntopic = "Food"\ntext.es = "?"\n'
        'answers = [{ es = ["pan"], people = 3 }, { es = ["mole"], people = 1 }]\n',
        encoding="utf-8",
    )
    (every, food) = json.loads(call("knowledge", "people", "mine.toml", "--json").stdout)["people"]
    assert every["agreement"]["value"] == food["agreement"]["value"] == 0.5
    shown = on_screen("knowledge", "people", "mine.toml")
    assert "Oaxaca (Mexico)" in shown and "50.0" in shown
