"""The text of `EXPLAIN AST` as a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

from streams.embedded.clickhouse.reader_rules import refuse

_HEAD = re.compile(r"(?P<indent> *)(?P<kind>\S+)")
_CHILDREN = re.compile(r" \(children ([0-9]{1,9})\)\Z")
_ALIAS = " (alias "


@dataclass(frozen=True)
class Node:
    """`text` is the name or value behind the kind, `alias` the name behind AS; `''` for none."""

    kind: str
    text: str
    alias: str
    children: tuple[Node, ...]


def parse_tree(explained: str) -> Node:
    """Parse strictly: indentation and the stated number of children must agree on every line.

    Raises:
        QueryError: 497 if they do not, which a statement's own text could only bring about on purpose.
    """
    lines = explained.rstrip("\n").split("\n")
    node, used = _node(lines, 0, 0)
    if used != len(lines):
        raise refuse("the statement cannot be checked")
    return node


def _node(lines: list[str], index: int, depth: int) -> tuple[Node, int]:
    head = _HEAD.match(lines[index]) if index < len(lines) else None
    if head is None or len(head["indent"]) != depth:
        raise refuse("the statement cannot be checked")
    text, alias, count = _parts(lines[index][head.end() :])
    index += 1
    children = []
    for _ in range(count):
        child, index = _node(lines, index, depth + 1)
        children.append(child)
    return Node(head["kind"], text, alias, tuple(children)), index


def _parts(rest: str) -> tuple[str, str, int]:
    """Text, alias and number of children from the end of a line: ` text (alias name) (children 2)`."""
    counted = _CHILDREN.search(rest)
    rest = rest[: counted.start()] if counted else rest
    alias = ""
    if rest.endswith(")") and _ALIAS in rest:
        rest, _, alias = rest[:-1].rpartition(_ALIAS)
    return rest.removeprefix(" "), alias, int(counted[1]) if counted else 0
