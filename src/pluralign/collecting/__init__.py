"""People take part: a study's web pages, from invitation to withdrawal, and the store behind them.

A study is a folder: `study.toml` with its settings and texts, and the store with everything that
people gave. Models are never trained on the store, only on a release of it.
"""

from pluralign.collecting.study_steps import (
    finish_withdrawals,
    given_with_key,
    narrow_releases,
    note_run,
    releases_of,
    withdraw_person,
)

__all__ = [
    "finish_withdrawals",
    "given_with_key",
    "narrow_releases",
    "note_run",
    "releases_of",
    "withdraw_person",
]
