"""A run: the file once over, the tills made ready, every receipt sold, the ledger kept."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from pos_core.replay import ledger as ledgers
from pos_core.replay import preparing
from pos_core.replay.errors import ReplayError
from pos_core.replay.figures import Figures
from pos_core.replay.profiles import Profile
from pos_core.replay.reading import Reader, Skipped
from pos_core.replay.selling import Seller
from pos_core.replay.tills import Shared, Till
from pos_core.replay.wire import Stopped, Wire

#: Answers written to the ledger with one flush to the disk, at most.
LEDGER_BATCH = 500
#: How long a server that was never reached is waited for.
FIRST_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    file: Path
    profile: Profile
    ledger: Path
    url: str
    admin: str
    password: str
    tills: int = 8
    limit: int | None = None
    store: str | None = None
    tender: str = "mixed"
    customers: bool = False
    patience: float = 120.0
    max_refused: int = 20

    @property
    def source(self) -> str:
        """The file's name without its folder: a file that was moved is the same file."""
        return self.file.name


@dataclass(slots=True)
class Survey:
    """What a file holds, found by reading it once before anything is sent."""

    receipts: int = 0
    lines: int = 0
    total_minor: int = 0
    products: dict[str, tuple[str, str]] = field(default_factory=dict)
    customers: dict[str, None] = field(default_factory=dict)
    skipped: Skipped = field(default_factory=Skipped)


class Screen(Protocol):
    """Where a run tells how far it is."""

    def say(self, text: str) -> None: ...

    def begin(self, what: str, count: int) -> None: ...

    def move(self, count: int) -> None: ...


def survey(reader: Reader, limit: int | None, stop: threading.Event | None = None) -> Survey:
    """Read the file once: every row is checked, products and customers are gathered. Stopped when `stop` is set."""
    found = Survey()
    for receipt in reader.receipts(limit):
        if stop is not None and stop.is_set():
            raise Stopped("stopped while reading the file")
        found.receipts += 1
        found.lines += len(receipt.lines)
        found.total_minor += receipt.total_minor
        if receipt.customer:
            found.customers.setdefault(receipt.customer)
        for line in receipt.lines:
            name, department = found.products.get(line.sku, ("", ""))
            found.products[line.sku] = (name or line.name, department or line.department)
    found.skipped = reader.skipped
    if not found.receipts:
        raise ReplayError(f"{reader.path.name} holds no sale; rows were left out: {dict(found.skipped.rows)}")
    return found


def run(plan: Plan, screen: Screen, stop: threading.Event | None = None) -> tuple[Figures, Survey]:
    """Sell every receipt of the file that the ledger does not know as sold.

    Setting `stop` ends the run after the sales in flight. Raises ReplayError when the run cannot begin or go on; what
    was acknowledged by then stands in the ledger.
    """
    shared = Shared() if stop is None else Shared(stop=stop)
    reader = Reader(plan.file, plan.profile)
    screen.say(f"reading {plan.source} as {plan.profile.name}")
    found = survey(reader, plan.limit, shared.stop)
    done = set(ledgers.acknowledged(plan.ledger))
    admin = Wire(plan.url, FIRST_PATIENCE, shared.stop)
    try:
        preparing.sign_in_admin(admin, plan.admin, plan.password)
        admin.patience = plan.patience
        accesses, header = _prepare(plan, admin, found, screen)
    finally:
        admin.close()
    book = ledgers.Ledger.begin(plan.ledger, header)
    figures = Figures(plan.profile.currency)
    tills = [Till(Wire(plan.url, plan.patience, shared.stop), access, shared) for access in accesses]
    seller = Seller(plan.source, plan.tills, plan.profile.currency, tender=plan.tender, customers=plan.customers)
    feeder = threading.Thread(
        target=_feed, args=(reader, plan.limit, seller, tills, done, figures, shared), name="reader", daemon=True
    )
    screen.begin("selling", found.receipts)
    try:
        for thread in (*tills, feeder):
            thread.start()
        _collect([*tills, feeder], shared, book, figures, screen, plan.max_refused)
    finally:
        figures.end()
        book.close()
    if shared.failures:
        raise _told(shared.failures[0])
    return figures, found


def _prepare(
    plan: Plan, admin: Wire, found: Survey, screen: Screen
) -> tuple[list[preparing.TillAccess], dict[str, Any]]:
    """Everything that must be there, and what the ledger's first line says of this run."""
    business = admin.get("/business").data
    if business["currency"] != plan.profile.currency:
        raise ReplayError(
            f"the business counts in {business['currency']}, the file in {plan.profile.currency}: amounts would be "
            "wrong; give --currency if the file's amounts are the business' after all"
        )
    store = preparing.choose_store(admin, plan.store)
    if store["time_zone"] != plan.profile.zone:
        screen.say(f"note: store {store['code']} keeps {store['time_zone']}, the file {plan.profile.zone}; "
                   "sales near midnight fall on another business day")  # fmt: skip
    header = ledger_header(plan, business["id"], store["code"])
    if plan.ledger.exists() and plan.ledger.stat().st_size:
        ledgers.require_same_run(plan.ledger, header)
    accesses = preparing.prepare_tills(admin, preparing.KeyRing(plan.ledger.parent), store, plan.tills)
    preparing.let_discounts_stand(admin, store)
    screen.begin("products", len(found.products))
    made = preparing.prepare_products(admin, found.products, plan.source, screen.move)
    screen.say(f"products: {made.created:,} made, {made.there:,} there already")
    if plan.customers and found.customers:
        screen.begin("customers", len(found.customers))
        made = preparing.prepare_customers(admin, found.customers, plan.source, screen.move)
        screen.say(f"customers: {made.created:,} made, {made.there:,} there already")
    return accesses, header


def ledger_header(plan: Plan, business_id: str, store: str) -> dict[str, Any]:
    """All that a sale's id, body or till depends on: a start with anything of it changed is another run."""
    profile = plan.profile
    rules: Mapping[str, Any] = {
        "columns": {name: list(source) for name, source in profile.sources.items()},
        "where": [str(condition) for condition in profile.where], "zone": profile.zone,
        "upper_sku": profile.upper_sku,
    }  # fmt: skip
    mapping = hashlib.sha256(orjson.dumps(rules, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    return {
        "file": plan.source, "profile": profile.name, "mapping": mapping, "currency": profile.currency,
        "business": business_id, "store": store, "tills": plan.tills, "tender": plan.tender,
        "customers": plan.customers,
    }  # fmt: skip


def _feed(
    reader: Reader, limit: int | None, seller: Seller, tills: list[Till], done: set[str], figures: Figures,
    shared: Shared,
) -> None:
    """Read receipts and lay each before its till; waits where a till has enough."""
    try:
        for receipt in reader.receipts(limit):
            sale = seller.sale(receipt)
            if sale.id in done:
                figures.skipped_done += 1
            elif not _offer(tills[sale.till], sale, shared):
                return
        for till in tills:
            _offer(till, None, shared)
    except Exception as error:  # noqa: BLE001 - of a thread: the run tells it and ends
        shared.fail(error)


def _offer(till: Till, sale: Any, shared: Shared) -> bool:
    while not shared.stop.is_set():
        try:
            till.receipts.put(sale, timeout=0.2)
        except queue.Full:
            continue
        return True
    return False


def _collect(
    threads: list[threading.Thread], shared: Shared, book: ledgers.Ledger, figures: Figures, screen: Screen,
    max_refused: int,
) -> None:
    """Write answers to the ledger as they come, many with one flush, until every thread has ended."""
    shown = 0
    while True:
        over = not any(thread.is_alive() for thread in threads)
        batch = _batch(shared, 0.0 if over else 0.1)
        if not batch and over:
            return
        if batch:
            book.append(outcome.entry for outcome in batch)
            for outcome in batch:
                figures.add(outcome)
        screen.move(len(batch) + figures.skipped_done - shown)
        shown = figures.skipped_done
        if figures.refused >= max_refused and not shared.stop.is_set():
            shared.fail(ReplayError(f"{figures.refused} sales were refused; the first: {figures.refusals[0]}"))


def _batch(shared: Shared, timeout: float) -> list[Any]:
    batch: list[Any] = []
    take: Callable[[], Any] = (
        (lambda: shared.outcomes.get(timeout=timeout)) if timeout else shared.outcomes.get_nowait
    )
    try:
        batch.append(take())
        while len(batch) < LEDGER_BATCH:
            batch.append(shared.outcomes.get_nowait())
    except queue.Empty:
        return batch
    return batch


def _told(error: BaseException) -> ReplayError:
    """What ended a thread, as the run's own error; a bug keeps its traceback as the cause."""
    if isinstance(error, ReplayError):
        return error
    told = ReplayError(f"{type(error).__name__}: {error}")
    told.__cause__ = error
    return told
