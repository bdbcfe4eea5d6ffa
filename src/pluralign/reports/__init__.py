"""Results of runs and audits as a page that anybody can read."""

from typing import Any

from pluralign.core import earlier_name
from pluralign.languages.speech import LANGUAGES, Speech
from pluralign.reports.choosing import Choice
from pluralign.reports.page import html_of
from pluralign.reports.reading import Run, read_run
from pluralign.reports.writing import ReportOptions, community_page, page_of, write_report
from pluralign.reports.writing_again import write_derived

__all__ = [
    "LANGUAGES",
    "Choice",
    "ReportOptions",
    "Run",
    "Speech",
    "community_page",
    "html_of",
    "page_of",
    "read_run",
    "write_derived",
    "write_report",
]


def __getattr__(name: str) -> Any:
    return earlier_name(__name__, name, {"Wanted": ReportOptions})
