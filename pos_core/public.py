"""What packs may import: the modules that the promise of `CORE_API` holds for, and what each is for.

Everything else of pos_core may change in any release. `pos check` and `pos_core.testing.ModuleConformance` hold a
pack's imports against this list; docs/packs/compatibility.md says what the promise is.
"""

from __future__ import annotations

from collections.abc import Mapping

PUBLIC: Mapping[str, str] = {
    "pos_core": "the names in its `__all__`: Manifest, action, query, before, after, define, hookimpl and their like",
    "pos_core.actions": "what an action and a query are",
    "pos_core.approvals.needs": "what an action asks others to agree to",
    "pos_core.auth.mfa.provider": "second factors of your own",
    "pos_core.business_rules.facts": "what a shop's own rules may look at: facts and queries",
    "pos_core.clock": "aware times, business days and their texts",
    "pos_core.config.numbering": "numbers of documents",
    "pos_core.context": "who acts, where, when",
    "pos_core.db.fields": "field types that are the same on both databases",
    "pos_core.db.model": "the base of tables, and foreign keys",
    "pos_core.db.records": "loading, editing and paging records within the actor's reach",
    "pos_core.db.statements": "statements of your own on a busy path",
    "pos_core.errors": "errors: kinds, codes, violations",
    "pos_core.events": "what an event is",
    "pos_core.hookspecs": "the hooks and their markers",
    "pos_core.http.routes": "routes as data",
    "pos_core.ids": "ids: UUIDv7",
    "pos_core.manifest": "what a module says about itself",
    "pos_core.money": "amounts, quantities and rates as whole numbers and as text",
    "pos_core.rbac.escalation": "what stands before a change of another user",
    "pos_core.rbac.grants": "what somebody else than the actor may do",
    "pos_core.rbac.masks": "what the actor sees of sensitive fields",
    "pos_core.rbac.models": "the table of users, for foreign keys",
    "pos_core.registry.work": "work that is open when a module is switched off",
    "pos_core.reporting.filters": "the standard filters of reports",
    "pos_core.reporting.registry": "reports as data",
    "pos_core.rules": "rules and their order",
    "pos_core.schemas": "the types of requests and answers",
    "pos_core.scope": "ids that must be the actor's own store's",
    "pos_core.security": "telling the security log",
    "pos_core.security.detectors": "patterns that are suspicious",
    "pos_core.stores.models": "the tables of stores, registers and devices, for foreign keys",
    "pos_core.tabs": "pages of the clients' menu",
    "pos_core.tax": "the tax and rounding engine",
    "pos_core.tax.discounts": "amounts before and after discounts",
    "pos_core.tax.types": "its types",
    "pos_core.taxes.models": "the tables of taxes, for foreign keys",
    "pos_core.testing": "fixtures, factories and the conformance checks, for tests",
}
