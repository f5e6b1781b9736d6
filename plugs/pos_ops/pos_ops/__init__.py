"""Operations: catalogue, tenders, customers, representatives, registers, stock and sales.

Each folder is one module with one entry point in the group `pos.modules`. Nothing here is imported by another
distribution; other modules reach it through actions, queries, rules and events.
"""

from __future__ import annotations

__version__ = "0.1.0"
