"""Every visible word stands in texts.<language>.json, once for each language, and is used."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest

from schemas.rejections import RejectReason
from schemas.topics import SOURCE_TOPICS
from schemas.transitions import ChurnStatus
from streams.ops.goals import SEGMENTS
from tests.dashboard.pages import STATIC, modules

LANGUAGES: Final = ("en", "de")
#: t("key"), named("key"), key: "key" in a table, data-text="key" in HTML.
_BEFORE_KEY: Final = r"(?:\b(?:t|named)\(\s*|\bkey: |data-(?:text|label|placeholder)=)"
_KEY: Final = re.compile(_BEFORE_KEY + r'"([a-z][\w.]*)"')
#: t(condition ? "key" : "other.key")
_EITHER: Final = re.compile(r"""\? "([a-z_]+\.[\w.]+)" : "([a-z_]+\.[\w.]+)"\)""")
#: counted("key") has key.one and key.other.
_COUNTED: Final = re.compile(r"""\bcounted\(\s*"([a-z][\w.]*)\"""")
#: t(`family.${value}`): any key that begins so.
_FAMILY: Final = re.compile(r"""\b(?:t|named)\(\s*`([a-z_.]+\.)\$\{""")


def catalogue(language: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((STATIC / f"texts.{language}.json").read_text("utf-8"))
    return texts


def sources() -> str:
    return "\n".join(file.read_text("utf-8") for file in (*modules(), STATIC / "index.html"))


def literal_keys(source: str) -> set[str]:
    either = {key for pair in _EITHER.findall(source) for key in pair}
    counted = {f"{key}.{number}" for key in _COUNTED.findall(source) for number in ("one", "other")}
    return {*_KEY.findall(source), *either, *counted}


def test_all_languages_have_the_same_keys_in_the_same_order() -> None:
    english, german = (list(catalogue(language)) for language in LANGUAGES)

    assert english == german


def test_every_key_in_the_code_has_a_text() -> None:
    assert literal_keys(sources()) - set(catalogue("en")) == set()


def test_every_text_is_used() -> None:
    source = sources()
    families = tuple(_FAMILY.findall(source))
    used = literal_keys(source)

    assert [key for key in catalogue("en") if key not in used and not key.startswith(families)] == []


def test_the_patterns_see_all_ways_in_which_code_names_a_text() -> None:
    source = """t("a.b") named("c", x) t(\n  "d.e", {}) counted("f", 1) data-text="g" t(`h.${x}`)
        t(x === "y" ? "i.j" : "k.l") { key: "m.n" }"""

    assert literal_keys(source) == {"a.b", "c", "d.e", "f.one", "f.other", "g", "i.j", "k.l", "m.n"}
    assert _FAMILY.findall(source) == ["h."]


@pytest.mark.parametrize("key", catalogue("en"))
def test_a_text_takes_the_same_values_in_all_languages(key: str) -> None:
    english, german = (sorted(re.findall(r"\{\w+\}", catalogue(language)[key])) for language in LANGUAGES)

    assert english == german


@pytest.mark.parametrize(
    ("family", "values"),
    [
        ("reject", [reason.value for reason in RejectReason]),
        ("status", [status.value for status in ChurnStatus]),
        ("metric", list(SEGMENTS)),
        ("channel", [topic.partition(".")[2] for topic in SOURCE_TOPICS]),
        ("goal_status", ["met", "missed", "on_track", "behind", "none"]),
        ("order_status", ["paid", "partly_refunded", "refunded", "currency_mismatch"]),
        ("window", ["1h", "24h", "7d", "30d", "90d"]),
        ("feed", ["loading", "live", "current", "reconnecting", "problem"]),
    ],
)
def test_whatever_the_views_can_say_has_a_text(family: str, values: list[str]) -> None:
    assert [value for value in values if f"{family}.{value}" not in catalogue("de")] == []
