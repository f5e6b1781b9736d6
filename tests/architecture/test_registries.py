"""Whatever a module registers is documented where it is registered."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pos_core import errors, hookspecs
from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.http import routes
from pos_core.kernel import Kernel

_FIGURES = re.compile(r"\{(\w+)\}")
ROLES = {
    "hq": {"admin", "accountant", "auditor"}, "store": {"store_manager", "employee"},
    "pos": {"cashier", "shift_supervisor"},
}  # fmt: skip


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return Kernel(Config(), db=SqliteDatabase(":memory:"))


def test_no_installed_module_is_set_aside(kernel: Kernel) -> None:
    assert {module.name: module.error for module in kernel.modules if module.error} == {}


@pytest.mark.req("API-03", "DOC-01")
def test_error_codes_have_sentences_in_both_languages_and_a_cure(kernel: Kernel) -> None:
    wrong = []
    for code in errors.catalogue():
        for words in (code.en, code.es, code.cure):
            if not words.strip():
                wrong.append(f"{code.code}: a sentence is missing")
        if code.en != "{message}" and code.en == code.es:
            wrong.append(f"{code.code}: the Spanish sentence is the English one")
        if code.code != "field_invalid" and set(_FIGURES.findall(code.en)) != set(_FIGURES.findall(code.es)):
            wrong.append(f"{code.code}: the sentences name different figures")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", code.code):
            wrong.append(f"{code.code}: not lower_case")
    assert wrong == []


def test_a_code_means_one_thing() -> None:
    known = errors.catalogue()[0]
    again = errors.define(known.code, known.kind, en=known.en, es=known.es, cure=known.cure)
    assert again == known
    with pytest.raises(ValueError, match="defined twice"):
        errors.define(known.code, known.kind, en="Other.", es="Otro.", cure="None.")


@pytest.mark.req("DOC-01", "RBC-01")
def test_permissions_are_described_and_go_to_roles_of_their_scope(kernel: Kernel) -> None:
    wrong, seen = [], {}
    for module in kernel.running():
        for permission in module.manifest.permissions:  # type: ignore[union-attr]
            if len(permission.description) < 8:
                wrong.append(f"{permission.code} is not described")
            if not set(permission.roles) <= ROLES[permission.scope]:
                wrong.append(f"{permission.code} goes to a role of another scope: {permission.roles}")
            if seen.setdefault(permission.code, module.name) != module.name:
                wrong.append(f"{permission.code} is declared by {seen[permission.code]} and {module.name}")
    assert wrong == []


@pytest.mark.req("CFG-05", "DOC-01")
def test_settings_are_described_and_their_defaults_fit(kernel: Kernel) -> None:
    wrong = []
    for key, setting in kernel.declared_settings().items():
        if len(setting.description) < 15:
            wrong.append(f"{key} is not described")
        if setting.kind == "choice" and setting.default not in setting.choices:
            wrong.append(f"{key}: the default is none of the choices")
        if setting.kind == "int" and not isinstance(setting.default, int):
            wrong.append(f"{key}: the default is no integer")
        if setting.kind == "bool" and not isinstance(setting.default, bool):
            wrong.append(f"{key}: the default is neither true nor false")
    assert wrong == []


@pytest.mark.req("DOC-01", "PLT-07")
def test_actions_and_queries_are_named_documented_and_guarded(kernel: Kernel) -> None:
    wrong = []
    for one in (*kernel.actions(), *kernel.queries()):
        if not re.fullmatch(r"[a-z][a-z0-9_]*:[a-z][a-z0-9_]*", one.name):
            wrong.append(f"{one.name} is not entity:verb")
        if not (one.function.__doc__ or "").strip():
            wrong.append(f"{one.name} has no sentence")
        unknown = set(one.permissions) - kernel.permissions().keys()
        if unknown:
            wrong.append(f"{one.name} needs what nobody declares: {unknown}")
    for one in kernel.actions():
        if not one.permissions and not one.public:
            wrong.append(f"{one.name} is an action without a permission")
        if one.audited_answer and (one.personal or one.secrets):
            wrong.append(f"{one.name}: a replay from the chain would answer digests instead of {one.personal}")
    assert wrong == []


def test_permissions_are_used_by_somebody(kernel: Kernel) -> None:
    """A permission that guards nothing promises what it does not keep."""
    used = {p for one in (*kernel.actions(), *kernel.queries()) for p in one.permissions}
    used |= {p for kind in kernel.approval_kinds.values() for level in kind.levels for p in level}
    used |= {p for one in kernel.masks.declared for p in (*one.view, *one.edit)}
    declared = kernel.permissions().keys()
    sources = _sources_that_ask()
    assert {code for code in declared - used if code not in sources} == set()


def _sources_that_ask() -> str:
    from tests.architecture.test_imports import PACKAGES, files

    return "\n".join(
        path.read_text("utf-8")
        for directory in PACKAGES.values() for path in files(directory)
        if path.name != "plugin.py"
    )  # fmt: skip


@pytest.mark.req("OPX-06", "DOC-01")
def test_kinds_of_approval_are_decided_by_declared_permissions_and_have_their_settings(kernel: Kernel) -> None:
    kinds = kernel.approval_kinds.values()
    assert {kind.code for kind in kinds} >= {"discount", "price_override", "stock_adjustment", "register_variance"}
    decide = {code for kind in kinds for level in kind.levels for code in level}
    assert decide - kernel.permissions().keys() == set()
    assert {s.key for kind in kinds for s in kind.settings} - kernel.declared_settings().keys() == set()
    assert [kind.code for kind in kinds if kind.title == kind.title_es] == []


@pytest.mark.req("DOC-01")
def test_hooks_are_documented(kernel: Kernel) -> None:
    specified = [name for name in dir(hookspecs) if hasattr(getattr(hookspecs, name), "pos_spec")]
    assert {"before_action", "after_action", "audit_event", "on_event", "verify_facts"} <= set(specified)
    assert [name for name in specified if len((getattr(hookspecs, name).__doc__ or "").strip()) < 60] == []


@pytest.mark.req("API-07", "API-09")
def test_doors_start_and_their_schemas_are_documented(kernel: Kernel) -> None:
    doors = routes.collect(kernel)
    assert len(doors) > 20
    answers = {door.operation_id: door.route.answer for door in doors}
    assert [name for name, answer in answers.items() if answer and not hasattr(answer, "model_fields")] == []


def test_every_module_has_a_title(kernel: Kernel) -> None:
    untitled: list[Any] = [m.name for m in kernel.running() if m.manifest is None or not m.manifest.title]
    assert untitled == []
