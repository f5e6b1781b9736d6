"""The doors to stores, registers and devices."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_core.schemas import PageParams
from pos_core.stores import schemas

ROUTES = (
    Route("GET", "/stores", query="store:list", params=PageParams, answer=schemas.StoreAnswer, paged=True),
    Route("POST", "/stores", action="store:create", answer=schemas.StoreAnswer),
    Route("GET", "/stores/{id}", query="store:get", answer=schemas.StoreAnswer),
    Route("PATCH", "/stores/{id}", action="store:edit", answer=schemas.StoreAnswer, edits=True),
    Route("GET", "/registers", query="register:list", params=schemas.RegisterParams, answer=schemas.RegisterAnswer,
          paged=True),
    Route("POST", "/registers", action="register:create", answer=schemas.RegisterAnswer),
    Route("GET", "/registers/{id}", query="register:get", answer=schemas.RegisterAnswer),
    Route("PATCH", "/registers/{id}", action="register:edit", answer=schemas.RegisterAnswer, edits=True),
    Route("GET", "/devices", query="device:list", params=schemas.DeviceParams, answer=schemas.DeviceAnswer,
          paged=True),
    Route("POST", "/devices", action="device:enrol", answer=schemas.EnrolledDevice),
    Route("GET", "/devices/{id}", query="device:get", answer=schemas.DeviceAnswer),
    Route("PATCH", "/devices/{id}", action="device:edit", answer=schemas.DeviceAnswer, edits=True),
    Route("POST", "/devices/{id}/block", action="device:block", answer=schemas.DeviceAnswer, edits=True),
    Route("POST", "/devices/{id}/unblock", action="device:unblock", answer=schemas.DeviceAnswer, edits=True),
    Route("POST", "/devices/{id}/enrolment", action="device:re_enrol", answer=schemas.EnrolledDevice, edits=True),
    Route("GET", "/devices/{id}/sessions", query="device:sessions", params=PageParams, answer=schemas.DeviceSession,
          paged=True),
)  # fmt: skip
