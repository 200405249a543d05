"""What the tokens of a reader's statement tell that `EXPLAIN AST` does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from streams.embedded.clickhouse.reader_rules import is_denied_function, is_setting_allowed, refuse
from streams.embedded.clickhouse.statement import Token, tokens

# A quoted name is printed as it is into a line of the tree, so it must not be able to look like part of one.
_UNSAFE_NAME = re.compile(rb"[\x00-\x1f\x7f\\]|\((?:children|alias)")
# ClickHouse also reads typographic quotes and blanks; outside quotes nothing may be but this.
_PUNCTUATION = frozenset("()[]{},.;:=<>!+-*/%|&^~?@")
_STARTS_OF_A_QUERY = frozenset(("", "(", "UNION", "ALL", "DISTINCT", "EXCEPT", "INTERSECT"))


@dataclass(frozen=True)
class Text:
    """How many SELECTs and SETTINGS there are, and which names stand before `AS (`."""

    selects: int
    settings: int
    expressions: frozenset[str]


def read_text(sql: bytes) -> Text:
    """Check the tokens of one statement.

    Raises:
        QueryError: 497 with what is refused.
    """
    found = list(tokens(sql))
    words = [token.word.decode() for token in found]
    if "INTO" in words or "OUTFILE" in words:
        raise refuse("INTO OUTFILE is not allowed")
    if words[0] == "SHOW" and "WHERE" in words:
        raise refuse("SHOW with WHERE is not allowed, use LIKE")
    before = ""
    for index, token in enumerate(found):
        _check(token, before, found[index + 1].text if index + 1 < len(found) else b"")
        before = words[index] or token.text.decode(errors="replace")
    clauses = [index for index in range(len(found)) if _opens_clause(found, index)]
    for index in clauses:
        _check_clause(found, index + 1)
    return Text(words.count("SELECT"), len(clauses), frozenset(_expressions(found)))


def _check(token: Token, before: str, following: bytes) -> None:
    if token.kind == "other" and token.text.decode(errors="replace") not in _PUNCTUATION:
        raise refuse("only plain characters are allowed outside quotes")
    if token.kind == "name" and _UNSAFE_NAME.search(token.text):
        raise refuse("a quoted name may not hold control characters, backslashes, '(children' or '(alias'")
    if following == b"(" and is_denied_function(_name_of(token)):
        raise refuse(f"the function {_name_of(token)} is not allowed")
    if token.word == b"FROM" and before in _STARTS_OF_A_QUERY:
        raise refuse("FROM before SELECT is not allowed")


def _name_of(token: Token) -> str:
    text = token.text.decode(errors="replace")
    return text[1:-1] if token.kind == "name" else text if token.kind == "word" else ""


def _opens_clause(found: list[Token], index: int) -> bool:
    """SETTINGS may also be the name of a column."""
    return found[index].word == b"SETTINGS" and [token.text for token in found[index + 2 : index + 3]] == [
        b"="
    ]


def _check_clause(found: list[Token], index: int) -> None:
    """`name = value, …` from `index` on, each value one number, text or word."""
    while True:
        name, equals, value = (*found[index : index + 3], _END, _END, _END)[:3]
        if name.kind != "word" or equals.text != b"=" or value.kind not in ("number", "text", "word"):
            raise refuse("SETTINGS may hold plain values only")
        if not is_setting_allowed(name.text.decode()):
            raise refuse(f"the setting {name.text.decode()} may not be changed")
        index += 4
        if index > len(found) or found[index - 1].text != b",":
            return


def _expressions(found: list[Token]) -> Iterator[str]:
    """Names of common table expressions: `name [(columns)] AS [[NOT] MATERIALIZED] (`."""
    for index, token in enumerate(found[:-1]):
        following = found[index + 1]
        if token.word == b"AS" and (following.text == b"(" or following.word in (b"NOT", b"MATERIALIZED")):
            yield _name_of(found[_before_brackets(found, index - 1)])


def _before_brackets(found: list[Token], index: int) -> int:
    if found[index].text != b")":
        return index
    depth = found[index].depth
    while index > 0 and not (found[index].text == b"(" and found[index].depth == depth):
        index -= 1
    return max(index - 1, 0)


_END = Token("", b"", 0, 0, 0)
