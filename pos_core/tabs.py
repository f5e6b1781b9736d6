"""Tabs of a client's main menu, as data. Hiding one is a courtesy; what protects is the permission of each call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of a client: where it stands, and what decides whether somebody sees it.

    contexts: the applications that have it (hq, store, pos). opens: actions and queries that the page lives by; it is
    shown to who may use one of them, and is unavailable while none of them is installed and on. modules: what else has
    to be on. Without either it is always there. position: the lower, the earlier; 500 comes after the shipped pages.
    """

    code: str
    en: str
    es: str
    contexts: tuple[str, ...]
    opens: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    position: int = 500

    def label(self, language: str) -> str:
        """Its name in a language."""
        return self.es if language == "es" else self.en
