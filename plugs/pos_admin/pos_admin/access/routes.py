"""The doors to users, roles, permissions, and who holds which role where."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_core.rbac import schemas
from pos_core.schemas import PageParams

ROUTES = (
    Route("GET", "/users", query="user:list", params=schemas.UserParams, answer=schemas.UserAnswer, paged=True),
    Route("POST", "/users", action="user:create", answer=schemas.NewUser),
    Route("GET", "/users/{id}", query="user:get", answer=schemas.UserAnswer),
    Route("PATCH", "/users/{id}", action="user:edit", answer=schemas.UserAnswer, edits=True),
    Route("GET", "/users/{id}/authorisations", query="user:authorisations", params=schemas.AuthorisationParams,
          answer=schemas.Authorisations),
    Route("POST", "/users/{id}/demotion", action="user:demote_super_admin", answer=schemas.UserAnswer, edits=True),
    Route("POST", "/users/{id}/password", action="user:reset_password", answer=schemas.NewUser, edits=True),
    Route("POST", "/user-roles", action="user:assign", answer=schemas.AssignmentAnswer),
    Route("POST", "/user-roles/remove", action="user:unassign", answer=schemas.Unassigned),
    Route("GET", "/employees", query="employee:list", params=PageParams, answer=schemas.EmployeeAnswer, paged=True),
    Route("GET", "/roles", query="role:list", params=schemas.RoleParams, answer=schemas.RoleAnswer, paged=True),
    Route("POST", "/roles", action="role:create", answer=schemas.RoleAnswer),
    Route("GET", "/roles/{id}", query="role:get", answer=schemas.RoleAnswer),
    Route("PATCH", "/roles/{id}", action="role:edit", answer=schemas.RoleAnswer, edits=True),
    Route("POST", "/roles/{id}/deactivate", action="role:deactivate", answer=schemas.RoleAnswer, edits=True),
    Route("POST", "/roles/{id}/activate", action="role:activate", answer=schemas.RoleAnswer, edits=True),
    Route("GET", "/permissions", query="permission:list", params=schemas.PermissionParams,
          answer=schemas.PermissionGroup, listed=True),
)
