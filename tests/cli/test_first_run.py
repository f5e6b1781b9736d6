"""`pos serve --setup`: a new machine is set up over HTTP, once, by whoever has the code; then it serves."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pos_core.config import loader
from pos_core.db.database import connect_to
from pos_core.errors import PosError
from pos_core.installer import checks, first_run
from pos_core.installer.countries import COUNTRIES
from pos_core.installer.first_run import SetUp
from pos_core.money import is_currency
from pos_core.testing.harness import Answer, Client, Templates
from pos_core.testing.processes import ServerProcess, run_pos

PASSWORD = "seven-grey-kettles"
BUSINESS = {"name": "Corner shop", "country": "ES", "admin_username": "olga", "admin_password": PASSWORD}


@pytest.fixture
def machine(pos_templates: Templates, dialect: str, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Start `pos serve --setup` on a new machine with an empty database of the dialect; again and again, if wanted."""
    shop, running = tmp_path / "shop", []
    url = "sqlite:///pos.sqlite3"
    if dialect == "postgresql":
        url = pos_templates._server.create_database(f"pos_first_{abs(hash(str(tmp_path)))}")  # type: ignore[union-attr]

    def start(*arguments: str, setup: bool = True) -> ServerProcess:
        variables = {"POS_PROFILE": "test", "POS_DATABASE__URL": url}
        process = ServerProcess(shop, *(("--setup",) if setup else ()), *arguments, variables=variables)
        running.append(process)
        return process

    start.shop, start.url = shop, url  # type: ignore[attr-defined]
    yield start
    for process in running:
        process.kill()
    if dialect == "postgresql":
        pos_templates._server.drop_database(urlsplit(url).path.strip("/"))  # type: ignore[union-attr]


def waiting(process: ServerProcess) -> Client:
    """A client of a server that waits for its first run; it has the code."""
    line = process.wait_for("waiting for the first run")
    parts = urlsplit(line["url"])
    code = Path(line["code_file"])
    assert stat.S_IMODE(code.stat().st_mode) == 0o600
    return Client(parts.hostname or "", parts.port or 0, headers={"Setup-Code": code.read_text().strip()})


def sign_in(client: Client) -> Answer:
    client.headers.clear()
    return client.post("/auth/login", {"username": "olga", "password": PASSWORD, "app_context": "hq"})


def businesses(url: str, shop: Path) -> list[tuple[str, str]]:
    """(name, currency) of every business that the database holds."""
    db = connect_to(url.replace("sqlite:///", f"sqlite:///{shop}/"))
    try:
        with db.in_use():
            return [tuple(row) for row in db.execute_sql("SELECT name, currency FROM core_instance").fetchall()]
    finally:
        checks.close(db)


@pytest.mark.slow
@pytest.mark.req("INS-01")
def test_a_new_machine_is_set_up_once_and_then_serves(machine: Callable[..., ServerProcess]) -> None:
    process, shop = machine(), machine.shop  # type: ignore[attr-defined]
    client = waiting(process)
    assert client.get("/health/live").status == 200
    assert (client.get("/health/ready").status, client.get("/health/ready").json["status"]) == (503, "setup needed")
    assert (client.get("/products").status, client.get("/products").code) == (503, "setup_needed")
    state = client.get("/setup").data
    assert state["needed"]
    assert state["ready"], state["checks"]
    assert {check["check"] for check in state["checks"]} == {"storage", "disk space", "database"}
    made = client.post("/setup", BUSINESS)
    assert made.status == 201, made.text
    assert (made.data["name"], made.data["currency"], made.data["administrator"]) == ("Corner shop", "EUR", "olga")
    assert PASSWORD not in made.text
    process.wait_for("serving")
    assert client.get("/health/ready").status == 200
    again = [client.get("/setup"), client.post("/setup", BUSINESS)]
    assert [(a.status, a.code) for a in again] == [(404, "setup_closed")] * 2
    signed_in = sign_in(client)
    assert signed_in.status == 201
    assert signed_in.data["restriction"] == "", "who chose the password need not change it"
    assert not (shop / "setup-code").exists()
    assert PASSWORD not in process.text()
    assert process.stop() == 0
    for path in [shop, *shop.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.slow
@pytest.mark.req("INS-01")
def test_what_was_set_up_stays_closed_after_a_restart_in_either_mode(machine: Callable[..., ServerProcess]) -> None:
    with_code = waiting(first := machine())
    code = dict(with_code.headers)
    assert with_code.post("/setup", BUSINESS).status == 201
    first.wait_for("serving")
    assert first.stop() == 0
    for setup in (True, False):
        process = machine(setup=setup)
        client = process.client()
        client.headers |= code
        for answer in (client.get("/setup"), client.post("/setup", BUSINESS)):
            assert (answer.status, answer.code) == (404, "setup_closed")
        assert process.events("waiting for the first run") == []
        assert process.stop() == 0


@pytest.mark.slow
@pytest.mark.req("INS-01")
def test_of_two_who_set_up_at_once_one_wins(machine: Callable[..., ServerProcess]) -> None:
    process = machine()
    client = waiting(process)
    bodies = [{**BUSINESS, "name": name, "currency": currency} for name, currency in (("One", "EUR"), ("Two", "GBP"))]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda body: client.post("/setup", body), bodies))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [201, 404], [a.text for a in answers]
    won = next(a for a in answers if a.status == 201).data
    assert next(a for a in answers if a.status == 404).code == "setup_closed"
    process.wait_for("serving")
    found = businesses(machine.url, machine.shop)  # type: ignore[attr-defined]
    assert found == [(won["name"], won["currency"])]


@pytest.mark.slow
def test_nobody_sets_up_without_the_code_and_a_wrong_choice_makes_nothing(
    machine: Callable[..., ServerProcess], dialect: str
) -> None:
    process, shop = machine(), machine.shop  # type: ignore[attr-defined]
    client = waiting(process)
    for code in (None, "", "aaaaa-aaaaa-aaaaa-aaaaa"):
        stranger = Client(client.host, client.port, headers={} if code is None else {"Setup-Code": code})
        for answer in (stranger.get("/setup"), stranger.post("/setup", BUSINESS)):
            assert (answer.status, answer.code) == (401, "setup_code_wrong")
    wrong = client.post("/setup", {**BUSINESS, "currency": "XYZ", "admin_username": "a b", "store_code": "", "x": 1})
    assert wrong.status == 422
    assert wrong.paths() == {"currency", "admin_username", "store_code", "x"}
    assert client.post("/setup", {"name": "Shop", "admin_password": PASSWORD}).status == 422
    assert client.post("/setup", b"{").status == 400
    assert not (shop / "secrets.toml").exists()
    if dialect == "sqlite":
        assert not (shop / "pos.sqlite3").exists()
    assert client.post("/setup", {**BUSINESS, "admin_password": "short"}).paths() == {"admin_password"}
    common = client.post("/setup", {**BUSINESS, "currency": "GBP", "admin_password": "password1234"})
    assert (common.status, common.code) == (422, "password_too_common"), common.text
    made = client.post("/setup", BUSINESS)
    assert (made.status, made.data["currency"]) == (201, "EUR"), "what was refused leaves nothing behind"


@pytest.mark.slow
def test_who_stops_it_leaves_no_code_behind_and_the_next_start_has_another(
    machine: Callable[..., ServerProcess]
) -> None:
    client = waiting(first := machine())
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    assert not (machine.shop / "setup-code").exists()  # type: ignore[attr-defined]
    again = waiting(machine())
    assert again.headers != client.headers
    again.headers = client.headers
    assert again.post("/setup", BUSINESS).status == 401


@pytest.mark.slow
def test_the_first_run_is_for_this_machine_only(tmp_path: Path) -> None:
    done = run_pos(tmp_path / "shop", "serve", "--setup", "--host", "0.0.0.0", "--port", "0", POS_PROFILE="test")  # noqa: S104
    assert done.returncode == 3
    assert "on this machine only" in done.stderr
    assert not (tmp_path / "shop" / "setup-code").exists()


@pytest.mark.req("INS-01")
def test_a_refused_first_run_keeps_no_choice(tmp_path: Path) -> None:
    """The currency stays for ever; so what was said with a password that is not taken must not stay."""
    first = first_run.FirstRun(config(tmp_path))
    refused = SetUp.model_validate_json(json.dumps({**BUSINESS, "currency": "GBP", "name": "Typo"}))
    taken = SetUp.model_validate_json(json.dumps(BUSINESS))
    original = first_run.setup.Initialise

    class Refusing(original):  # type: ignore[misc,valid-type]
        def __init__(self, **values: Any) -> None:
            raise ValueError("as if a rule had refused it")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_run.setup, "Initialise", Refusing)
        with pytest.raises(ValueError, match="as if"):
            first.set_up(refused)
    assert not first.done.is_set()
    assert first.set_up(taken)["currency"] == "EUR"
    assert businesses("sqlite:///pos.sqlite3", tmp_path) == [("Corner shop", "EUR")]


def test_a_database_that_holds_a_business_is_not_set_up_again(tmp_path: Path) -> None:
    first_run.FirstRun(config(tmp_path / "one")).set_up(SetUp.model_validate_json(json.dumps(BUSINESS)))
    shared = f"sqlite:///{tmp_path / 'one' / 'pos.sqlite3'}"
    second = first_run.FirstRun(config(tmp_path / "two", database={"url": shared}))
    assert [c["level"] for c in second.state()["checks"] if c["check"] == "database"] == ["fail"]
    with pytest.raises(PosError, match="setup_closed"):
        second.set_up(SetUp.model_validate_json(json.dumps(BUSINESS)))
    assert not (tmp_path / "two" / "secrets.toml").exists()


def test_what_a_country_starts_with_can_be_set_up() -> None:
    for code, country in COUNTRIES.items():
        assert is_currency(country.currency)
        chosen = SetUp.model_validate_json(json.dumps({**BUSINESS, "country": code})).choices()
        assert chosen["currency"] == country.currency
        told = SetUp.model_validate_json(json.dumps({**BUSINESS, "country": code, "tax_standard": "123"})).choices()
        assert (told["tax_standard"], told["time_zone"]) == ("123", country.time_zone)


def config(directory: Path, **more: Any) -> loader.Config:
    return loader.load(directory, environment={}, overrides={"profile": "test", **more})
