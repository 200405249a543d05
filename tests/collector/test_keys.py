"""The file of write keys, and who may come in with what."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from streams.collector.answers import Refused
from streams.collector.auth import authenticate, check_origin, from_header
from streams.collector.cors import cors_headers, preflight_headers
from streams.collector.keys import WriteKeys, load_keys
from streams.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "deploy/collector/keys.example.toml"
TWO = """
[[key]]
write_key = "web-key-1"
source = "shop-web"
origins = ["https://shop.example"]

[[key]]
write_key = "server-key-1"
source = "shop-server"
"""


def keys(directory: Path, text: str = TWO) -> WriteKeys:
    path = directory / "keys.toml"
    path.write_text(text)
    return load_keys(path)


def basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()


def test_the_example_file_is_valid() -> None:
    web, server = load_keys(EXAMPLE).all
    assert (web.source, web.events_per_second, web.currency) == ("shop-web", 500, "EUR")
    assert (server.source, server.origins) == ("shop-server", ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[key]\n", "line 1"),
        ("", "needs one or more [[key]]"),
        ('[[keys]]\nwrite_key = "a"\n', "needs one or more [[key]]"),
        ('[[key]]\nwrite_key = "hush-hush"\n', "number 1: source: Field required"),
        ('[[key]]\nwrite_key = "hush"\nsource = "x"\n', "number 1: write_key: "),
        (TWO + 'colour = "red"\n', "number 2: colour: "),
        (TWO + '[[key]]\nwrite_key = "web-key-1"\nsource = "x"\n', "number 3 has the write_key of number 1"),
        (TWO + "events_per_second = 0\n", "number 2: events_per_second: "),
    ],
)
def test_a_wrong_file_is_named_in_one_line_without_its_secrets(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        keys(tmp_path, text)
    message = str(error.value)
    assert says in message
    assert str(tmp_path / "keys.toml") in message
    assert "\n" not in message
    assert "hush" not in message
    assert "web-key-1" not in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file"):
        load_keys(tmp_path / "nowhere.toml")


def test_a_key_does_not_show_itself(tmp_path: Path) -> None:
    assert "web-key-1" not in repr(keys(tmp_path).all)


def test_the_header_wins_over_the_body(tmp_path: Path) -> None:
    known = keys(tmp_path)
    assert authenticate(known, from_header(basic("web-key-1:")), "server-key-1").source == "shop-web"
    assert authenticate(known, from_header(""), "server-key-1").source == "shop-server"
    assert authenticate(known, from_header(basic(":")), "server-key-1").source == "shop-server"


@pytest.mark.parametrize("given", [None, "", 7, "web-key-2", "web-key-1 ", "wéb"])
def test_no_key_and_a_wrong_one_get_401(tmp_path: Path, given: object) -> None:
    with pytest.raises(Refused) as refused:
        authenticate(keys(tmp_path), None, given)
    assert refused.value.status == 401


@pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !!!", "Basic /w==", basic("")])
def test_a_header_without_a_user_name_counts_as_none(header: str) -> None:
    assert from_header(header) is None


def test_a_page_needs_a_key_that_lists_its_origin(tmp_path: Path) -> None:
    web, server = keys(tmp_path).all
    check_origin(web, "https://shop.example")
    check_origin(server, "")  # no browser
    for key in (web, server):
        with pytest.raises(Refused) as refused:
            check_origin(key, "https://evil.example")
        assert refused.value.status == 403


def test_a_preflight_is_answered_for_an_origin_of_any_key(tmp_path: Path) -> None:
    allowed = preflight_headers(keys(tmp_path), "https://shop.example")
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"
    for name in ("authorization", "content-type", "x-retry-count"):
        assert name in allowed["Access-Control-Allow-Headers"]
    assert preflight_headers(keys(tmp_path), "https://evil.example") == {"Vary": "Origin"}
    assert cors_headers(keys(tmp_path), "") == {"Vary": "Origin"}


def test_a_star_is_every_origin(tmp_path: Path) -> None:
    every = keys(tmp_path, TWO.replace("https://shop.example", "*"))
    assert cors_headers(every, "null")["Access-Control-Allow-Origin"] == "null"
