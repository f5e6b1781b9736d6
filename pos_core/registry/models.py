"""What is installed, which versions there were, who switched what on and off, and which subscribers stand still."""

from __future__ import annotations

from typing import ClassVar

from pos_core.db.fields import BigField, BoolField, IdField, IntField, TextField, UtcField
from pos_core.db.model import Record, Table
from pos_core.ids import uuid7


class InstalledModule(Record):
    """A module as it was last seen at a start; one that was uninstalled keeps its row (`state` is then `gone`)."""

    name = TextField(unique=True)
    distribution = TextField()
    version_number = TextField()
    state = TextField()
    error = TextField(default="")
    first_seen_at = UtcField()

    class Meta:
        table_name = "core_module"


class ModuleVersion(Table):
    """A version of a module that was seen for the first time; `error` says why it was set aside then."""

    append_only = True

    id = IdField(primary_key=True, default=uuid7)
    module = TextField(index=True)
    distribution = TextField()
    version_number = TextField()
    error = TextField(default="")
    seen_at = UtcField()

    class Meta:
        table_name = "core_module_version"


class ModuleToggle(Table):
    """One switch of a module, on or off, in a store or (store_id null) in the whole business; never changed.

    The last word counts, by `number`: a switch for the business speaks for every store.
    """

    append_only = True
    start_over_on: ClassVar[frozenset[str]] = frozenset({"core_module_toggle.number"})

    id = IdField(primary_key=True, default=uuid7)
    number = BigField(unique=True)
    module = TextField()
    store_id = IdField(null=True)
    enabled = BoolField()
    actor_id = IdField(null=True)
    actor_name = TextField()
    at = UtcField()
    reason = TextField(null=True)
    reason_note = TextField(null=True)

    class Meta:
        table_name = "core_module_toggle"
        indexes = ((("module", "number"), False),)


class Quarantine(Record):
    """A subscriber that failed again and again and is not told of events until somebody releases it."""

    handler = TextField(index=True)
    module = TextField()
    failures = IntField()
    error = TextField()
    since_at = UtcField()
    released_at = UtcField(null=True)
    released_by = IdField(null=True)

    class Meta:
        table_name = "core_module_quarantine"
