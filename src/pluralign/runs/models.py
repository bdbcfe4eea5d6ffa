"""The saved models of a run."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pluralign.core import InvalidInput, SteerableRewardModel
from pluralign.runs.folder import RunFolder

Key = str | tuple[str, int]


@dataclass(frozen=True, slots=True, repr=False)
class Models:
    """The saved models of a run; each is opened when it is asked for.

    ``models["adaptive"]`` is the one with the lowest seed, ``models["adaptive", 8]`` that of one
    seed. Iterating gives pairs of method and seed.

    Attributes:
        folder: Of the run.
    """

    folder: Path

    def __getitem__(self, key: Key) -> SteerableRewardModel:
        """Open a model.

        Raises:
            InvalidInput: If the run has saved no such model.
            DamagedFile: If its files are damaged.
        """
        from pluralign.models import open_model

        return open_model(self.path(key))

    def __iter__(self) -> Iterator[tuple[str, int]]:
        found = []
        for card in self.folder.glob("models/seed-*/*/card.json"):
            seed = card.parent.parent.name.removeprefix("seed-")
            if seed.isdecimal():
                found.append((card.parent.name, int(seed)))
        return iter(sorted(found, key=lambda pair: (pair[1], pair[0])))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, key: Key) -> bool:
        return any(key in {method, (method, seed)} for method, seed in self)

    def __repr__(self) -> str:
        return f"Models({self._listed()})"

    def _listed(self) -> str:
        methods = dict.fromkeys(method for method, _ in self)
        seeds = dict.fromkeys(str(seed) for _, seed in self)
        return f"{', '.join(methods)}; seeds {', '.join(seeds)}"

    def path(self, key: Key) -> Path:
        """The folder of a model.

        Raises:
            InvalidInput: If the run has saved no such model.
        """
        for method, seed in self:
            if key in {method, (method, seed)}:
                return RunFolder(self.folder).model(seed, method)
        wanted = key if isinstance(key, str) else f"{key[0]} with seed {key[1]}"
        raise InvalidInput(
            f"the run has no saved model {wanted}",
            where=str(self.folder),
            hint=f"it has {self._listed()}" if len(self) else "run it again",
        )
