"""Where an export goes: a file that is there when it is complete, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from streams.errors import EngageError

STANDARD_OUTPUT: Final = Path("-")


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """What to write to. A file is written as `FILE.part` and takes its name at the end of the block; if the
    block fails, `FILE.part` is removed, and a `FILE` of before is as it was.

    Raises:
        EngageError: the file cannot be written, or the block raised one; it says what is left.
    """
    if file == STANDARD_OUTPUT:
        with _added("what has been written is not complete"):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    part = file.with_name(f"{file.name}.part")
    try:
        with _added(f"{file} was not written"), part.open("wb") as target:
            yield target
        part.replace(file)
    except OSError as error:
        raise EngageError(f"cannot write {file}: {error.strerror}") from error
    finally:
        # Gone already if all went well.
        part.unlink(missing_ok=True)


@contextmanager
def _added(what_is_left: str) -> Iterator[None]:
    try:
        yield
    except EngageError as error:
        raise EngageError(f"{error}; {what_is_left}") from error
