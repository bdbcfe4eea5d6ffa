"""Results of runs and audits as a page that anybody can read."""

from pluralign.languages.speech import LANGUAGES, Speech
from pluralign.reports.choosing import Choice
from pluralign.reports.page import html_of
from pluralign.reports.reading import Run, read_run
from pluralign.reports.writing import Wanted, community_page, page_of, write_report

__all__ = [
    "LANGUAGES",
    "Choice",
    "Run",
    "Speech",
    "Wanted",
    "community_page",
    "html_of",
    "page_of",
    "read_run",
    "write_report",
]
