"""What can be refused about users and roles."""

from __future__ import annotations

from pos_core.errors import Kind, define

ESCALATION = "escalation_attempt"

PLACE_OF_ROLE = define(
    "role_place_wrong", Kind.INVALID,
    en="{role} is a role of the scope {scope}: store and pos roles are held in a store, hq roles without one.",
    es="{role} es un rol del ámbito {scope}: los roles store y pos se tienen en una tienda, los roles hq sin ninguna.",
    cure="Give `store_id` or `all_stores` for store and pos roles, and neither for hq roles.",
)
LAST_SUPER_ADMIN = define(
    "last_super_admin", Kind.CONFLICT,
    en="The last active super administrator cannot be switched off or demoted.",
    es="El último superadministrador activo no puede desactivarse ni degradarse.",
    cure="Make another super administrator first, with `pos user add --super-admin`.",
)
SUPER_ADMIN_ONLY = define(
    "super_admin_only", Kind.DENIED,
    en="Super administrators are made on the machine's command line, and demoted there or by one of them.",
    es="Los superadministradores se nombran en la línea de comandos y se degradan allí o por uno de ellos.",
    cure="Use `pos user add --super-admin` or `pos user super-admin` on the machine.", security=ESCALATION,
)
PERMISSION_UNKNOWN = define(
    "permission_unknown", Kind.INVALID,
    en="No installed module declares {permission}, or it is not of the scope {scope}.",
    es="Ningún módulo instalado declara {permission}, o no es del ámbito {scope}.",
    cure="`pos modules --permissions` lists them all.",
)
LEVEL_EMPTY = define(
    "permission_level_empty", Kind.INVALID,
    en="No installed module declares {scope} permissions on this level.",
    es="Ningún módulo instalado declara permisos {scope} en este nivel.",
    cure="GET /permissions lists plugs, modules and submodules with their permissions.",
)
NOT_HELD = define(
    "grant_not_held", Kind.DENIED,
    en="You do not hold {permission} there yourself, so you cannot hand it out.",
    es="Usted no tiene {permission} allí, así que no puede otorgarlo.",
    cure="Ask somebody who holds it there, or a super administrator.", security=ESCALATION,
)
USER_ABOVE = define(
    "user_above_own", Kind.DENIED,
    en="This user may do what you may not ({permission}); you cannot change the account.",
    es="Este usuario puede hacer lo que usted no ({permission}); no puede modificar la cuenta.",
    cure="Ask somebody who holds at least as much, or a super administrator.", security=ESCALATION,
)
ROLE_ABOVE = define(
    "role_above_own", Kind.DENIED,
    en="This role holds what you do not ({permission}); you cannot change or take it.",
    es="Este rol tiene lo que usted no ({permission}); no puede modificarlo ni quitarlo.",
    cure="Ask somebody who holds at least as much, or a super administrator.", security=ESCALATION,
)
OWN_ROLES = define(
    "own_roles", Kind.DENIED,
    en="Nobody changes the own roles.", es="Nadie modifica sus propios roles.",
    cure="Ask another administrator.", security=ESCALATION,
)
OWN_ACCOUNT = define(
    "own_account", Kind.CONFLICT,
    en="Nobody switches off or demotes the own account.", es="Nadie desactiva ni degrada su propia cuenta.",
    cure="Ask another administrator.",
)
OWN_PROOFS = define(
    "own_credentials", Kind.DENIED,
    en="Nobody resets what they sign in with themselves: that takes the password.",
    es="Nadie restablece sus propias credenciales: para eso hace falta la contraseña.",
    cure="Use POST /auth/password, PUT /me/pin or POST /auth/mfa/{method}/remove, or ask another administrator.",
)
OWN_CONTACT = define(
    "own_contact", Kind.CONFLICT,
    en="The own mail address and phone number change with the password only.",
    es="El propio correo y el propio teléfono solo cambian con la contraseña.",
    cure="Use PATCH /me/account with `password`.",
)
ROLE_IS_MARK = define(
    "role_is_mark", Kind.INVALID,
    en="{role} is a mark on the account, not a role that is handed out or changed.",
    es="{role} es una marca de la cuenta, no un rol que se otorga o se modifica.",
    cure="A super administrator sets the mark on the account, or `pos user` does.",
)
ROLE_INACTIVE = define(
    "role_inactive", Kind.CONFLICT,
    en="The role {role} is out of use.", es="El rol {role} está fuera de uso.",
    cure="Bring it back into use first, or choose another.",
)
ROLE_IN_USE = define(
    "role_in_use", Kind.CONFLICT,
    en="{count} user(s) hold this role.", es="{count} usuario(s) tienen este rol.",
    cure="Take the role from them first.",
)
DUTIES = define(
    "duties_separated", Kind.RULE,
    en="One person should not hold both {first} and {second}.",
    es="Una persona no debería tener a la vez {first} y {second}.",
    cure="Give the role to somebody else; the setting roles.separation says whether this warns or refuses.",
)
PAIRS_INVALID = define(
    "role_pairs_invalid", Kind.INVALID,
    en="{given} is no pair of role codes.", es="{given} no es un par de códigos de rol.",
    cure="Write pairs as accountant+cashier, separated by commas; empty for none.",
)
