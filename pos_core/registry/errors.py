"""What can be wrong with switching a module."""

from __future__ import annotations

from pos_core.errors import Kind, define

MODULE_UNKNOWN = define(
    "module_unknown", Kind.NOT_FOUND,
    en="No module {module} is installed.", es="No hay ningún módulo {module} instalado.",
    cure="GET /modules lists what is installed; install the distribution that brings it.",
)
MODULE_CORE = define(
    "module_core", Kind.RULE,
    en="{module} belongs to the core and cannot be switched off.",
    es="{module} pertenece al núcleo y no se puede desactivar.",
    cure="Leave it on: audit, security and everything that all others stand on stays.",
    security="module_toggled",
)
MODULE_NEEDS = define(
    "module_needs", Kind.RULE,
    en="{module} needs {needed}, which is off here.", es="{module} necesita {needed}, que está desactivado aquí.",
    cure="Switch on what it needs first, or send `cascade` to switch it on along.",
)
MODULE_NEEDED = define(
    "module_needed", Kind.RULE,
    en="{dependant} is on and needs {module}.", es="{dependant} está activado y necesita {module}.",
    cure="Switch off what needs it first, or send `cascade` to switch it off along.",
)
MODULE_SET_ASIDE = define(
    "module_set_aside", Kind.RULE,
    en="{module} was set aside and cannot be switched on: {error}.",
    es="{module} fue apartado y no se puede activar: {error}.",
    cure="Mend what the error names (`pos modules --why`), then start the server again.",
)
MODULE_OVERRIDDEN = define(
    "module_overridden", Kind.RULE,
    en="The configuration's modules.disabled keeps {module} off, whatever is switched here.",
    es="La configuración modules.disabled mantiene {module} desactivado, sin importar lo que se active aquí.",
    cure="The operator takes it out of modules.disabled in pos.toml and starts the server again.",
)
MODULE_STILL_ON = define(
    "module_still_on", Kind.RULE,
    en="{module} is on, at least in one store.", es="{module} está activado, al menos en una tienda.",
    cure="Switch it off for the business first.",
)
MODULE_KEPT = define(
    "module_kept", Kind.RULE,
    en="The data of {module} stays: {other} refers to {table}.",
    es="Los datos de {module} se quedan: {other} se refiere a {table}.",
    cure="Keep it switched off; what other tables refer to is not dropped.",
)
HANDLER_UNKNOWN = define(
    "handler_not_quarantined", Kind.NOT_FOUND,
    en="{handler} stands in no quarantine.", es="{handler} no está en cuarentena.",
    cure="GET /modules/{{name}} lists the handlers that do.",
)
