"""The package list of pos-core; everything else is in setup.cfg.

`migrations/` lies at the root of the tree and is installed as `pos_core.migrations`. A plain
`packages = find:` would ship it as a top-level package, and a list written by hand is incomplete the day a
folder is added.
"""

from __future__ import annotations

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["pos_core", "pos_core.*"]), "pos_core.migrations"],
    package_dir={"pos_core.migrations": "migrations"},
)
