"""Tax groups as the tax engine takes them, cached by the business' revision: a sale reads no tax table."""

from __future__ import annotations

from pos_core.db.model import database
from pos_core.db.statements import statement
from pos_core.errors import NOT_FOUND
from pos_core.tax import Tax

_ALL = statement(
    "SELECT g.id, r.id, r.kind, r.rate, r.included, r.adds_to_base, r.base_takes_earlier, r.code, r.name "
    "FROM core_tax_group g LEFT JOIN core_tax_group_rate m ON m.group_id = g.id "
    "LEFT JOIN core_tax_rate r ON r.id = m.rate_id AND r.is_active ORDER BY g.id, m.position"
)


class TaxDirectory:
    """Every tax group's taxes, in order."""

    def __init__(self) -> None:
        self._revision = -1
        self._groups: dict[str, tuple[Tax, ...]] = {}

    def group(self, group_id: str | None, revision: int) -> tuple[Tax, ...]:
        """The taxes of a group; none for None. PosError `not_found`."""
        if group_id is None:
            return ()
        if revision != self._revision:
            self._load(revision)
        try:
            return self._groups[group_id]
        except KeyError:
            raise NOT_FOUND("tax_group_id", entity="tax group", id=group_id) from None

    def _load(self, revision: int) -> None:
        groups: dict[str, tuple[Tax, ...]] = {}
        for group_id, rate_id, kind, rate, included, adds, takes, code, name in database.obj.fetch(_ALL):
            taxes = groups.setdefault(group_id, ())
            if rate_id is not None:
                tax = Tax(
                    id=rate_id, kind=kind, rate=rate, included=bool(included), adds_to_base=bool(adds),
                    base_takes_earlier=bool(takes), code=code, name=name,
                )
                groups[group_id] = (*taxes, tax)
        self._groups, self._revision = groups, revision
