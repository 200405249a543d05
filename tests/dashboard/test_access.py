"""Who may look, how one gets in, and what every answer says to browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from clickhouse_connect.driver.client import Client

from streams.config import Settings, load_settings
from streams.dashboard.access import COOKIE, Access, is_loopback
from streams.errors import ConfigError
from tests.dashboard.rig import Running, serving

FILE = "/static/index.html"
TOKEN = "a-token-that-nobody-guesses"
HEADER = "X-Forwarded-User"
PAGES = ("/", "/visitors", "/customers/c-0", "/retention", "/health")
DATA = ("/api/overview", "/api/customers/c-0", "/api/retention", "/stream/visitors", "/api/customers?q=c")
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
WITH_HEADER = {HEADER: "anna"}


@pytest.fixture
async def guarded(settings: Settings, client: Client) -> AsyncIterator[Running]:
    async with serving(settings, token=TOKEN) as running:
        yield running


async def status(running: Running, path: str, headers: dict[str, str] | None = None) -> int:
    async with running.http.get(path, headers=headers, allow_redirects=False) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("token", "header", "sent", "expected"),
    [
        ("", "", {}, 200),
        (TOKEN, "", {}, 401),
        (TOKEN, "", WITH_TOKEN, 200),
        (TOKEN, "", {"Authorization": f"bearer {TOKEN}"}, 200),
        (TOKEN, "", {"Authorization": TOKEN}, 401),
        (TOKEN, "", {"Authorization": f"Basic {TOKEN}"}, 401),
        (TOKEN, "", {"Authorization": f"Bearer {TOKEN}x"}, 401),
        (TOKEN, "", {"Authorization": "Bearer"}, 401),
        (TOKEN, "", {"Authorization": "Bearer ü"}, 401),
        (TOKEN, "", {"Cookie": f"{COOKIE}={TOKEN}"}, 401),
        (TOKEN, "", {"Cookie": f"{COOKIE}={Access(TOKEN, '').cookie()}"}, 200),
        (TOKEN, "", {"Cookie": f"{COOKIE}={Access('another-token-of-before', '').cookie()}"}, 401),
        (TOKEN, "", WITH_HEADER, 401),
        ("", HEADER, {}, 401),
        ("", HEADER, {HEADER: ""}, 401),
        ("", HEADER, WITH_HEADER, 200),
        ("", HEADER, WITH_TOKEN, 401),
        (TOKEN, HEADER, WITH_TOKEN, 401),
        (TOKEN, HEADER, WITH_HEADER, 401),
        (TOKEN, HEADER, {**WITH_TOKEN, **WITH_HEADER}, 200),
    ],
)
async def test_data_is_for_those_who_bring_what_is_asked(
    settings: Settings, client: Client, token: str, header: str, sent: dict[str, str], expected: int
) -> None:
    async with serving(settings, token=token, header=header) as running:
        for path in ("/api/visitors", "/stream/visitors"):
            assert await status(running, path, sent) == expected, path


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200),
        ("localhost:8088", 200),
        ("127.0.0.1:1", 200),
        ("127.8.8.8", 200),
        ("[::1]:8088", 200),
        ("evil.example", 403),
        ("evil.example:8088", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("0.0.0.0", 403),
        ("192.168.1.1:8088", 403),
        ("[", 403),
        ("", 403),
    ],
)
async def test_without_a_token_only_names_of_this_machine_are_served(
    running: Running, host: str, expected: int
) -> None:
    for path in ("/", "/api/overview", "/stream/visitors"):
        assert await status(running, path, {"Host": host}) == expected, path


async def test_with_a_token_any_name_is_served(guarded: Running) -> None:
    assert await status(guarded, "/api/overview", {"Host": "dashboard.example", **WITH_TOKEN}) == 200


@pytest.mark.parametrize("path", PAGES)
async def test_pages_lead_to_the_login_and_back(guarded: Running, path: str) -> None:
    jar = aiohttp.CookieJar(unsafe=True)  # an address has cookies, too
    async with aiohttp.ClientSession(guarded.url, cookie_jar=jar) as browser:
        async with browser.get(f"{path}?lang=de") as login:
            assert login.status == 200
            assert login.url.path == "/login"
            assert 'name="token"' in await login.text()
        async with browser.post(login.url, data={"token": TOKEN}, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == f"{path}?lang=de"
        async with browser.get(path, allow_redirects=False) as page:
            assert page.status == 200
        async with browser.get("/api/overview") as data:
            assert data.status == 200


async def test_the_cookie_is_for_this_server_only_and_is_not_the_token(guarded: Running) -> None:
    for proxied, is_secure in ({}, False), ({"X-Forwarded-Proto": "https"}, True):
        async with guarded.http.post(
            "/login", data={"token": TOKEN}, headers=proxied, allow_redirects=False
        ) as answer:
            cookie = answer.headers["Set-Cookie"]
        assert TOKEN not in cookie
        flags = {part.strip() for part in cookie.split(";")[1:]}
        assert flags == {"HttpOnly", "Path=/", "SameSite=Strict"} | ({"Secure"} if is_secure else set())


@pytest.mark.parametrize("form", [{"token": "wrong"}, {"token": ""}, {}, {"token": "ü"}])
async def test_a_wrong_token_leads_to_the_page_that_says_so(guarded: Running, form: dict[str, str]) -> None:
    async with guarded.http.post("/login?next=%2Fhealth", data=form, allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/login?next=/health#refused"
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "aim", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\r\nX: y", "health", "", "/ü"]
)
async def test_the_login_leads_nowhere_else(guarded: Running, aim: str) -> None:
    async with guarded.http.post(
        "/login", params={"next": aim}, data={"token": TOKEN}, allow_redirects=False
    ) as answer:
        assert answer.headers["Location"] == "/"


async def test_a_form_of_another_kind_or_too_long_is_refused(guarded: Running) -> None:
    async with guarded.http.post("/login", json={"token": TOKEN}) as answer:
        assert answer.status == 400
    async with guarded.http.post("/login", data={"token": "x" * 100_000}) as answer:
        assert answer.status == 413


async def test_without_a_token_there_is_no_login(running: Running) -> None:
    assert await status(running, "/login") == 404


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/static/login.html"])
async def test_what_says_nothing_of_customers_is_open(guarded: Running, path: str) -> None:
    assert await status(guarded, path) == 200


async def test_a_report_of_a_violation_is_counted_and_not_kept(guarded: Running) -> None:
    async with guarded.http.post("/csp-report", data=b'{"csp-report": {}}') as answer:
        assert answer.status == 204
    assert guarded.gauge("csp_reports_total") == 1


FURTHER = ("/login", "/static/none", "/nothing", "/api/customers/nobody", "/api/visitors?limit=x", "/metrics")


@pytest.mark.parametrize("headers", [{}, WITH_TOKEN, {"Host": "evil.example"}])
@pytest.mark.parametrize("token", ["", TOKEN])
async def test_every_answer_tells_browsers_what_a_page_may(
    settings: Settings, client: Client, headers: dict[str, str], token: str
) -> None:
    async with serving(settings, token=token) as running:
        for path in (*PAGES, *DATA, *FURTHER, FILE):
            async with running.http.get(path, headers=headers, allow_redirects=False) as answer:
                check_headers(path, answer.headers)


def check_headers(path: str, headers: Mapping[str, str]) -> None:
    policy = headers["Content-Security-Policy"].split("; ")
    assert policy[0] == "default-src 'none'", path
    assert {"script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} < set(policy), path
    assert "unsafe" not in " ".join(policy), path
    assert headers["X-Content-Type-Options"] == "nosniff", path
    assert headers["Referrer-Policy"] == "no-referrer", path
    assert headers["Cache-Control"] == ("no-cache" if path == FILE else "no-store"), path


async def test_what_is_refused_is_one_line_of_json(guarded: Running) -> None:
    told = await guarded.get("/api/overview", status=401)
    assert told == {"error": "send the token as Authorization: Bearer, or log in at /login"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_data_is_read_only(running: Running, method: str) -> None:
    async with running.http.request(method, "/api/overview") as answer:
        assert answer.status == 405


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "dashboard.example"])
def test_more_than_loopback_needs_a_token_or_a_proxy(settings: Settings, host: str) -> None:
    with pytest.raises(ConfigError, match=f"^--host {host}: anybody could look .*ENGAGE_DASHBOARD_TOKEN"):
        Access.of(settings, host)
    Access.of(settings.model_copy(update={"dashboard_proxy_header": HEADER}), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_neither(settings: Settings, host: str) -> None:
    assert Access.of(settings, host).is_open


@pytest.mark.parametrize("token", ["short", "fifteen-charact", "line\nfeed-and-long-enough", "ü" * 20])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("ENGAGE_DASHBOARD_TOKEN", token)
    with pytest.raises(ConfigError, match=r"^ENGAGE_DASHBOARD_TOKEN: must be at least 16 ") as caught:
        load_settings()
    assert token not in str(caught.value)


def test_the_token_is_not_in_what_is_shown_of_it() -> None:
    assert TOKEN not in repr(Access(TOKEN, ""))


def test_loopback_is_told_by_addresses_not_by_text() -> None:
    assert is_loopback("localhost:80")
    assert not is_loopback("127.0.0.1@evil.example")
