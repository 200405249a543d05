"""The text of `EXPLAIN AST` as a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

from streams.embedded.clickhouse.reader_rules import refuse

_LINE = re.compile(
    r"(?P<indent> *)(?P<kind>\S+)"
    r"(?: (?P<text>(?!\((?:alias|children) ).*?))?"
    r"(?: \(alias (?P<alias>.*?)\))?"
    r"(?: \(children (?P<children>\d+)\))?"
)


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
    found = _LINE.fullmatch(lines[index]) if index < len(lines) else None
    if found is None or len(found["indent"]) != depth:
        raise refuse("the statement cannot be checked")
    index += 1
    children = []
    for _ in range(int(found["children"] or 0)):
        child, index = _node(lines, index, depth + 1)
        children.append(child)
    return Node(found["kind"], found["text"] or "", found["alias"] or "", tuple(children)), index
