"""The plugs that ship keep what packs must keep, but for what is theirs because they are released with the core."""

from __future__ import annotations

from contextlib import closing

import pytest

from pos_core.testing import ModuleConformance
from pos_core.testing.checks import run
from pos_core.testing.lab import Lab
from pos_core.testing.packs import find

#: They may use what is not promised; their actions are tried by tests of their own; their wheels by tests/packaging.
LEFT_OUT = ("imports", "examples", "wheel")


@pytest.mark.req("MOD-11")
@pytest.mark.parametrize("name", ["pos-ops", "pos-mgmt", "pos-admin"])
def test_a_plug_conforms(pos_templates, dialect, tmp_path, name: str) -> None:
    with closing(Lab(find(name), pos_templates, dialect, tmp_path)) as lab:
        found = {result.check.name: result.problems for result in run(lab, without=LEFT_OUT) if result.state != "ok"}
    assert found == {}


@pytest.mark.req("OPX-31")
class TestManagement(ModuleConformance):
    """The plug that needs no exception, as a pack's own test file would have it."""

    distribution = "pos-mgmt"
    without = ("wheel",)  # tests/packaging holds the wheels of all distributions
