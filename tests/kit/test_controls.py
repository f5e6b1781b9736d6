"""Every conformance check has a control: a pack that is broken in one place and fails that check alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pos_core.testing.checks import CHECKS, Result, run
from pos_core.testing.harness import Templates
from pos_core.testing.lab import Lab
from pos_core.testing.packs import Pack

RULE = '''

@before("sale:complete")
def check_more(ctx, command):
    """One more rule."""
    {body}
'''
EVENT_HOOK = '''

@hookimpl
def on_event(ctx, event):
    {body}
'''
ECHO = '''

@action("NAME_note:echo", command=AddNote, permission="pos:NAME.add", key_field="id")
def echo(ctx: Context, command: AddNote) -> dict:
    """Note it once more."""
    records.add(ctx, Note(id=command.id, store=ctx.store_id, actor_id=ctx.actor.id,
                          business_date=ctx.business_date(), text=command.text))
    return {"id": command.id}


def neighbour(ctx, command):
    last = "1" if command.id[-1] == "0" else "0"
    ctx.perform("NAME_note:echo", AddNote(id=command.id[:-1] + last, text=command.text))


def count_repeat(ctx, command):
    if Note.get_or_none(Note.id == command.id) is not None:
        ctx.perform("NAME_note:echo", AddNote(text="Again"))
'''
ECHO_EXAMPLE = ("examples.py", "EXAMPLES = {", 'EXAMPLES = {\n    "NAME_note:echo": lambda shop: {"text": "Echo"},')
UNAUDITED = """with ctx.kernel.db.schema_access():
        ctx.kernel.db.execute_sql("UPDATE NAME_note SET text = 'x'")"""
KEYED = 'status=201, key_field="id")'


def beforehand(function: str) -> tuple[str, str, str]:
    """An edit that lets the action do something before its transaction."""
    return "service.py", KEYED, f"{KEYED[:-1]},\n        beforehand=lambda ctx, command: {function}(ctx, command))"


#: What is broken, by the check that must notice.
READ: list[tuple[str, str, tuple[tuple[str, str, str], ...]]] = [
    ("manifest", "another name", (("plugin.py", 'name="NAME.counter"', 'name="NAME.desk"'),)),
    ("manifest", "another version", (("plugin.py", "version=__version__", 'version="9.9"'),)),
    ("manifest", "cannot be imported", (
        ("rules.py", "", "\nimport no_such_library_anywhere\n"),
        ("plugin.py", "import __version__, routes", "import __version__, routes, rules"))),
    ("core_api", "another contract", (("plugin.py", ">=1,<2", ">=9,<10"),)),
    ("core_api", "no upper bound", (("plugin.py", ">=1,<2", ">=1"),)),
    ("dependencies", "not installed", (("plugin.py", '("ops.sales",)', '("ops.sales", "ops.nowhere")'),)),
    ("dependencies", "circular", (("plugin.py", '("ops.sales",)', '("ops.sales", "NAME.counter")'),)),
    ("dependencies", "not required", (("/pyproject.toml", ', "pos-ops>=0.1"', ""),)),
    ("hooks", "a wrapper", ((
        "plugin.py", "", "\n\n@hookimpl(wrapper=True)\ndef after_action(ctx):\n    return (yield)\n"),)),
    ("hooks", "no such hook", (("plugin.py", "", "\n\n@hookimpl\ndef register_rutes():\n    return ()\n"),)),
    ("hooks", "no such argument", (("plugin.py", "", "\n\n@hookimpl\ndef on_event(ctx, happening):\n    return\n"),)),
    ("routes", "outside the roots", (("routes.py", '"/NAME/notes", action', '"/elsewhere", action'),)),
    ("routes", "without permission", (("service.py", ', permission="pos:NAME.add"', ""),)),
    ("routes", "without answer schema", (("routes.py", 'action="NAME_note:add", answer=schemas.NoteAnswer',
                                          'action="NAME_note:add"'),)),
    ("documented", "a code in one language", ((
        "rules.py", "Se venden como máximo {most} unidades de un producto a la vez.",
        "At most {most} of one product are sold at once."),)),
    ("documented", "a code without a cure", (("rules.py", "Sell the rest in a sale of its own.", " "),)),
    ("documented", "a setting", (("plugin.py", "So many units of a product are sold at once.", ""),)),
    ("documented", "an action", (("service.py", '    """Note something at a till."""\n', ""),)),
    ("tables", "a foreign prefix", (("models.py", "NAME_note", "other_note"),
                                    ("migrations/001_initial.py", "NAME_note", "other_note"))),
    ("migrations", "an index is missing", (("migrations/001_initial.py", "CREATE INDEX", "DROP INDEX IF EXISTS"),
                                           ("migrations/001_initial.py", ' ON "NAME_note" ("store_id")', ""))),
    ("migrations", "triggers are missing", ((
        "models.py", "    store = foreign", "    append_only = True\n\n    store = foreign"),)),
    ("migrations", "broken", (("migrations/001_initial.py", "CREATE TABLE", "CREATE TABEL"),)),
    ("upgrade", "remembers from one to the next", (
        ("migrations/001_initial.py", "        migrator.sql(statement)", "        database.later = statement"),
        ("migrations/001_initial.py", "    for statement in SQLITE",
         "    migrator.sql(SQLITE[0])\n    for statement in SQLITE"),
        ("migrations/002_index.py", "",
         "def migrate(migrator, database, **_):\n    migrator.sql(database.later)\n"))),
    ("imports", "what is not public", (("rules.py", "", "\nfrom pos_core.kernel import Kernel\n"),)),
    ("imports", "a private part of a package", (("rules.py", "", "\nfrom pos_core.security import recording\n"),)),
    ("imports", "a plug", (("rules.py", "", "\n\ndef late():\n    import pos_ops.sales\n"),)),
    ("imports", "the web framework", (("routes.py", "", "\nimport falcon\n"),)),
]  # fmt: skip
RUN: list[tuple[str, str, tuple[tuple[str, str, str], ...]]] = [
    ("examples", "none", (("examples.py", '    "NAME_note:add": lambda', '    # "NAME_note:add": lambda'),)),
    ("examples", "refused", (("examples.py", "The door sticks", " "),)),
    ("examples", "a rule that breaks", (("rules.py", "", RULE.format(body="raise ValueError(command.id)")),)),
    ("examples", "a rule that never ran", (("rules.py", "", RULE.format(body="return None").replace(
        "sale:complete", "representative:create")),)),
    ("doors", "cannot be off", (("plugin.py", 'name="NAME.counter"', 'name="core.NAME"'),
                                ("/pyproject.toml", '"NAME.counter" =', '"core.NAME" ='))),
    ("permissions", "a public read", ((
        "queries.py", 'permission=("pos:NAME.view", "store:NAME.view")', "public=True"),)),
    ("before_rules", "emits", (("rules.py", "", RULE.format(body='ctx.emit("NAME:seen", "sale", command.id)')),)),
    ("before_rules", "something for later", (("rules.py", "", RULE.format(
        body='ctx.writing.on_commit(lambda: None)')),)),
    ("after_rules", "a transaction of its own", (("service.py", "", ECHO), ECHO_EXAMPLE, beforehand("neighbour"))),
    ("network", "a rule", (("rules.py", "", RULE.format(
        body='__import__("socket").create_connection(("127.0.0.1", 9))')),)),
    ("network", "a service", ((
        "service.py", "    records.add(ctx, row)", '    __import__("time").sleep(0)\n    records.add(ctx, row)'),)),
    ("network", "a registration", ((
        "plugin.py", "    return routes.ROUTES",
        '    __import__("socket").getaddrinfo("localhost", 80)\n    return routes.ROUTES'),)),
    ("network", "a hook that hides it", (("plugin.py", "", EVENT_HOOK.format(
        body='try:\n        __import__("subprocess").run(["true"])\n    except Exception:\n        return')),)),
    ("idempotency", "counts repeats", (("service.py", "", ECHO), ECHO_EXAMPLE, beforehand("count_repeat"))),
    ("audit", "writes after the commit", (("plugin.py", "", EVENT_HOOK.format(body=UNAUDITED)),)),
    ("events", "a float", (("service.py", '"NAME_note", row.id)', '"NAME_note", row.id, share=0.5)'),)),
    ("events", "a command's name", (("service.py", 'ctx.emit("NAME_note:added"', 'ctx.emit("NAME_note:add"'),)),
    ("speed", "reckons", (("rules.py", "", RULE.format(body="sum(range(4_000_000))")),)),
]  # fmt: skip
_NAMES = [check.name for check in CHECKS]
_WORKING = tuple(_NAMES[_NAMES.index("examples"):])


@pytest.fixture
def results(pos_templates: Templates, tmp_path: Path) -> Callable[..., list[Result]]:
    """Run checks on a pack, on SQLite."""

    def check(pack: Pack, without: tuple[str, ...]) -> list[Result]:
        with closing(Lab(pack, pos_templates, "sqlite", tmp_path)) as lab:
            return list(run(lab, without=without))

    return check


def _failed(found: list[Result]) -> dict[str, tuple[str, ...]]:
    return {result.check.name: result.problems for result in found if result.problems}


@pytest.mark.req("OPX-31")
@pytest.mark.parametrize(("name", "what", "edits"), READ, ids=lambda v: v if isinstance(v, str) else "")
def test_a_pack_that_declares_wrongly_fails_one_check(made_pack, results, name, what, edits) -> None:
    found = results(made_pack(*edits), without=("wheel", *_WORKING))
    assert list(_failed(found)) == [name], _failed(found)


@pytest.mark.req("OPX-31")
@pytest.mark.parametrize(("name", "what", "edits"), RUN, ids=lambda v: v if isinstance(v, str) else "")
def test_a_pack_that_works_wrongly_fails_one_check(made_pack, results, name, what, edits) -> None:
    found = results(made_pack(*edits), without=("wheel",))
    assert list(_failed(found)) == [name], _failed(found)


@pytest.mark.slow
def test_a_wheel_without_its_migrations_fails_one_check(made_pack, results) -> None:
    pack = made_pack(("/pyproject.toml", ', "pos_NAME.*"]', "]"))
    found = results(pack, without=_WORKING)
    assert list(_failed(found)) == ["wheel"], _failed(found)
    assert "migrations/001_initial.py" in " ".join(_failed(found)["wheel"])


def test_every_check_has_a_control() -> None:
    controlled = {name for name, _, _ in (*READ, *RUN)} | {"wheel"}
    assert controlled == set(_NAMES)
