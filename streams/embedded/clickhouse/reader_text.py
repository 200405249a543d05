"""What the tokens of a reader's statement tell that `EXPLAIN AST` does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from streams.embedded.clickhouse.reader_rules import check_setting, is_denied_function, refuse
from streams.embedded.clickhouse.statement import Token, tokens

# A quoted name is printed as it is into a line of the tree, so it must not be able to look like part of one.
_UNSAFE_NAME = re.compile(rb"[\x00-\x1f\x7f\\]|\((?:children|alias)")
# ClickHouse also reads typographic quotes and blanks; outside quotes nothing may be but this.
_PUNCTUATION = frozenset("()[]{},.;:=<>!+-*/%|&^~?@")
_STARTS_OF_A_QUERY = frozenset(("", "(", "UNION", "ALL", "DISTINCT", "EXCEPT", "INTERSECT"))


@dataclass(frozen=True)
class Text:
    """How many SELECTs and SETTINGS there are; which names stand before `AS (`; parameters that are names."""

    selects: int
    settings: int
    expressions: frozenset[str]
    identifiers: frozenset[str]


def read_text(sql: bytes) -> Text:
    """Check the tokens of one statement.

    Raises:
        QueryError: 497 with what is refused.
    """
    found = list(tokens(sql))
    words = [token.word.decode() for token in found]
    if "INTO" in words or "OUTFILE" in words:
        raise refuse("INTO OUTFILE is not allowed")
    if words[0] == "SHOW" and not {"WHERE", "LIMIT"}.isdisjoint(words):
        raise refuse("SHOW with WHERE or LIMIT is not allowed, use LIKE")
    before = ""
    for index, token in enumerate(found):
        _check(token, before, found[index + 1].text if index + 1 < len(found) else b"")
        before = words[index] or token.text.decode(errors="replace")
    clauses = [index for index in range(len(found)) if _opens_clause(found, index)]
    for index in clauses:
        _check_clause(found, index + 1)
    expressions, identifiers = frozenset(_expressions(found)), frozenset(_identifiers(found))
    return Text(words.count("SELECT"), len(clauses), expressions, identifiers)


def is_safe_name(name: bytes) -> bool:
    """Whether a name cannot look like a part of the tree when it is printed into it."""
    return _UNSAFE_NAME.search(name) is None


def _check(token: Token, before: str, following: bytes) -> None:
    if token.kind == "other" and token.text.decode(errors="replace") not in _PUNCTUATION:
        raise refuse("only plain characters are allowed outside quotes")
    if token.kind == "name" and not is_safe_name(token.text):
        raise refuse("a quoted name may not hold control characters, backslashes, '(children' or '(alias'")
    if following == b"(" and is_denied_function(_name_of(token)):
        raise refuse(f"the function {_name_of(token)} is not allowed")
    if token.word == b"UUID" and following.startswith(b"'"):
        raise refuse("a table is named by its name, not by its UUID")
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
        name, equals, value = (*found[index : index + 3], _NOTHING, _NOTHING, _NOTHING)[:3]
        if name.kind != "word" or equals.text != b"=" or value.kind not in ("number", "text", "word"):
            raise refuse("SETTINGS may hold plain values only")
        check_setting(name.text.decode(), value.text.decode(errors="replace"))
        index += 4
        if index > len(found) or found[index - 1].text != b",":
            return


def _expressions(found: list[Token]) -> Iterator[str]:
    """Names of common table expressions: `name [(columns)] AS [[NOT] MATERIALIZED] (`."""
    before = _NOTHING
    outside: list[Token] = []
    for token, following in zip(found, [*found[1:], _NOTHING], strict=True):
        if token.word == b"AS" and (following.text == b"(" or following.word in (b"NOT", b"MATERIALIZED")):
            yield _name_of(before)
        if token.text == b"(":
            outside.append(before)
        # What stands before a pair of brackets stands before what comes behind it, too.
        before = outside.pop() if token.text == b")" and outside else token


def _identifiers(found: list[Token]) -> Iterator[str]:
    """Names of parameters that are names themselves: `{name:Identifier}`."""
    for name, colon, kind in zip(found, found[1:], found[2:], strict=False):
        if colon.text == b":" and kind.word == b"IDENTIFIER":
            yield name.text.decode(errors="replace")


_NOTHING = Token("", b"", 0, 0, 0)
