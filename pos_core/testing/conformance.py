"""The checks of a pack as tests. A pack's test file says which distribution it is:

    from pos_core.testing import ModuleConformance

    class TestConformance(ModuleConformance):
        distribution = "pos-liquor"

Each check is a test of its own, on each database that `--db` names: `pytest -k network`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pos_core.testing.checks import CHECKS, run
from pos_core.testing.harness import Templates
from pos_core.testing.lab import Lab
from pos_core.testing.packs import find


class ModuleConformance:
    """Subclass it and name the distribution, one of its modules, or its project's folder."""

    distribution: str = ""
    #: Checks that are left out, by name; say in a comment why.
    without: tuple[str, ...] = ()

    @pytest.fixture(scope="class")
    @classmethod
    def conformance(
        cls, pos_templates: Templates, dialect: str, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Lab]:
        """The pack at work on a database; made once for all checks."""
        found = find(cls.distribution)
        lab = Lab(found, pos_templates, dialect, Path(tmp_path_factory.mktemp("conformance")))
        yield lab
        lab.close()

    @pytest.mark.parametrize("check", [check.name for check in CHECKS])
    def test_conforms(self, conformance: Lab, check: str) -> None:
        """One check: nothing is wrong."""
        if check in self.without:
            pytest.skip("left out by the pack")
        result = list(run(conformance, only=(check,)))[-1]
        told = "\n  ".join(result.problems) or f"not run, because {result.blocked} failed"
        assert result.state == "ok", f"{result.check.holds}:\n  {told}\n{result.check.cure}"
