"""Work on many items in parts; a part that fails is halved until the faulty items are found."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

from pluralign.core import IntArray, InvalidInput, InvalidSettings, PluralignError, count_of
from pluralign.encoders.endpoint import EndpointFailed, OtherModel
from pluralign.scaling.carried import WorkerNotReady
from pluralign.scaling.spreading import spread

_MOST_FAULTS = 20
"""Parts that may fail in a round; with more, the fault is not in an item."""
_FAULTY_SET_UP = (WorkerNotReady, EndpointFailed, OtherModel, InvalidSettings)
"""Errors that no item can cause."""
_SHOWN = 60


def done_in_parts(
    items: Sequence[Any],
    parts: Sequence[IntArray],
    function: Callable[..., Any],
    before: tuple[Any, ...],
    pool: Executor,
    word: tuple[str, str],
    shown: Callable[[Any], str] = str,
) -> Iterator[tuple[IntArray, Any]]:
    """Call a function with the items of every part, on the workers of a pool.

    Args:
        items: The items.
        parts: Positions of the items of each part.
        function: Is called with ``before`` and a list of items; it is pickled by its name.
        before: Arguments before the items.
        pool: The workers.
        word: The noun of an item and the verb of the work, for messages: ``("text", "encoded")``.
        shown: The name of an item in a message.

    Yields:
        The positions of the items of a part, and the result; in any order.

    Raises:
        InvalidInput: If items fail on their own: in the end, when all others are done.
        WorkerNotReady: If a worker lacks something.
        EndpointFailed: If no server of embeddings answers.
        OtherModel: If the servers have another model than the other vectors are of.
        InvalidSettings: If settings do not fit, such as a key that a worker does not have.
        Exception: The error of the function, if it fails in more than 20 parts.
    """
    left, faults = list(parts), dict[int, BaseException]()
    while left:
        failed: list[tuple[IntArray, BaseException]] = []
        tasks = ((k, (*before, [items[i] for i in row_S])) for k, row_S in enumerate(left))
        for k, done in spread(tasks, function, pool):
            if (error := done.exception()) is None:
                yield left[k], done.result()
            elif isinstance(error, _FAULTY_SET_UP):
                raise error
            else:
                failed.append((left[k], error))
        if len(failed) > _MOST_FAULTS:
            raise failed[0][1]
        faults |= {int(row_S[0]): error for row_S, error in failed if len(row_S) == 1}
        left = [half for row_S, _ in failed if len(row_S) > 1 for half in _halves(row_S)]
    if faults:
        found = {shown(items[i]): error for i, error in sorted(faults.items())}
        raise _faulty(found, len(items), *word)


def _halves(row_S: IntArray) -> list[IntArray]:
    middle = len(row_S) // 2
    return [row_S[:middle], row_S[middle:]]


def _faulty(faults: dict[str, BaseException], items: int, item: str, done: str) -> InvalidInput:
    lines = [
        f"{name[:_SHOWN]!r}{'...' if len(name) > _SHOWN else ''} ({_shown(error)})"
        for name, error in faults.items()
    ]
    return InvalidInput(
        f"{len(faults):,} of {count_of(items, item)} cannot be {done}: {'; '.join(lines)}",
        hint="change these or leave them out, and give the same command again",
    )


def _shown(error: BaseException) -> str:
    """Kind and message of an error, without the hint of ours."""
    message = error.what if isinstance(error, PluralignError) else error
    return f"{type(error).__name__}: {message}"
