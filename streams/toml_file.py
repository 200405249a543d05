"""Reads a TOML file that a person edits, and says of what is wrong with it where that stands."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from streams.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

Model = TypeVar("Model", bound=BaseModel)
#: Where a value stands in the content: keys, and positions in arrays from 0.
Place = Sequence[str | int]

_SYNTAX: Final = re.compile(r" \((?:at line (\d+), column \d+|at end of document)\)$")
#: How messages of pydantic begin, and how these lines do.
_WORDING: Final = (
    ("Value error, ", ""),
    ("Input should be greater than or equal to", "must be at least"),
    ("Input should be less than or equal to", "must be at most"),
    ("Input should be", "must be"),
    ("String should", "must"),
    ("Tuple should", "must"),
    ("Field required", "is missing"),
    ("Extra inputs are not permitted", "is not known"),
    ("Unexpected keyword argument", "is not known"),
)


def read_toml(path: Path, name: str, advice: str) -> tuple[str, dict[str, Any]]:
    """The file's text and its content.

    Raises:
        ConfigError: one line; it calls the file `name`, and gives `advice` when it is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}; {advice}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: is not UTF-8 text") from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX.search(str(error))
        line = int(found[1]) if found and found[1] else len(text.splitlines())
        raise ConfigError(f"{name}:{line}: {_SYNTAX.sub('', str(error))}") from None


def validated(model: type[Model], path: Path, advice: str) -> Model:
    """The file as a model.

    Raises:
        ConfigError: `file:line: field: what is wrong with it`, for the first mistake in the file.
    """
    text, content = read_toml(path, str(path), advice)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        mistakes = [_mistake(text, content, details) for details in error.errors(include_url=False)]
        line, field, message = min(mistakes, key=lambda mistake: mistake[0])
        raise ConfigError(": ".join(filter(None, (f"{path}:{line}", field, message)))) from None


def _mistake(text: str, content: Mapping[str, Any], details: ErrorDetails) -> tuple[int, str, str]:
    """Line, field and message of one error."""
    is_missing = details["type"].startswith("missing")
    place = details["loc"] if is_missing else _present(content, details["loc"])
    return (
        line_of(text, place[:-1] if is_missing else place),
        ".".join(str(part + 1) if isinstance(part, int) else part for part in place),
        message_of(details),
    )


def message_of(details: ErrorDetails) -> str:
    """The error in the words of these files; never with the value."""
    message = details["msg"]
    for theirs, ours in _WORDING:
        if message.startswith(theirs):
            return ours + message.removeprefix(theirs)
    return message


def _present(content: Any, place: Place) -> Place:
    """As much of the place as the content has; pydantic adds the types that it has tried."""
    for depth in range(len(place)):
        if not _has(content, place[: depth + 1]):
            return place[:depth]
    return place


def _has(content: Any, place: Place) -> bool:
    for part in place:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def line_of(text: str, place: Place) -> int:
    """The line, from 1, on which a value of the text begins; of a text in several lines, on which it ends.

    It is the first line up to which the text can be read and has the value. An array may be open there:
    closing it is tried.
    """
    lines = text.splitlines()
    for number in range(1, len(lines) + 1):
        until = "\n".join(lines[:number])
        for closing in ("", "]", "]]"):
            if _has(_readable(until + closing), place):
                return number
    return max(len(lines), 1)


def _readable(text: str) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    return content
