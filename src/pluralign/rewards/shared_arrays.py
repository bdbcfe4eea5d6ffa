"""Arrays that workers read by reference: a large table travels once, or not at all."""

import mmap
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from pluralign.rewards.choices import Choices
from pluralign.rewards.features import Scores, TableFeatures

Array = np.ndarray[Any, Any]


class SharedArray(Protocol):
    """A reference to an array; it is small, and can be sent to workers."""

    def read(self) -> Array:
        """The array, which must not be changed."""
        ...


class ArrayStore(Protocol):
    """Where arrays are that workers read: files, or the object store of a cluster."""

    def put(self, array: Array) -> SharedArray:
        """Keep an array, and return a reference to it."""
        ...

    def drop(self, shared: SharedArray) -> None:
        """Forget an array that nobody reads again."""
        ...


@dataclass(frozen=True, slots=True)
class MappedArray:
    """An array in a file, which workers on one machine map into memory together.

    Attributes:
        path: The file.
        dtype: Type of its numbers, as in ``numpy.dtype.str``.
        shape: Shape of the array.
        offset: Bytes before the array in the file.
        order: ``F`` if its first index changes fastest, ``C`` if its last does.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    order: Literal["C", "F"]

    def read(self) -> Array:
        """The array; pages of the file are loaded when they are read."""
        mapped = np.memmap(
            self.path, self.dtype, "r", offset=self.offset, shape=self.shape, order=self.order
        )
        return np.asarray(mapped)


class FolderStore:
    """Arrays in a folder that all workers can read, as `.npy` files.

    An array that is mapped from a whole file is read from there, and not written again.

    Args:
        folder: An existing folder; on a cluster, one on a shared file system.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._numbers = count()

    def put(self, array: Array) -> MappedArray:
        """Write the array to the folder, unless it is a whole file already."""
        if not _is_whole_file(array):
            path = self._folder / f"{next(self._numbers)}.npy"
            np.save(path, array, allow_pickle=False)
            array = np.load(path, mmap_mode="r")
        assert isinstance(array, np.memmap)
        order: Literal["C", "F"] = "C" if array.flags.c_contiguous else "F"
        return MappedArray(str(array.filename), array.dtype.str, array.shape, array.offset, order)

    def drop(self, shared: SharedArray) -> None:
        """Remove the file of an array, if it is in the folder."""
        assert isinstance(shared, MappedArray)
        if Path(shared.path).parent == self._folder:
            Path(shared.path).unlink(missing_ok=True)


def _is_whole_file(array: Array) -> bool:
    # A part of a mapped array has the offset of the whole; a private copy may differ from the file.
    return (
        isinstance(array, np.memmap)
        and isinstance(array.base, mmap.mmap)
        and array.mode in {"r", "r+"}
    )


@dataclass(frozen=True, slots=True)
class SharedChoices:
    """References to choices whose features are computed from a table of vectors.

    Attributes:
        vector_T_d: Vectors of the texts.
        index_3_N: Rows of the pairs in the table.
        scale: Weight of the products with the prompt.
        scores: Scores of prompts and of responses on principal components; None without them.
        weight_N: Weight of each comparison.
        against_N: Weight of the choices that the other response won.
    """

    vector_T_d: SharedArray
    index_3_N: SharedArray
    scale: float
    scores: tuple[SharedArray, SharedArray] | None
    weight_N: SharedArray
    against_N: SharedArray

    def read(self) -> Choices:
        """The choices, their arrays in the memory that all workers of a machine share."""
        scores = None
        if self.scores is not None:
            prompt_T_p, response_T_r = self.scores
            scores = Scores(prompt_T_p.read(), response_T_r.read())
        features = TableFeatures(self.vector_T_d.read(), self.index_3_N.read(), self.scale, scores)
        return Choices(features, self.weight_N.read(), self.against_N.read())
