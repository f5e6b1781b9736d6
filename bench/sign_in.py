"""Whether a sign-in tells by its time if the user exists: known and unknown names, interleaved, over HTTP.

    python -m bench.sign_in                     # cheap hashes: what is left between the two is the product's own work
    python -m bench.sign_in --real --pairs 100  # argon2id as shops run it

Each pair signs in once with a known name and once with an unknown one, in an order that alternates, both with a wrong
password of the same length. Printed are both medians and their difference; under 5 % is the aim. The counts of failed
tries are cleared between blocks, and the limits are raised, so that every try gets as far as the hash.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from pos_core.auth.credentials_models import Attempt
from pos_core.ids import uuid7
from pos_core.testing.harness import Business, Client, Server, Templates
from pos_core.testing.postgres import find_or_start

NAMES = 50
BLOCK = 25
RAISED = {"sign_in.attempts_per_name": 1000, "sign_in.lock_after": 1000, "sign_in.attempts_per_address": 10_000}
REAL = {"argon2_memory_kib": 65_536, "argon2_rounds": 3}


def prepare(business: Business) -> list[tuple[str, str]]:
    """Raise the limits and make users; pairs of a known name and an unknown one that looks alike."""
    for key, value in RAISED.items():
        business.perform("setting:change", {"key": key, "value": value})
    pairs = []
    for number in range(NAMES):
        known, unknown = f"person{number:03d}", f"nobody{number:03d}"
        business.perform("user:create", {"username": known, "full_name": known, "password": f"{uuid7()}-a-secret"})
        pairs.append((known, unknown))
    return pairs


def timed(client: Client, name: str) -> float:
    """Milliseconds of one refused sign-in."""
    body = {"username": name, "password": "not-the-password-1", "app_context": "hq"}
    begun = time.perf_counter()
    answer = client.post("/auth/login", body)
    taken = (time.perf_counter() - begun) * 1000
    if answer.status != 401:
        raise SystemExit(f"{name}: {answer.status} {answer.text}")
    return taken


def measure(business: Business, client: Client, pairs: int) -> tuple[list[float], list[float]]:
    """(known, unknown): milliseconds of `pairs` refused sign-ins each."""
    names = prepare(business)
    known: list[float] = []
    unknown: list[float] = []
    for number in range(pairs + BLOCK):  # the first block warms up
        if number == BLOCK:
            known.clear()
            unknown.clear()
        if number % BLOCK == 0:
            with business.kernel.db.schema_access():
                Attempt.delete().execute()
        one, other = names[number % NAMES]
        if number % 2:
            known.append(timed(client, one))
            unknown.append(timed(client, other))
        else:
            unknown.append(timed(client, other))
            known.append(timed(client, one))
    return known, unknown


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--real", action="store_true", help="argon2id with 64 MiB and 3 rounds instead of the tests'")
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    server = find_or_start() if given.db == "postgresql" else None
    auth = {"auth": REAL} if given.real else {}
    with tempfile.TemporaryDirectory() as directory:
        templates = Templates(Path(directory), server, f"sign_in_{uuid7()[-8:]}")
        with templates.business(given.db, Path(directory) / "shop", **auth) as business:
            business.kernel.passwords.warm()
            served = Server(business.kernel)
            known, unknown = measure(business, served.client(), given.pairs)
            served.close()
        templates.close()
    for name, times in (("known", known), ("unknown", unknown)):
        spread = quantiles(times, n=20)
        sys.stdout.write(f"{name:8} median {median(times):8.3f} ms   5 % {spread[0]:8.3f}   95 % {spread[-1]:8.3f}\n")
    apart = (median(known) - median(unknown)) / median(unknown) * 100
    between = median([one - other for one, other in zip(known, unknown, strict=True)])
    sys.stdout.write(f"known against unknown: {apart:+.2f} %, within a pair {between:+.3f} ms   "
                     f"({given.pairs} pairs, {given.db})\n")


if __name__ == "__main__":
    main()
