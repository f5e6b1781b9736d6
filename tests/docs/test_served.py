"""The documentation that a server shows: offline, guarded, cached, and nothing but its own files."""

from __future__ import annotations

import gzip
import html
import http.client
import re
from pathlib import Path

import pytest

from pos_core.errors import ErrorCode, Kind
from pos_core.http import docs
from pos_core.http.catalogue import error_codes, page
from pos_core.kernel import Kernel
from pos_core.testing.harness import Client

_ADDRESS = re.compile(r'(?:src|href|action)="([^"]*)"')
STATIC = Path(docs.__file__).parent / "static"


@pytest.mark.req("API-07")
def test_the_page_asks_only_this_server(client: Client) -> None:
    shown = client.get("/docs")
    assert shown.status == 200
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    addresses = _ADDRESS.findall(shown.text)
    assert len(addresses) >= 5
    for address in addresses:
        assert address.startswith(("/", "data:")), address
        assert not address.startswith("//"), address
        if address.startswith("/"):
            assert client.get(address).status == 200, address
    assert "<script>" not in shown.text
    policy = dict(part.split(" ", 1) for part in shown.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"


def test_the_start_script_asks_no_validator(client: Client) -> None:
    script = client.get("/docs/static/docs.js").text
    assert "validatorUrl: null" in script
    assert re.findall(r'url: "([^"]+)"', script) == ["/openapi.json"]


def test_the_vendored_files_keep_their_licence() -> None:
    assert "Apache License" in (STATIC / "swagger" / "LICENSE").read_text()
    assert "SmartBear" in (STATIC / "swagger" / "NOTICE").read_text()


@pytest.mark.parametrize("name", sorted(docs.FILES))
def test_files_are_served_whole_compressed_and_cached(client: Client, name: str) -> None:
    plain = client.get(f"/docs/static/{name}")
    assert plain.raw == (STATIC / docs.FILES[name]).read_bytes()
    assert "max-age" in plain.headers["cache-control"]
    packed = client.request("GET", f"/docs/static/{name}", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.raw) == plain.raw
    known = client.request("GET", f"/docs/static/{name}", headers={"If-None-Match": plain.headers["etag"]})
    assert (known.status, known.raw) == (304, b"")


_OUTSIDE = (
    "LICENSE", "..%2fapp.py", "../app.py", "%2e%2e/%2e%2e/app.py", "swagger/LICENSE", "/etc/passwd", "docs.js%00",
)  # fmt: skip


@pytest.mark.parametrize("name", _OUTSIDE)
def test_nothing_else_is_served(client: Client, name: str) -> None:
    refused = client.get(f"/docs/static/{name}")
    assert refused.status == 404
    assert refused.code == "route_unknown"


def test_the_document_is_answered_with_an_etag(client: Client) -> None:
    first = client.get("/openapi.json")
    assert first.json["openapi"].startswith("3.1")
    again = client.request("GET", "/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert again.status == 304
    other = client.request("GET", "/openapi.json", headers={"If-None-Match": '"something"'})
    assert other.raw == first.raw


@pytest.mark.req("API-03")
def test_the_catalogue_has_a_place_for_every_code(client: Client, kernel: Kernel) -> None:
    shown = client.get("/docs/errors").text
    for code in error_codes(kernel):
        section = shown.partition(f'<section id="{code.code}">')[2].partition("</section>")[0]
        assert html.escape(code.en) in section
        assert html.escape(code.es) in section
    problem = client.get("/stores")
    assert f'id="{problem.json["type"].partition("#")[2]}"' in shown


def test_texts_of_the_catalogue_are_escaped() -> None:
    odd = ErrorCode("odd", Kind.RULE, en="<b>{a}</b>", es="1 < 2 & 3", cure="Use `a<b` or `c`.")
    shown = page([odd], "/x.css")
    assert "&lt;b&gt;{a}&lt;/b&gt;" in shown
    assert "1 &lt; 2 &amp; 3" in shown
    assert "<code>a&lt;b</code> or <code>c</code>" in shown


def test_the_root_leads_to_the_documentation(client: Client) -> None:
    connection = http.client.HTTPConnection(client.host, client.port, timeout=30)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (302, "/docs")
    connection.close()
