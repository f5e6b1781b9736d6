"""Requests and answers about users and roles."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from pos_core.auth.schemas import Password
from pos_core.ids import uuid7
from pos_core.schemas import Answer, Command, Edit, Id, Json, Name, PageParams, Params, Reasoned, ShortText

#: Which ones are taken is the password policy's to say, all of its rules at once.
NewPassword = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
NewUsername = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{2,29}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")]
RoleCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,49}$")]
Scope = Literal["hq", "store", "pos"]
PhoneText = Annotated[ShortText, Field(max_length=40)]
NationalId = Annotated[ShortText, Field(max_length=40)]

class CreateUser(Command):
    """Without a password one is generated, shown once, and changed at the first sign-in; none is mailed.

    `store_id` is the branch that the person belongs to, for display; roles say where somebody works.
    """

    id: Id = Field(default_factory=uuid7)
    username: NewUsername
    full_name: Name
    email: Email | None = None
    phone: PhoneText = ""
    address: ShortText = ""
    national_id: NationalId = ""
    store_id: Id | None = None
    meta: Json = Field(default_factory=dict)
    password: NewPassword | None = None
    must_change_password: bool = Field(
        False, description="Whether a given password, too, is to be changed at the first sign-in."
    )


class EditUser(Reasoned, Edit):
    """Switching the account off needs a reason."""

    id: Id
    full_name: Name | None = None
    email: Email | Literal[""] | None = Field(None, description="Empty takes the address away.")
    phone: PhoneText | None = None
    address: ShortText | None = None
    national_id: NationalId | None = None
    store_id: Id | None = None
    meta: Json | None = None
    is_active: bool | None = None


class EditOwn(Edit):
    """What people may change of their own account; roles, branch and state are others' to change."""

    __entity__ = "own_account"

    full_name: Name | None = None
    email: Email | Literal[""] | None = Field(None, description="Empty takes the address away.")
    phone: PhoneText | None = None
    address: ShortText | None = None
    password: Password | None = Field(None, description="Needed where the mail address or the phone number changes.")


class ResetPassword(Reasoned, Edit):
    id: Id
    password: NewPassword | None = None


class MarkSuperAdmin(Edit):
    """Whose account becomes a super administrator's, or stops being one."""

    id: Id


class RolePlace(Command):
    """A role, and where it is to be held: a store, every active store, or (hq roles) the headquarters."""

    role: RoleCode
    store_id: Id | None = None
    all_stores: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.store_id is not None and self.all_stores:
            raise ValueError("give store_id or all_stores, not both")
        return self


class AssignRole(Command):
    """One role at one place (`role` and `store_id` or `all_stores`), or several of them in `assignments`.

    `all_stores` means the stores that are active now: each gets an assignment of its own.
    """

    id: Id = Field(default_factory=uuid7)
    user_id: Id
    role: RoleCode | None = None
    store_id: Id | None = None
    all_stores: bool = False
    assignments: tuple[RolePlace, ...] = Field((), max_length=200)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.role is None) == (not self.assignments):
            raise ValueError("give either role or assignments")
        if self.role is None and (self.store_id is not None or self.all_stores):
            raise ValueError("name the places inside assignments")
        if self.store_id is not None and self.all_stores:
            raise ValueError("give store_id or all_stores, not both")
        return self

    @property
    def wanted(self) -> tuple[RolePlace, ...]:
        """The assignments in either form."""
        if self.role is None:
            return self.assignments
        return (RolePlace(role=self.role, store_id=self.store_id, all_stores=self.all_stores),)


class UnassignRole(Command):
    user_id: Id
    role: RoleCode
    store_id: Id | None = None


class LevelGrant(Command):
    """Every permission of a level: of a plug, of one of its modules, of a submodule."""

    plug: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")] | None = None
    module: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,99}$")] | None = None
    submodule: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")] | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.plug is None and self.module is None and self.submodule is None:
            raise ValueError("name a plug, a module or a submodule")
        return self


Permissions = Annotated[tuple[str, ...], Field(max_length=500)]
Levels = Annotated[tuple[LevelGrant, ...], Field(max_length=50)]


class CreateRole(Command):
    """A role with the permissions named, those of whole levels, and those of a role that it is copied from."""

    id: Id = Field(default_factory=uuid7)
    code: RoleCode
    name: Name
    scope: Scope
    description: ShortText = ""
    permissions: Permissions = ()
    levels: Levels = ()
    copy_of: RoleCode | None = None


class EditRole(Edit):
    """`permissions` replaces them all; `levels` adds. Code and scope stay."""

    id: Id
    name: Name | None = None
    description: ShortText | None = None
    permissions: Permissions | None = None
    levels: Levels = ()


class SwitchRole(Edit):
    id: Id


class Assignment(Answer):
    role: str
    scope: str
    store_id: str | None


class UserAnswer(Answer):
    id: str
    username: str
    full_name: str
    email: str | None = Field(description="Null where it is masked too, as phone, address and national_id are.")
    phone: str | None
    address: str | None
    national_id: str | None
    store_id: str | None = Field(description="The branch, for display.")
    role: str | None = Field(description="The primary role, for display.")
    is_active: bool
    is_super_admin: bool
    meta: dict[str, Any]
    assignments: list[Assignment]
    created_at: str
    updated_at: str
    version: int


class OwnAccount(UserAnswer):
    """The own account: nobody's personal data is hidden from themselves."""

    __entity__ = "own_account"


class NewUser(UserAnswer):
    password: str | None = Field(None, description="The generated password, shown this once.")


class DutyWarning(Answer):
    """Roles that one person should not hold together."""

    code: str
    message: str
    roles: list[str]


class MadeAssignment(Answer):
    id: str
    role: str
    scope: str
    store_id: str | None


class AssignmentAnswer(Answer):
    """`id`, `role` and `store_id` are those of the first assignment."""

    id: str
    user_id: str
    role: str
    store_id: str | None
    assignments: list[MadeAssignment]
    warnings: list[DutyWarning]


class Unassigned(Answer):
    id: str
    user_id: str
    role: str
    store_id: str | None


class RoleAnswer(Answer):
    id: str
    code: str
    name: str
    scope: str
    description: str
    is_template: bool
    is_changed: bool = Field(description="Whether its permissions were changed by hand since it was shipped.")
    is_active: bool
    copied_from: str | None
    permissions: list[str]
    version: int


class PermissionAnswer(Answer):
    code: str
    scope: str
    plug: str
    module: str
    submodule: str
    action: str
    field: str
    description: str
    enabled: bool
    roles: list[str] = Field(description="The roles that hold it.")


class PermissionGroup(Answer):
    plug: str
    module: str
    title: str
    permissions: list[PermissionAnswer]


class Authorisation(Answer):
    action: str
    module: str
    state: str = Field(description="allowed, denied, or approval: allowed, but some figures call for an approval.")


class Authorisations(Answer):
    user_id: str
    app_context: str
    store_id: str | None
    actions: list[Authorisation]


class EmployeeAnswer(Answer):
    """Somebody who works in the store, as its manager sees them."""

    id: str
    username: str
    full_name: str
    is_active: bool
    roles: list[str]


class UserParams(PageParams):
    store_id: Id | None = Field(None, description="Who holds a role in this store.")
    role: RoleCode | None = Field(None, description="Who holds this role.")
    is_active: bool | None = None
    search: str | None = Field(None, min_length=1, max_length=100, description="A part of the name or user name.")


class RoleParams(PageParams):
    scope: Scope | None = None
    is_active: bool | None = None


class PermissionParams(Params):
    scope: Scope | None = None
    plug: str | None = Field(None, max_length=50)
    module: str | None = Field(None, max_length=100)
    submodule: str | None = Field(None, max_length=50)


class AuthorisationParams(Params):
    store_id: Id | None = None
    app_context: Scope | None = Field(None, description="Without it: pos in a store, else hq.")
