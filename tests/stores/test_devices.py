"""Devices: enrolled, found, renamed, blocked, enrolled again, and who signed in on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.security.models import SecurityEvent
from pos_core.stores.models import Device
from pos_core.stores.schemas import DeviceAnswer, DeviceSession, EnrolledDevice
from pos_core.testing.harness import PASSWORD, Answer, Business, Client

Clients = Callable[..., Client]
WHY = {"reason": "maintenance"}


def enrol(admin: Client, business: Business, **more: Any) -> dict[str, Any]:
    body = {"id": uuid7(), "store_id": business.store_id, "name": "Front", **more}
    answer = admin.post("/devices", body)
    assert answer.status == 201, answer.text
    return EnrolledDevice.model_validate(answer.data).model_dump()


def step(client: Client, device: dict[str, Any], what: str, body: Any = None) -> Answer:
    return client.request("POST", f"/devices/{device['id']}/{what}", body or {},
                          {"If-Match": f'"{device["version"]}"'})  # fmt: skip


def sign_in(client: Client, device: dict[str, Any], name: str = "cashier1", **more: Any) -> Answer:
    proof = {"id": device["id"], "key": device["key"], **more}
    body = {"username": name, "password": PASSWORD, "app_context": "pos", "device": proof, "delivery": "body"}
    return client.post("/auth/login", body)


@pytest.mark.req("OPX-16")
def test_a_device_is_registered_with_name_store_register_and_platform(
    client_as: Clients, business: Business
) -> None:
    admin = client_as("admin")
    made = enrol(admin, business, register_id=business.ids["register1"], platform="windows")
    assert (made["platform"], made["has_fingerprint"]) == ("windows", False)
    assert made["register_id"] == business.ids["register1"]
    shown = admin.get(f"/devices/{made['id']}")
    DeviceAnswer.model_validate(shown.data)
    assert "key" not in shown.text
    assert made["key"] not in admin.get("/devices").text
    assert admin.post("/devices", {"id": uuid7(), "store_id": business.store_id, "name": "X", "platform": "toaster"}
                      ).paths() == {"platform"}  # fmt: skip


@pytest.mark.req("OPX-16")
def test_devices_are_found_by_what_they_are(client_as: Clients, business: Business) -> None:
    admin = client_as("admin")
    made = enrol(admin, business, platform="ios")
    found = lambda query: {one["name"] for one in admin.get(f"/devices?{query}").data}  # noqa: E731
    assert found("platform=ios") == {"Front"}
    assert found(f"register_id={business.ids['register1']}") == {"Till 1"}
    assert found("is_blocked=true") == set()
    assert step(admin, made, "block", WHY).status == 200
    assert found("is_blocked=true") == {"Front"}
    assert found(f"store_id={business.store_id}&is_blocked=false") == {"Till 1", "Till 2"}
    assert admin.get(f"/devices?store_id={uuid7()}").status == 404


@pytest.mark.req("OPX-16")
def test_blocking_bites_at_the_next_request_and_letting_in_again_needs_a_new_sign_in(
    client_as: Clients, client: Client, business: Business
) -> None:
    admin, manager = client_as("admin"), client_as("manager")
    made = enrol(admin, business)
    till = Client(client.host, client.port, sign_in(client, made).data["access_token"])
    assert till.get("/me").status == 200
    blocked = step(manager, made, "block", WHY)
    assert (blocked.status, blocked.data["is_blocked"]) == (200, True)
    assert till.get("/me").status == 401
    assert sign_in(client, made).status == 401
    assert step(manager, blocked.data, "unblock").status == 403, "a store locks out, the headquarters lets in"
    opened = step(admin, blocked.data, "unblock")
    assert opened.data["is_blocked"] is False
    assert till.get("/me").status == 401
    assert sign_in(client, made).status == 201
    kinds = {e.kind for e in SecurityEvent.select().where(SecurityEvent.kind.startswith("device"))}
    assert kinds == {"device_enrolled", "device_blocked"}


@pytest.mark.req("OPX-16")
def test_a_device_that_is_enrolled_again_has_a_new_key_and_the_old_one_is_dead(
    client_as: Clients, client: Client, business: Business
) -> None:
    admin = client_as("admin")
    made = enrol(admin, business)
    till = Client(client.host, client.port, sign_in(client, made).data["access_token"])
    again = step(admin, made, "enrolment")
    assert again.status == 200
    assert again.data["key"] not in ("", made["key"])
    assert till.get("/me").status == 401
    assert sign_in(client, made).status == 401
    assert sign_in(client, {**made, "key": again.data["key"]}).status == 201
    assert step(admin, made, "enrolment").code == "version_mismatch"
    assert Device.get_by_id(made["id"]).version == 2


@pytest.mark.req("OPX-16")
def test_a_device_is_renamed_and_moved_within_its_store(
    client_as: Clients, client: Client, business: Business
) -> None:
    admin = client_as("admin")
    made = enrol(admin, business, register_id=business.ids["register1"])
    renamed = admin.patch(f"/devices/{made['id']}", {"name": "Back", "platform": "linux"}, 1)
    assert (renamed.data["name"], renamed.data["platform"], renamed.data["version"]) == ("Back", "linux", 2)
    till = Client(client.host, client.port, sign_in(client, made).data["access_token"])
    moved = admin.patch(f"/devices/{made['id']}", {"register_id": business.ids["register2"]}, 2)
    assert moved.data["register_id"] == business.ids["register2"]
    assert till.get("/me").status == 401, "a session never changes its register"
    other = business.perform("store:create", {"id": uuid7(), "code": "S2", "name": "Two", "time_zone": "UTC"})["id"]
    far = business.perform("register:create", {"id": uuid7(), "store_id": other, "code": "R1", "name": "Far"})["id"]
    assert admin.patch(f"/devices/{made['id']}", {"register_id": far}, 3).status == 404


@pytest.mark.req("OPX-16", "SES-01")
def test_a_device_lists_who_signed_in_on_it(client_as: Clients, client: Client, business: Business) -> None:
    admin = client_as("admin")
    made = enrol(admin, business)
    assert made["last_seen_at"] is None
    for name in ("cashier1", "cashier2"):
        assert sign_in(client, made, name).status == 201
        business.clock.advance(timedelta(minutes=1))
    listed = admin.get(f"/devices/{made['id']}/sessions")
    rows = [DeviceSession.model_validate(one) for one in listed.data]
    assert [row.username for row in rows] == ["cashier2", "cashier1"]
    assert all(row.is_open and row.ended_at is None for row in rows)
    shown = admin.get(f"/devices/{made['id']}").data
    assert shown["last_seen_at"] == rows[0].last_seen_at
    step(admin, shown, "block", WHY)
    ended = admin.get(f"/devices/{made['id']}/sessions").data
    assert {(one["is_open"], one["ended_because"]) for one in ended} == {(False, "device blocked")}


@pytest.mark.req("OPX-16", "RBC-12")
def test_a_store_sees_and_blocks_its_own_devices_only(client_as: Clients, business: Business) -> None:
    other = business.perform("store:create", {"id": uuid7(), "code": "S2", "name": "Two", "time_zone": "UTC"})["id"]
    far = business.perform("device:enrol", {"id": uuid7(), "store_id": other, "name": "Far"})
    manager = client_as("manager")
    assert {one["name"] for one in manager.get("/devices").data} == {"Till 1", "Till 2"}
    assert manager.get(f"/devices/{far['id']}").status == 404
    assert manager.get(f"/devices/{far['id']}/sessions").status == 404
    assert step(manager, far, "block", WHY).status == 404
    assert manager.post("/devices", {}).status == 403
    assert client_as("cashier").get("/devices").status == 403
    assert Device.get_by_id(far["id"]).is_blocked is False


@pytest.mark.req("OPX-19")
def test_a_changed_machine_fails_where_the_store_requires_fingerprints(
    client_as: Clients, client: Client, business: Business
) -> None:
    admin, right, wrong = client_as("admin"), "board-4711 disk-0815", "board-4712 disk-0815"
    made, plain = enrol(admin, business, fingerprint=right), enrol(admin, business)
    assert (made["has_fingerprint"], plain["has_fingerprint"]) == (True, False)
    assert sign_in(client, made, fingerprint=wrong).status == 201, "ignored by default"
    business.perform("setting:change", {"key": "devices.fingerprints", "value": "require",
                                        "store_id": business.store_id})  # fmt: skip
    for given in ({"fingerprint": wrong}, {}):
        refused = sign_in(client, made, **given)
        assert (refused.status, refused.code) == (401, "device_changed")
    assert sign_in(client, made, fingerprint=right).status == 201
    assert sign_in(client, plain).status == 201, "nothing to compare with"
    assert SecurityEvent.select().where(SecurityEvent.kind == "device_changed").count() >= 2
    again = step(admin, admin.get(f"/devices/{made['id']}").data, "enrolment", {"fingerprint": wrong})
    assert sign_in(client, {**made, "key": again.data["key"]}, fingerprint=wrong).status == 201
    stored = Device.get_by_id(made["id"]).fingerprint_hash
    assert len(stored) == 32
    assert wrong.encode() not in stored
