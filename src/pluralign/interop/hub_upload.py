"""Upload a folder to the Hugging Face hub: a model, a data set, or the numbers of a run."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidInput, MissingExtra, as_path, files_in, read_json_object
from pluralign.interop.dataset_origin import ORIGIN, check_origins

_REPO = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_CARD = "README.md"
_CLIENTS = {"huggingface_hub", "httpx", "httpx2", "httpcore", "requests", "urllib3"}
_MODELS = ("card.json", "config.json", "adapter_config.json", "modules.json")
_DATASET = "croissant.json"
_PROHIBITION = "odrl:prohibition"


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload: its files, and the repository that they go to.

    Attributes:
        folder: The folder.
        repo_id: Name of the repository.
        kind: ``model`` or ``dataset``.
        private: Whether a new repository is visible to its owner only.
        files: Files of the folder, by their paths in it -> size in bytes.
    """

    folder: Path
    repo_id: str
    kind: str
    private: bool
    files: dict[str, int]


def planned_upload(folder: AnyPath, repo_id: str, private: bool = True) -> Upload:
    """Check what `push` would upload, without a token and without a connection.

    Arguments and errors are those of `push`.
    """
    folder = as_path(folder)
    _check_folder(folder)
    if not _REPO.fullmatch(repo_id):
        raise InvalidInput(
            f"{repo_id!r} cannot name a repository",
            where="repo_id",
            hint="write owner/name, of letters, digits, '-', '_' and '.'",
        )
    kind = "dataset" if (folder / _DATASET).is_file() else "model"
    sent = [path for path in files_in(folder) if path != folder / ORIGIN]
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in sent}
    return Upload(folder, repo_id, kind, private, sizes)


def push(folder: AnyPath, repo_id: str, private: bool = True, token: str | None = None) -> str:
    """Upload a folder as a repository, in one commit; a missing repository is created.

    The folder, the name and the token are checked before anything is sent. Nothing is published
    without its description: the folder needs a ``README.md`` with front matter
    (`write_model_card`, `write_dataset`).

    Args:
        folder: The folder of a model, or of a data set: one with ``croissant.json``, such as
            `write_dataset` writes, or a release whose people consented to publication.
        repo_id: ``owner/name``, or a name of your own.
        private: Whether a new repository is visible to you only; an existing one is not changed.
        token: Access token; if None, that of your login, or ``HF_TOKEN``.

    Returns:
        Address of the repository.

    Raises:
        MissingExtra: If huggingface_hub is not installed.
        InvalidInput: If the folder has neither a model nor a data set with a description, the data
            set must not be distributed, people withdrew from it since it was exported, the name is
            not a repository's, there is no token, or the hub cannot be reached or refuses.
    """
    try:
        from huggingface_hub import HfApi, get_token
    except ImportError as error:
        raise MissingExtra.named("hub", "huggingface_hub") from error
    planned = planned_upload(folder, repo_id, private)
    token = token or get_token()
    if not token:
        raise InvalidInput(
            "no access token for the hub",
            where=repo_id,
            hint="make one with write access at https://huggingface.co/settings/tokens, then run "
            "'hf auth login' "
            "or set HF_TOKEN",
        )
    kind = {"repo_type": "dataset"} if planned.kind == "dataset" else {}
    return _send(HfApi(token=token), planned.folder, repo_id, private, kind)


def _send(api: Any, folder: Path, repo_id: str, private: bool, kind: dict[str, str]) -> str:
    try:
        made = api.create_repo(repo_id, private=private, exist_ok=True, **kind)
    except Exception as error:
        raise _refused(error, repo_id, "nothing was uploaded") from error
    try:  # under the full name: a name without an owner got yours
        api.upload_folder(
            repo_id=getattr(made, "repo_id", repo_id),
            folder_path=folder,
            ignore_patterns=[ORIGIN],
            commit_message="Upload with pluralign",
            **kind,
        )
    except Exception as error:
        left = (
            f"the repository {made} is there, but nothing was uploaded; the same call tries again"
        )
        raise _refused(error, repo_id, left) from error
    return str(made)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InvalidInput(
            "no such folder", where=str(folder), hint="name the folder of a saved or exported model"
        )
    if not any((folder / name).is_file() for name in (*_MODELS, _DATASET)):
        raise InvalidInput(
            "no model here, and no data set",
            where=str(folder),
            hint=f"a model has one of {', '.join(_MODELS)}, a data set has {_DATASET}",
        )
    card = folder / _CARD
    if not card.is_file() or not card.read_text(encoding="utf-8", errors="replace").startswith(
        "---\n"
    ):
        raise InvalidInput(
            f"there is no {_CARD} with front matter",
            where=str(folder),
            hint="for a model, write_model_card and `pluralign export` write one; for data, "
            "`pluralign data export`",
        )
    check_distribution(folder)
    check_origins(folder)


def check_distribution(folder: AnyPath) -> None:
    """Check that the conditions of a data set allow its distribution.

    Args:
        folder: A folder; without ``croissant.json`` it states no conditions.

    Raises:
        InvalidInput: If they prohibit it, as those of an internal release do.
    """
    croissant = as_path(folder) / _DATASET
    if croissant.is_file() and _PROHIBITION in read_json_object(croissant).get("usageInfo", {}):
        raise InvalidInput(
            "the conditions of the data set prohibit its distribution",
            where=str(croissant),
            hint="publish a release that was made with --purpose publish-rows",
        )


def _refused(error: Exception, repo_id: str, left: str) -> Exception:
    """Errors of the hub's client as messages, for any library behind it; others pass through."""
    kinds = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    if not (isinstance(error, OSError) or kinds & _CLIENTS):
        return error
    status = getattr(getattr(error, "response", None), "status_code", None)
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if status == 401:
        what, hint = (
            "the hub does not accept the token",
            "make a new one, then run 'hf auth login' or set HF_TOKEN",
        )
    elif status in {403, 404}:
        what, hint = (
            f"the token may not write here ({said})",
            "check the owner's name, and that the token can write",
        )
    elif status is not None:
        what, hint = (
            f"the hub refused ({said})",
            "try again later; https://status.huggingface.co shows the state of the hub",
        )
    else:
        what = f"the hub cannot be reached ({said})"
        hint = "check the connection, and that HF_HUB_OFFLINE is not set"
    return InvalidInput(f"{what}; {left}", where=repo_id, hint=hint)
