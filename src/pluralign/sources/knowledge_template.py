"""The commented file with which a community begins its own test of knowledge."""

import json

from pluralign.sources.knowledge_checks import PLACEHOLDER

_TEMPLATE = """\
# A test of the knowledge and habits of people in {place}: their food, sports, holidays.
#
# How to make it, in an afternoon:
#   1. Write questions about everyday life here, each with an id of its own.
#   2. Ask ten people or more who live here, without options. Each may give several answers.
#   3. Write down each answer with the number of people who gave it. Spellings of an answer, and
#      words for the same thing, are variants of one answer.
#   4. Check the file: pluralign knowledge check {file}
#
# Lines that begin with # are comments. Save the file as UTF-8.

name = {name}
community = {community}
language = {language}        # tag of the local language; texts in it are written with this tag

# The terms on which others may use the test, such as CC-BY-4.0. Choose them with those who answer.
license = "{mark} with a licence"

# Number of people asked. A question that other people were asked has a number of its own.
people = 10

{place_words}
# A question with free answers.
[[question]]
id = "food-1"
topic = "Food"                # Food, Sport, Family, Work, ...; intervals are over topics

# The question in the local language{and_english}.
[question.text]
{tag} = "{mark} with a question: what do children eat between meals here?"
{english_text}
# Each accepted answer: its variants in each language, and the number of people who gave it.
[[question.answers]]
{tag} = ["{mark} with the most common answer", "{mark} with another word for it"]
{english_answer}people = 6

[[question.answers]]
{tag} = ["{mark} with another answer"]
{english_other}people = 3

# A question with options. Each answer is one of the options; good wrong options are the right
# answers of other places. Change the position of the right option from question to question.
[[question]]
id = "holiday-1"
topic = "Holidays"
dont_know = 1                 # people who answered "I don't know"

[question.text]
{tag} = "{mark} with a question: on which holiday do families gather?"

[question.options]
{tag} = ["{mark}: option 1", "{mark}: option 2", "{mark}: option 3"]

[[question.answers]]
{tag} = ["{mark}: option 2"]
people = 7

[[question.answers]]
{tag} = ["{mark}: option 1"]
people = 1

[[question.answers]]
{tag} = ["{mark}: option 3"]
people = 1
"""


_PLACE_WORDS = """\
# How questions name the place: its name, and phrases with it that can be left out of a question. A
# model can then be asked without the place, to see which one it assumes. Write a line for each
# language, such as: place.es = {{ name = "Yucatán", phrases = ["en Yucatán", "de Yucatán"] }}
# place.{tag} = {{ name = "...", phrases = ["...", "..."] }}
"""


def place_words_lines(tag: str) -> str:
    """Comments in which an author writes how questions name their place.

    Args:
        tag: The local language, as a key of TOML.
    """
    return _PLACE_WORDS.format(tag=tag)


def written_template(
    file: str, name: str, community: str, place: str, language: str, *, english: bool = True
) -> str:
    """The text of a TOML file that `WrittenKnowledge` reads, with comments for its author.

    Args:
        file: Name of the file, for the command in its comments.
        name: Name of the test.
        community: Id of the community.
        place: Name of the community in English.
        language: BCP 47 tag of the local language.
        english: Whether questions and answers are written in English, too.
    """
    english = english and language != "en"
    tag = language if language.isalnum() else json.dumps(language)
    return _TEMPLATE.format(
        file=file,
        name=json.dumps(name, ensure_ascii=False),
        community=json.dumps(community),
        language=json.dumps(language),
        place=place,
        tag=tag,
        place_words=place_words_lines(tag),
        mark=PLACEHOLDER,
        and_english=", and in English" if english else "",
        english_text=f'en = "{PLACEHOLDER} with the question in English"\n' if english else "",
        english_answer=f'en = ["{PLACEHOLDER} with it in English"]\n' if english else "",
        english_other=f'en = ["{PLACEHOLDER} with it in English"]\n' if english else "",
    )
