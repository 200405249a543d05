"""Conditions of the command line, such as `score>=30`: a name, a comparison, a value."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from streams.errors import EngageError

# The longer ones first, so that `>=` is not read as `>` of a value that begins with `=`.
_FORM: Final = re.compile(r"\s*(\w+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)


class Condition(NamedTuple):
    """`operator` is one of = != < <= > >=; `value` is text, which ClickHouse reads as the column's type."""

    name: str
    operator: str
    value: str


def parse(text: str) -> Condition:
    """Read one condition; blanks around its parts are not part of them.

    Raises:
        EngageError: it has another form.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise EngageError(f"{text!r} is no condition: write COLUMN=VALUE, or != < <= > >= instead of =")
    return Condition(*found.groups())
