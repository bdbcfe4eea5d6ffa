"""Who speaks, for whom, in whose words? Participation and thickness."""

from pluralign.audits.auditing import Audit, Check
from pluralign.audits.findings import Threshold
from pluralign.audits.recording import institutional, no_words, terms
from pluralign.audits.speaking import few_people, one_voice, outsiders, unlike_residents
from pluralign.audits.surveyed import contradictions, not_asked, uncounted

PARTICIPATION = Audit(
    "participation",
    "who speaks, for whom, in whose words: few people, one voice, outsiders, no words, no terms, "
    "no questions",
    (
        Check(
            "few-people",
            "Do enough people speak for each community?",
            few_people,
            Threshold(
                30, 10, "with fewer raters our intervals cover less than they promise", below=True
            ),
            "The community was reached by few, or its people had no reason to take part.",
            "Gather more people before steering; report the number beside every result.",
        ),
        Check(
            "one-voice",
            "Does no single person decide for a community?",
            one_voice,
            Threshold(0.2, 0.5, "a fifth of the say makes a community of five at most"),
            "Some people judged far more than others.",
            "Weigh raters equally, or cap the pairs of each.",
        ),
        Check(
            "outsiders",
            "Do people of the community judge for it?",
            outsiders,
            Threshold(0.1, 0.5, "one in ten; at half, others decide"),
            "Whoever was at hand judged.",
            "Ask people of the community; keep outsiders' pairs apart.",
        ),
        Check(
            "unlike-residents",
            "Are those who speak like those who live there?",
            unlike_residents,
            Threshold(0.1, 0.25, "one rater in ten would have to be another person"),
            "Panels reach the young, the connected and speakers of the larger languages.",
            "Invite those who are missing; until then weigh by group, and say who is missing.",
        ),
        Check(
            "own-words",
            "Do people say in their own words why, where and what it means?",
            no_words,
            Threshold(
                0.05,
                0.0,
                "one record in twenty is enough to learn what was missed; never a risk by itself",
                True,
            ),
            "Only choices were recorded: no thick data.",
            "Ask for a reason or a story with some of the choices (`context`).",
        ),
        Check(
            "institutional",
            "Do records come from people's lives as well as from institutions' questions?",
            institutional,
            Threshold(0.5, 1.0, "more than half; never a risk by itself"),
            "Surveys are at hand; lives are not.",
            "Add what people chose to say: their questions, their words.",
        ),
        Check(
            "terms",
            "Is every record used as its people and its licence allow?",
            terms,
            Threshold(
                0.0,
                0.0,
                "one record without consent is one too many; a licence not stated is a note",
            ),
            "Terms were lost between those who gathered the records and those who use them.",
            "State licence and consent with every record.",
        ),
        Check(
            "not-asked",
            "Was each people asked what the others were asked?",
            not_asked,
            Threshold(0.1, 0.5, "one question in ten"),
            "Questions were left out where they were thought unfit, or not allowed.",
            "Say which questions are missing; do not fill them with other peoples' answers.",
        ),
        Check(
            "uncounted",
            "Is it known how many people stand behind each answer?",
            uncounted,
            Threshold(0.5, 1.0, "more than half; never a risk by itself"),
            "Only shares were published.",
            "Use the survey's own data, which has the numbers.",
        ),
        Check(
            "contradictions",
            "Do sources agree on what a people says?",
            contradictions,
            Threshold(
                0.2,
                0.5,
                "shares more than 10 points apart, or opposed majorities, on a fifth of the "
                "questions",
            ),
            "Sources asked other people, at other times, or a label stands for another people.",
            "Compare with the original publication; leave out the source that does not fit.",
        ),
    ),
)
