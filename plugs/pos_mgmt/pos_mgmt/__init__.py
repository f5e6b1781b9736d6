"""Management: the owner's view of the business, built on what the other modules report and publish."""

from __future__ import annotations

__version__ = "0.1.0"
