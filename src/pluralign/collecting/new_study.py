"""The files of a new study: settings with texts to edit, and prompts with answers to begin with."""

import shutil
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from string import Template

from pluralign.collecting.study import STUDY_FILE, Study, open_study
from pluralign.core import InvalidSettings, community, whole_file

PROMPTS_FILE = "prompts.jsonl"
DEFAULT_COMMUNITY = "~our-community"
_FILES = "first_study"
_KEPT_OUT = "# Never share these: keys, and what people gave.\n" + "\n".join(
    ["/secret", "/.server.json", "/*.db", "/*.db-*", "/releases/", "/backups/", ""]
)


def write_study(folder: Path, communities: Sequence[str]) -> Study:
    """Write the files of a new study.

    Args:
        folder: Folder of the study; made if absent. Its name becomes the id of the study.
        communities: Ids of the communities that take part; at least one.

    Returns:
        The study, read from the files.

    Raises:
        InvalidSettings: If the folder has a study already.
        InvalidInput: If an id is not the id of a community.
    """
    if (folder / STUDY_FILE).exists():
        raise InvalidSettings(
            "the folder has a study already", where=str(folder), hint="name another folder"
        )
    tables = "\n".join(_table(id_) for id_ in _each_once(communities))
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("pluralign.collecting") / _FILES) as templates:
        template = Template((templates / STUDY_FILE).read_text(encoding="utf-8"))
        text = template.substitute(id=study_id(folder.resolve().name), communities=tables)
        if not (folder / PROMPTS_FILE).exists():
            with whole_file(folder / PROMPTS_FILE) as partial:
                shutil.copyfile(templates / PROMPTS_FILE, partial)
    (folder / ".gitignore").write_text(_KEPT_OUT, encoding="utf-8", newline="\n")
    with whole_file(folder / STUDY_FILE) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    return open_study(folder)


def study_id(name: str) -> str:
    """The id of a study in a folder of that name.

    >>> study_id("Tea & talk 2026"), study_id("دراسة")
    ('tea-talk-2026', 'study')
    """
    ascii_name = "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower())
    return "-".join(ascii_name.split())[:50].strip("-") or "study"


def _each_once(communities: Sequence[str]) -> list[str]:
    """Ids of communities, a repeated one once."""
    return list(dict.fromkeys(community(id_).id for id_ in communities))


def _table(id_: str) -> str:
    known = community(id_)
    return (
        f'[[communities]]\nid = "{known.id}"\n'
        "people = 50  # number of people that the study hopes for\n"
        f'# name = {{ en = "{known.name}" }}  # its name in each language\n'
    )
