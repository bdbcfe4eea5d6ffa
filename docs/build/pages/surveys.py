"""The section on surveys: findings, published numbers, recorded models, the question filter."""

from pathlib import Path

from pages.sections import marked
from pages.survey_findings import findings
from pages.survey_pictures import draw_communities, draw_diversity
from pages.survey_published import published_section
from pages.survey_questions import questions_section
from pages.survey_reading import Surveys
from pages.survey_tables import communities_section, every_respondent, five_communities

NAME = "surveys"
_ABOUT = """## Language models as respondents of surveys

Recorded answers of language models to World Values Survey questions (from the repositories of
CultureSPA and MultiAgent-Diversity), compared with the people's published shares (WVS wave 7).
`docs/build/survey_results.py` writes this section: no measured number is typed by hand. Published
numbers for comparison are typed by hand, and results of reading by eye are marked.

How to read it:

* **CAS** is CultureSPA's published cultural alignment score, 0 to 100: how near the option that was
  named is to the people's most common one; long scales count most. It is similarity to the
  answers of those surveyed, not "alignment with a country". **Closeness** is the same with every
  question counting alike and questions without an order by exact answers; **exact** is the share of
  questions answered with the most common option; **similarity** is 1 minus the Jensen-Shannon
  distance to the people's distribution, for single answers; **refused** is the share of answers in
  which no option is named.
* **[low, high]** is a 95 % interval over questions. A difference is *ahead*, *behind* or *level*
  when its own interval is above 0, below 0, or contains 0. *Level* does not mean equal.
* Q223 (party choice) and questions about the person are left out, as in CultureSPA, except in the
  published numbers that include them."""


def section(surveys: Surveys, data: Path, pictures: Path) -> str:
    """The section between its markers; its pictures are written to a folder.

    Args:
        surveys: All evaluations.
        data: Folder with the generated questions.
        pictures: Where pictures go.
    """
    scores, varied = draw_communities(surveys, pictures), draw_diversity(surveys, pictures)
    parts = [
        _ABOUT,
        findings(surveys),
        published_section(surveys),
        every_respondent(surveys),
        five_communities(surveys),
        f"![Alignment against diversity](images/{varied.name})",
        f"### Communities\n\n![Score of each model for each community](images/{scores.name})",
        communities_section(surveys),
        questions_section(data),
    ]
    return marked(NAME, "\n\n".join(parts))
