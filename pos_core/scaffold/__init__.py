"""New packs: a distribution that installs, passes its tests and shows up, to begin from."""

from __future__ import annotations

from pos_core.scaffold.pack import PackOptions, PackRefused, write_pack

__all__ = ["PackOptions", "PackRefused", "write_pack"]
