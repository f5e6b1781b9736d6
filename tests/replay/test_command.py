"""`pos replay` as people call it: real processes, killed in the middle."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pos_core.cli.replaying import command
from pos_core.replay.profiles import PROFILES
from pos_core.replay.running import Plan
from pos_core.testing.harness import PASSWORD, Business
from pos_core.testing.processes import POS, ServerProcess, environment, run_pos, settle


def call(*arguments: str, password: str | None = PASSWORD) -> Result:
    return CliRunner().invoke(command, list(arguments), env={"POS_REPLAY_PASSWORD": password})


def on(plan: Plan) -> list[str]:
    """The options of a plan's server and ledger."""
    return ["--url", plan.url, "--ledger", str(plan.ledger), "--patience", "20"]


def test_a_file_is_sold_and_verified_with_one_command(make_plan: Callable[..., Plan], receipts_file: Path) -> None:
    plan = make_plan()
    result = call(str(receipts_file), *on(plan), "--tills", "2", "--map", "customer=customer", "--verify")
    assert result.exit_code == 0, result.output
    figures = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in result.output.splitlines() if "  " in line)
    assert (figures["receipts in the file"], figures["sales"], figures["refused"]) == ("60", "60", "0")
    assert re.fullmatch(r"[\d.]+ / [\d.]+ / [\d.]+", figures["p50 / p95 / p99 ms"])
    assert "60 acknowledged: 0 lost, 0 doubled, 0 changed" in result.output
    again = call("verify", *on(plan))
    assert (again.exit_code, again.output) == (0, "60 acknowledged: 0 lost, 0 doubled, 0 changed\n")


def test_what_the_verifier_finds_is_told_and_is_no_success(
    make_plan: Callable[..., Plan], receipts_file: Path
) -> None:
    plan = make_plan()
    assert call(str(receipts_file), *on(plan), "--limit", "3").exit_code == 0
    with plan.ledger.open("a") as book:
        book.write("01a1f880-cf41-7358-8b0e-0113066a6126\t4711\t100\tS1-X\tdone\n")
    result = call("verify", *on(plan))
    assert result.exit_code == 1
    assert "4 acknowledged: 1 lost, 0 doubled, 0 changed" in result.output
    assert "receipt 4711" in result.output


def test_the_password_comes_from_a_file_the_environment_or_the_prompt(
    make_plan: Callable[..., Plan], receipts_file: Path, tmp_path: Path
) -> None:
    plan = make_plan()
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    one = (str(receipts_file), *on(plan), "--limit", "1")
    assert call(*one, password=None).exit_code == 1, "nobody typed one"
    assert call(*one, "--password-file", str(secret), password=None).exit_code == 0
    wrong = call(*one, password="wrong-password-1")
    assert wrong.exit_code == 1
    assert "admin cannot sign in: credentials_wrong" in wrong.output


def test_unknown_columns_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("a,b\n1,2\n")
    assert "no profile fits the columns a, b" in call(str(file)).output
    assert "odd.csv has no column invoice_no" in call(str(file), "--profile", "online-retail").output
    assert "no column is mapped to quantity" in call(str(file), "--map", "receipt=a").output
    assert call("absent.csv").exit_code == 2


def test_the_profiles_are_listed_with_their_columns() -> None:
    result = call("profiles")
    assert result.exit_code == 0
    for name, profile in PROFILES.items():
        assert f"{name}: {profile.about}" in result.output
    assert re.search(r"line_amount\s+sales_value \+ retail_disc \+ coupon_match_disc", result.output)


# -- killed in the middle ---------------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """A `pos replay` process, and how far its ledger is."""

    def __init__(self, shop: Path, file: Path, ledger: Path, port: int) -> None:
        self.ledger = ledger
        self.process = subprocess.Popen(
            [*POS, "--data-dir", str(shop), "replay", str(file), "--tills", "4", "--ledger", str(ledger),
             "--url", f"http://127.0.0.1:{port}", "--verify"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env=environment(POS_REPLAY_PASSWORD=PASSWORD),
        )  # fmt: skip

    def answers(self) -> int:
        return max(0, self.ledger.read_bytes().count(b"\n") - 1) if self.ledger.exists() else 0

    def reach(self, answers: int) -> None:
        """Wait until the ledger has so many answers."""
        end = time.monotonic() + 60
        while self.answers() < answers:
            assert self.process.poll() is None, self.end()[1]
            assert time.monotonic() < end, f"{self.answers()} answers after a minute"
            time.sleep(0.02)

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Send a signal, if one is given, and wait for the end: exit status and output."""
        if number is not None:
            os.kill(self.process.pid, number)
        output, _ = self.process.communicate(timeout=120)
        return self.process.returncode, output


def _long_file(path: Path, receipts: int) -> Path:
    rows = ["receipt,time,sku,name,quantity,unit_price"]
    for number in range(receipts):
        for position in range(6):
            sku = f"A{(number + position) % 40}"
            rows.append(f"{number},2025-03-05 10:00:00,{sku},Article,{position + 1},{number % 9}.35")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.req("OFF-03", "SYN-11")
def test_kills_of_server_and_client_lose_and_double_nothing(business: Business, tmp_path: Path) -> None:
    shop, port = settle(business), _free_port()
    file, ledger = _long_file(tmp_path / "long.csv", 1500), tmp_path / "replay" / "long.ledger"
    client = Client(shop, file, ledger, port)
    for answers in (100, 250):
        with ServerProcess(shop, "--port", str(port)):
            client.reach(answers)
        # SIGKILL went to the supervisor and its worker; the client goes on waiting.
        assert client.process.poll() is None
    with ServerProcess(shop, "--port", str(port)):
        client.reach(450)
        assert client.end(signal.SIGKILL)[0] == -signal.SIGKILL

        client = Client(shop, file, ledger, port)
        client.reach(700)
        status, output = client.end(signal.SIGINT)
        assert status == 1, output
        assert "ending after the sales in flight" in output
        assert f"The same command goes on from there:\n  pos --data-dir {shop} replay {file}" in output
        assert "Traceback" not in output
        assert client.answers() < 1500

        status, output = Client(shop, file, ledger, port).end()
        assert status == 0, output
        assert "1,500 acknowledged: 0 lost, 0 doubled, 0 changed" in output
        verified = run_pos(
            shop, "replay", "verify", "--ledger", str(ledger), "--url", f"http://127.0.0.1:{port}",
            POS_REPLAY_PASSWORD=PASSWORD,
        )  # fmt: skip
        assert verified.stdout == "1,500 acknowledged: 0 lost, 0 doubled, 0 changed\n"
