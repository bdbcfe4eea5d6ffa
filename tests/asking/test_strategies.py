from pathlib import Path

import pytest

from pluralign.asking import load_strategy, put, strategies
from pluralign.asking.strategies import FIELDS
from pluralign.core import InvalidSettings
from pluralign.simulation import SocietySurvey

OWN = 'about = "mine"\nuser = """\n{question}\n{options}\nAs a person from {culture}."""\n'


def template(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_published_way_of_asking_is_there() -> None:
    assert set(strategies()) == {
        "culture_unaware",
        "culture_aware",
        "cross_culture_thinking",
        "self_alignment",
        "culture_aware_self_alignment",
        "cross_culture_thinking_self_alignment",
        "cross_national",
        "linguistic",
    }


@pytest.mark.parametrize("name", strategies())
def test_every_template_shows_question_and_options_and_describes_itself(name: str) -> None:
    strategy = load_strategy(name)
    assert strategy.about
    assert {"question", "options"} <= strategy.needs


@pytest.mark.parametrize("name", strategies())
def test_strategies_that_show_peoples_real_answers_are_marked(name: str) -> None:
    assert load_strategy(name).shows_gold == ("self_alignment" in name)


def test_only_unaware_asking_names_no_community() -> None:
    assert [name for name in strategies() if not load_strategy(name).names_community] == [
        "culture_unaware"
    ]


def test_a_template_of_ones_own_is_a_file_that_was_copied_and_changed(tmp_path: Path) -> None:
    strategy = load_strategy(template(tmp_path, OWN))
    assert (strategy.name, strategy.names_community, strategy.system) == ("mine", True, "")
    copied = load_strategy("culture_aware")
    again = load_strategy(template(tmp_path, copied.path.read_text(encoding="utf-8"), "again.toml"))
    assert (again.user, again.system, again.paraphrases) == (
        copied.user,
        copied.system,
        copied.paraphrases,
    )


def test_wordings_come_in_their_order_and_no_more_than_there_are() -> None:
    strategy = load_strategy("culture_aware")
    assert list(strategy.wordings(2)) == ["", "interview"]
    with pytest.raises(InvalidSettings, match=r"must be at most 3, .* got 4"):
        strategy.wordings(4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('user = "{question}"', "{options} is missing"),
        ('user = "{options} {question} {cultur}"', "did you mean {culture}"),
        ('user = "{options} {question} {"', "brace"),
        ('user = "{options} {question} {language}"', "unknown field {language}"),
        ('user = "{options} {question.text}"', "unknown field {question.text}"),
        ('user = "{options} {question}"\nsystem = "From {country}."', "unknown field {country}"),
        ('user = "{options} {question}"\nsytem = "x"', "unknown key"),
        (
            'user = "{options} {question}"\n[paraphrases]\nother = "{options}"',
            "{question} is missing",
        ),
        (
            'user = "{options} {question}"\n[translations]\nes.user = "{question}"',
            "{options} is missing",
        ),
        ("user = 3", "must be text, got int"),
        ("user =", "not valid TOML"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_place_and_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InvalidSettings) as error:
        load_strategy(template(tmp_path, text))
    assert said in str(error.value)
    assert "mine.toml" in str(error.value)


def test_a_misspelt_strategy_is_answered_with_a_near_one() -> None:
    with pytest.raises(InvalidSettings, match="did you mean culture_aware"):
        load_strategy("culture_awar")


def test_every_place_that_a_template_may_have_is_filled(tmp_path: Path) -> None:
    text = "\\n".join(f"{{{field}}}" for field in FIELDS)
    strategy = load_strategy(
        template(tmp_path, f'system = "{{culture}}"\nuser = "{text} {{{{}}}}"')
    )
    ask = put(strategy, SocietySurvey(questions=6).survey(), ["~hill"])[0]
    words = "\n".join(message.content for message in ask.conversation)
    assert words.endswith("{}")
    assert not [field for field in FIELDS if f"{{{field}}}" in words]
