"""Administration: users, roles and permissions, and the business's own settings."""

from __future__ import annotations

__version__ = "0.1.0"
