"""Facts on a model card that the saved model does not have."""

from dataclasses import dataclass, replace
from pathlib import Path

from pluralign.core import InvalidInput, Steer, read_json_object
from pluralign.interop.encoder_folder import ROUTES
from pluralign.rewards.transformer.tokenized_texts import TextForm


@dataclass(frozen=True, slots=True)
class ModelSheet:
    """Facts on a model card that the saved model does not have.

    Attributes:
        repo_id: ``owner/name`` on the hub, or a folder; the examples load it.
        license: Licence of the weights, as the hub writes it (``apache-2.0``, ``cc-by-4.0``); None:
            the card states that no licence was chosen.
        base_model: The hub's name of the model it was made from; None takes it from the card where
            that names one.
        languages: ISO 639 codes of the languages of the data.
        datasets: The hub's names of the data sets.
        form: How prompt and response are written for exported weights of a transformer; None: the
            folder is pluralign's own, or a sentence encoder.
        adapter: Whether exported weights are a PEFT adapter, and not a whole model.
        steer: The steer of exported weights; None: the reference.
        routes: Of an exported sentence encoder: the routes by which it reads prompts, ``query``
            and, where all communities were exported, their ids.
        head: Of an exported sentence encoder: the folder in it with the head of ``query``.

    Raises:
        InvalidInput: If it is about an adapter and does not name the model that it belongs to.
    """

    repo_id: str
    license: str | None = None
    base_model: str | None = None
    languages: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    form: TextForm | None = None
    adapter: bool = False
    steer: Steer | None = None
    routes: tuple[str, ...] = ()
    head: str = ""

    @property
    def is_own(self) -> bool:
        """Whether the folder is pluralign's own."""
        return self.form is None and not self.routes

    @property
    def has_all(self) -> bool:
        """Whether all communities are in the folder, and not one steer alone."""
        return self.is_own or len(self.routes) > 1

    @property
    def library(self) -> str:
        """The library that loads the folder."""
        if self.is_own:
            return "pluralign"
        if self.routes:
            return "sentence-transformers"
        return "peft" if self.adapter else "transformers"

    def __post_init__(self) -> None:
        if self.adapter and self.base_model is None:
            raise InvalidInput("an adapter needs its model", where="base_model", hint="name it")


def completed(sheet: ModelSheet, folder: Path) -> ModelSheet:
    """A sheet with the facts that the files of an export give.

    Args:
        sheet: The sheet; its own statements stay.
        folder: The folder; without files of an export the sheet stays as it is.
    """
    about, adapted = folder / ROUTES, folder / "adapter_config.json"
    if sheet.is_own and about.is_file():
        found = read_json_object(about, "export the model again")
        if "routes" in found:
            sheet = replace(sheet, routes=tuple(found["routes"]), head=str(found["head"]))
        else:
            form = TextForm(found["text"], found["max_length"], found["overlong"])
            sheet = replace(sheet, form=form)
    if adapted.is_file() and not sheet.adapter:
        base = read_json_object(adapted, "export the model again").get("base_model_name_or_path")
        sheet = replace(sheet, adapter=True, base_model=sheet.base_model or base)
    return sheet
