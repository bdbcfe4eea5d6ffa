"""Open data files: plain or gzipped, in any Unicode encoding with a mark, up to a size."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from pluralign.core import InvalidInput
from pluralign.sources.limits import ReadLimits

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HOW_TO_CONVERT = (
    "save it as UTF-8 (Excel: 'CSV UTF-8'), or convert it: iconv -f {encoding} -t UTF-8 OLD > NEW"
)


def read_lines(path: Path, limits: ReadLimits) -> Iterator[bytes]:
    """Stream the lines of a text file as UTF-8 bytes, each ending as in the file.

    The bytes of a file in UTF-8 are not checked here, so that an error can name the line.

    Raises:
        InvalidInput: If the file cannot be read or exceeds a limit.
    """
    encoding = encoding_of(path)
    if encoding not in ("utf-8", "utf-8-sig"):
        yield from (line.encode() for line in read_text_lines(path, encoding, limits, newline="\n"))
        return
    with open_binary(path, limits) as file:
        if encoding == "utf-8-sig":
            file.read(len(codecs.BOM_UTF8))
        most = limits.row_bytes + 1
        for number, line in enumerate(iter(partial(file.readline, most), b""), start=1):
            if len(line) == most:
                limits.check_row(most, f"{path}:{number}")
            yield line


def read_text_lines(
    path: Path, encoding: str, limits: ReadLimits, newline: str = ""
) -> Iterator[str]:
    """Stream the lines of a text file; by default a line ends at LF, CR or CRLF, which is kept.

    Raises:
        InvalidInput: If the file cannot be read or decoded, or exceeds a limit.
    """
    with (
        open_binary(path, limits) as file,
        io.TextIOWrapper(file, encoding, newline=newline) as text,
    ):
        most = limits.row_bytes + 1
        try:
            for number, line in enumerate(iter(partial(text.readline, most), ""), start=1):
                if len(line) == most:
                    limits.check_row(most, f"{path}:{number}")
                yield line
        except UnicodeError as error:
            raise _undecodable(path, encoding, limits) from error


def encoding_of(path: Path) -> str:
    """Encoding of a text file: that of its byte-order mark, else UTF-8.

    Raises:
        InvalidInput: If it looks like UTF-16 without a byte-order mark.
    """
    with open_binary(path, ReadLimits()) as file:
        head = file.read(512)
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    unmarked = _unmarked_utf16(head)
    if unmarked is not None:
        raise InvalidInput(
            "the file must be UTF-8, or UTF-16 with a byte-order mark; got what looks like "
            f"{unmarked} without one",
            where=str(path),
            hint=_HOW_TO_CONVERT.format(encoding=unmarked),
        )
    return "utf-8"


def _unmarked_utf16(head: bytes) -> str | None:
    """The UTF-16 of a text without a byte-order mark, by its first bytes; None for any other text.

    >>> _unmarked_utf16("質問,一".encode("utf-16-be")), _unmarked_utf16(b"question,1")
    ('UTF-16BE', None)
    """
    if 0 not in head:
        return None
    name = "UTF-16LE" if head[1::2].count(0) > head[::2].count(0) else "UTF-16BE"
    text = head.decode(name, "ignore")
    is_text = all(c.isprintable() or c in "\r\n\t" for c in text)
    return name if is_text and any(c in text for c in ",;\t\n") else None


@contextmanager
def open_binary(path: Path, limits: ReadLimits) -> Iterator[BinaryIO]:
    """Open a plain or gzipped file; its size after decompression is limited.

    Raises:
        InvalidInput: While reading, if it is damaged or expands to more than the limit.
    """
    try:
        if not path.name.lower().endswith(".gz"):
            with path.open("rb") as file:
                yield file
            return
        with (
            gzip.open(path, "rb") as packed,
            io.BufferedReader(_Bounded(packed, path, limits)) as file,
        ):
            yield cast(BinaryIO, file)
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidInput(
            f"the file cannot be read: {error}", where=str(path), hint="fetch it again"
        ) from error


class _Bounded(io.RawIOBase):
    """The expanded bytes of a gzipped file, up to the limit."""

    def __init__(self, packed: gzip.GzipFile, path: Path, limits: ReadLimits) -> None:
        self._packed, self._path, self._limits = packed, path, limits
        self._n_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        n_bytes = self._packed.readinto(buffer)
        self._n_bytes += n_bytes
        self._limits.check_expanded(self._n_bytes, self._path)
        return n_bytes


def _undecodable(path: Path, encoding: str, limits: ReadLimits) -> InvalidInput:
    """An error with the first line that cannot be decoded, as it reads in Windows-1252."""
    name = "UTF-8" if encoding in ("utf-8", "utf-8-sig") else encoding.upper()
    if name != "UTF-8":
        return InvalidInput(
            f"the file must be {name}, as its first bytes state, got other bytes", where=str(path)
        )
    with open_binary(path, limits) as file:
        for number, line in enumerate(iter(lambda: file.readline(limits.row_bytes), b""), start=1):
            try:
                line.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                around = line[max(error.start - 15, 0) : error.end + 15]
                legacy = around.decode("cp1252", "replace").strip()
                return InvalidInput(
                    f"the file must be UTF-8, got the byte 0x{line[error.start]:02x} (in "
                    f"Windows-1252: {legacy!r})",
                    where=f"{path}:{number}",
                    hint=_HOW_TO_CONVERT.format(encoding="WINDOWS-1252"),
                )
    return InvalidInput("the file must be UTF-8, and it ends within a character", where=str(path))
