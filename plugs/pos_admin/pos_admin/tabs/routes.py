"""The door to the tabs."""

from __future__ import annotations

from pos_admin.tabs.schemas import TabAnswer
from pos_core.http.routes import Route

ROUTES = (Route("GET", "/tabs", query="tab:list", answer=TabAnswer, listed=True),)
