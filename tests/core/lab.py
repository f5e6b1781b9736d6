"""A module to experiment on: notes with gapless numbers, counters, and actions that do what a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from pydantic import Field, SecretStr

from pos_core import Kind, Manifest, action, define, query, uuid7
from pos_core.db import ddl
from pos_core.db.fields import (
    BigField,
    BoolField,
    BytesField,
    DayField,
    IdField,
    IntField,
    JsonField,
    MoneyField,
    TextField,
    UtcField,
)  # fmt: skip
from pos_core.db.model import Table, foreign
from pos_core.schemas import Command, Id
from pos_core.testing.harness import Business

SPOILED = define(
    "lab_spoiled",
    Kind.RULE,
    en="The note {text} is spoiled.",
    es="La nota {text} está estropeada.",
    cure="Write another.",
)
SHORT = define("lab_short", Kind.RULE, en="Too short.", es="Demasiado corto.", cure="Write more.")


class Note(Table):
    """Every field type once."""

    id = IdField(primary_key=True)
    text = TextField()
    number = BigField(null=True)
    amount_minor = MoneyField(null=True)
    small = IntField(null=True)
    flag = BoolField(null=True)
    at = UtcField(null=True)
    day = DayField(null=True)
    data = BytesField(null=True)
    more = JsonField(null=True)

    class Meta:
        table_name = "lab_note"


class Remark(Table):
    """A child of a note."""

    id = IdField(primary_key=True)
    note = foreign(Note, "note_id")
    text = TextField()

    class Meta:
        table_name = "lab_remark"


class Tally(Table):
    """A counter row, with a figure that is replaced."""

    id = IdField(primary_key=True, default=uuid7)
    key = TextField(unique=True)
    total = BigField()
    last = TextField(default="")

    class Meta:
        table_name = "lab_tally"


class Write(Command):
    """A note to write."""

    id: Id = Field(default_factory=uuid7)
    text: str = "hello"
    secret: SecretStr | None = None
    phone: str = ""


DO: dict[str, Callable[..., Any]] = {}


def row_of(ctx: Any, command: Write, **more: Any) -> dict[str, Any]:
    """Hand a note over; what most actions here do."""
    ctx.writing.insert(Note, {"id": command.id, "text": command.text, **more})
    return {"id": command.id, "text": command.text}


@contextmanager
def tables(business: Business) -> Iterator[None]:
    """The lab's tables in a business."""
    with business.kernel.db.schema_access():
        for statement in ddl.create_statements(business.kernel.db, [Note, Remark, Tally]):
            business.kernel.db.execute_sql(
                statement.replace("%", "%%") if business.kernel.db.dialect != "sqlite" else statement
            )
    yield


def lab_module() -> tuple[str, ModuleType]:
    """The module lab.notes with a fresh set of actions."""
    python = ModuleType("made_lab_notes")
    python.MANIFEST = Manifest(name="lab.notes", version="1.0")  # type: ignore[attr-defined]

    @action("note:write", command=Write, permission="hq:settings.manage", status=201)
    def write(ctx: Any, command: Write) -> dict[str, Any]:
        """Write a note."""
        return row_of(ctx, command)

    @action(
        "note:number",
        command=Write,
        permission=("hq:settings.manage", "pos:registers.view"),
        key_field="id",
        audited_answer=True,
    )
    def number(ctx: Any, command: Write) -> dict[str, Any]:
        """Write a note with the next number of its chain."""
        number = ctx.writing.number("note")
        return {**row_of(ctx, command, number=number), "number": number}

    @action("note:secret", command=Write, permission="hq:settings.manage", secrets=("key",), personal=("phone",))
    def secret(ctx: Any, command: Write) -> dict[str, Any]:
        """Answer with a secret that is shown once, and a phone that is personal."""
        return {**row_of(ctx, command), "key": "s3cret-" + command.id, "phone": command.phone}

    @action("note:do", command=Write, permission="hq:settings.manage")
    def do(ctx: Any, command: Write) -> dict[str, Any]:
        """Do what the test put under DO[text]."""
        return DO[command.text](ctx, command) or {"id": command.id}

    @query("note:count", permission="hq:settings.manage")
    def count(ctx: Any) -> int:
        """How many notes there are."""
        return int(Note.select().count())

    for function in (write, number, secret, do, count):
        function.__module__ = python.__name__
        setattr(python, function.__name__, function)
    return "lab.notes", python


@pytest.fixture
def make_lab(make_business: Callable[..., Business]) -> Callable[..., Business]:
    """make_lab(module, ...): a business with the lab, its tables and further modules."""

    def make(*extra: tuple[str, ModuleType], **options: Any) -> Business:
        DO.clear()
        business = make_business(extra=[lab_module(), *extra], **options)
        aside = {m.name: m.error for m in business.kernel.modules if m.name.startswith("lab.") and m.error}
        assert not aside, aside
        with tables(business):
            return business

    return make


@pytest.fixture
def lab(make_lab: Callable[..., Business]) -> Business:
    """A business with the lab."""
    return make_lab()
