"""Checks of participation: the raters of each community, their words, their terms."""

from pluralign.audits.checks import Audit, Check
from pluralign.audits.findings import Threshold
from pluralign.audits.provenance import institutional, no_words, terms
from pluralign.audits.raters import few_people, one_voice, outsiders, unlike_residents
from pluralign.audits.survey_coverage import contradictions, not_asked, uncounted

PARTICIPATION = Audit(
    "participation",
    "participation unequal: few people, one voice, outsiders, no words, no terms, no questions",
    (
        Check(
            name="few-people",
            asks="Does each community have enough raters?",
            measure=few_people,
            reads=("pairs",),
            threshold=Threshold(
                30, 10, "with fewer raters our intervals cover less than 95 %", below=True
            ),
            causes="Recruiting reached few people of the community, or they had no reason to "
            "take part.",
            remedies="Recruit more people before steering; report their number with every result.",
        ),
        Check(
            name="one-voice",
            asks="Is the weight of each community spread over several raters?",
            measure=one_voice,
            reads=("pairs",),
            threshold=Threshold(
                0.2, 0.5, "with a fifth of the weight, a community counts at most five people"
            ),
            causes="Some people judged far more than others.",
            remedies="Weigh raters equally, or cap the pairs of each.",
        ),
        Check(
            name="outsiders",
            asks="Do the raters of each community belong to it?",
            measure=outsiders,
            reads=("pairs",),
            threshold=Threshold(0.1, 0.5, "one in ten; from one half on, outsiders decide"),
            causes="The raters were chosen by availability.",
            remedies="Ask people of the community; keep outsiders' pairs apart.",
        ),
        Check(
            name="unlike-residents",
            asks="Do the raters resemble the residents of the community?",
            measure=unlike_residents,
            reads=("pairs",),
            threshold=Threshold(0.1, 0.25, "one rater in ten would have to be another person"),
            causes="Panels reach young people, people with internet access and speakers of the "
            "larger "
            "languages.",
            remedies="Invite the missing groups; until then weight by group, and report the "
            "missing groups.",
        ),
        Check(
            name="own-words",
            asks="Do the records have reasons, contexts or stories in people's own words?",
            measure=no_words,
            reads=("pairs",),
            threshold=Threshold(
                0.05,
                0.0,
                "one record in twenty is enough to learn what was missed; never a risk by itself",
                True,
            ),
            causes="Only choices were recorded: no thick data.",
            remedies="Ask for a reason or a story with some of the choices (`context`).",
        ),
        Check(
            name="institutional",
            asks="Do records come from people's lives as well as from institutions' questions?",
            measure=institutional,
            reads=("pairs",),
            threshold=Threshold(0.5, 1.0, "more than half; never a risk by itself"),
            causes="Surveys are available; records of people's lives are not.",
            remedies="Add people's own questions, in their own words.",
        ),
        Check(
            name="terms",
            asks="Is every record used as its people and its licence allow?",
            measure=terms,
            reads=("pairs",),
            threshold=Threshold(
                0.0,
                0.0,
                "one record without consent is one too many; a licence not stated is a note",
            ),
            causes="The terms were lost between the collectors of the records and their users.",
            remedies="State licence and consent with every record.",
        ),
        Check(
            name="not-asked",
            asks="Was each people asked the same questions as the others?",
            measure=not_asked,
            reads=("surveys",),
            threshold=Threshold(0.1, 0.5, "one question in ten"),
            causes="Questions were left out because they were considered unsuitable, or were not "
            "allowed.",
            remedies="Report the missing questions; do not fill them with other peoples' answers.",
        ),
        Check(
            name="uncounted",
            asks="Is the number of people behind each answer known?",
            measure=uncounted,
            reads=("surveys",),
            threshold=Threshold(0.5, 1.0, "more than half; never a risk by itself"),
            causes="Only shares were published.",
            remedies="Use the survey's own data, which has the numbers.",
        ),
        Check(
            name="contradictions",
            asks="Do sources agree on a people's answers?",
            measure=contradictions,
            reads=("pairs", "surveys"),
            threshold=Threshold(
                0.2,
                0.5,
                "shares more than 10 points apart, or opposed majorities, on a fifth of the "
                "questions",
            ),
            causes="The sources asked different people, at different times, or a label means "
            "another "
            "people.",
            remedies="Compare with the original publication; leave out the source that does not "
            "fit.",
        ),
    ),
)
"""The audit ``participation`` (docs/audits.md)."""
