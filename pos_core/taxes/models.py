"""Tax rates and the groups that products belong to."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BoolField, IntField, RateField, TextField
from pos_core.db.model import Record, Table, foreign


class TaxRate(Record):
    """One tax. `rate`: hundredths of a basis point; for `fixed_per_unit` ten-thousandths of a minor unit per unit.

    `compound_on_earlier`: its base takes in the earlier taxes of the group that add to later bases.
    """

    never_deleted = True

    code = TextField(unique=True)
    name = TextField()
    kind = TextField()
    rate = RateField()
    included = BoolField()
    adds_to_base = BoolField(default=False)
    base_takes_earlier = BoolField(default=True)
    is_active = BoolField(default=True)

    class Meta:
        table_name = "core_tax_rate"
        constraints = (
            pw.Check(
                "kind IN ('percent', 'fixed_per_unit', 'percent_of_gross', 'reverse_charge', 'reverse_charge_of_gross')"
            ),
            pw.Check("rate >= 0"),
        )


class TaxGroup(Record):
    """A set of taxes in their order; a product has one group."""

    code = TextField(unique=True)
    name = TextField()
    is_active = BoolField(default=True)

    class Meta:
        table_name = "core_tax_group"


class TaxGroupRate(Table):
    """A tax's place in a group."""

    group = foreign(TaxGroup, "group_id", on_delete="CASCADE", index=False)
    rate = foreign(TaxRate, "rate_id")
    position = IntField()

    class Meta:
        table_name = "core_tax_group_rate"
        primary_key = pw.CompositeKey("group", "position")
        indexes = ((("group", "rate"), True),)
