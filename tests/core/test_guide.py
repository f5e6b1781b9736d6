"""The module that docs/writing-a-module.md shows is one that runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pos_core import PosError, uuid7
from pos_core.db import ddl

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "writing-a-module.md"
_BLOCK = re.compile(r"```python\n# pos_gifts/wrapping/(\w+\.py)\n(.*?)```", re.DOTALL)

#: What the guide does not spell out.
REST = {
    "models.py": """
from pos_core.db.fields import IdField, TextField
from pos_core.db.model import Table

class Wrapping(Table):
    id = IdField(primary_key=True)
    sale_id = IdField()
    paper = TextField()
    class Meta:
        table_name = "gifts_wrapping"
""",
    "schemas.py": """
from pos_core.schemas import Answer, Command, Id

class Wrap(Command):
    id: Id
    sale_id: Id
    paper: str

class Wrapped(Answer):
    id: str
    sale_id: str
    paper: str
""",
    "routes.py": """
from pos_core.http.routes import Route
from guide_wrapping import schemas

ROUTES = (Route("POST", "/wrappings", action="wrapping:add", answer=schemas.Wrapped),)
""",
    "queries.py": """
from pos_core import query

@query("gift:sale", permission="pos:wrap")
def sale(ctx, *, id):
    "A sale, for as long as the test sells nothing."
    return {"id": id}
""",
}


@pytest.fixture
def guide(package: Callable[[str, dict[str, str]], ModuleType]) -> ModuleType:
    files = dict(_BLOCK.findall(GUIDE.read_text("utf-8")))
    assert {"plugin.py", "service.py", "rules.py"} <= files.keys()
    files |= REST
    made = {name: text.replace("pos_gifts.wrapping", "guide_wrapping") for name, text in files.items()}
    made["service.py"] = made["service.py"].replace('"sale:get"', '"gift:sale"')
    return package("guide_wrapping", made)


@pytest.mark.req("MOD-11", "DOC-01")
def test_the_module_of_the_guide_runs(make_business: Any, guide: ModuleType) -> None:
    business = make_business(extra=[("gifts.wrapping", guide)])
    module = next(m for m in business.kernel.modules if m.name == "gifts.wrapping")
    assert module.error == ""
    wrapping = module.parts["models"].Wrapping
    with business.kernel.db.schema_access():
        for text in ddl.create_statements(business.kernel.db, [wrapping]):
            business.kernel.db.execute_sql(text)
    command = business.kernel.action("wrapping:add").command(id=uuid7(), sale_id=uuid7(), paper="red")
    made = business.kernel.perform(till(business), "wrapping:add", command)
    assert (made.status, made.data["paper"], wrapping.get().paper) == (201, "red", "red")
    business.perform("setting:change", {"key": "wrapping.papers_out", "value": "red,blue"})
    with pytest.raises(PosError, match="wrapping_paper_out"):
        business.kernel.perform(till(business), "wrapping:add", command.model_copy(update={"id": uuid7()}))


def till(business: Any) -> Any:
    """A cashier whose role holds the module's permission, as after `permission:sync`."""
    ctx = business.context("cashier")
    ctx.actor = replace(ctx.actor, permissions=ctx.actor.permissions | {"pos:wrap"})
    return ctx
