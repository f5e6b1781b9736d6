"""What can be wrong with a business rule, and what one says when it refuses."""

from __future__ import annotations

from pos_core.errors import Kind, define

REFUSED = define(
    "business_rule_refused", Kind.RULE,
    en="{message}", es="{message}",
    cure="`errors[].rule` names the business rule and its version; GET /business-rules shows it. Who runs the business "
    "can change it or switch it off.",
)
REASON_NEEDED = define(
    "business_rule_reason", Kind.RULE,
    en="{message} (send a reason)", es="{message} (indique un motivo)",
    cure="Send `reason` with a code that GET /reasons?action=... lists.",
)
FAILED = define(
    "business_rule_failed", Kind.RULE,
    en="The business rule {code} could not be worked out ({why}), and refuses until it can.",
    es="La regla de negocio {code} no se pudo evaluar ({why}) y rechaza hasta que se pueda.",
    cure="Mend the rule, retire it, or let it say `on_error: skip`.",
)
ACTION_UNKNOWN = define(
    "business_rule_action_unknown", Kind.INVALID,
    en="No module here has the action {action}.", es="Ningún módulo de aquí tiene la acción {action}.",
    cure="docs/actions.md lists every action; check that its module is installed.",
)
ACTION_EXEMPT = define(
    "business_rule_action_exempt", Kind.INVALID,
    en="No business rule may stand before {action}: it could lock out who would take the rule away.",
    es="Ninguna regla de negocio puede preceder a {action}: podría impedir el acceso a quien deba retirarla.",
    cure="Signing in, users, roles, modules, the audit, and the rules themselves are kept free of business rules.",
)
FIELD_UNKNOWN = define(
    "business_rule_field_unknown", Kind.INVALID,
    en="{field} is nothing that {action} has; here it could go on with: {known}.",
    es="{field} no es nada que {action} tenga; aquí puede seguir: {known}.",
    cure="GET /business-rules/fields?action=... lists every field.",
)
FIELD_MISPLACED = define(
    "business_rule_field_misplaced", Kind.INVALID,
    en="{field} cannot stand here: {wanted} is needed.", es="{field} no puede estar aquí: se necesita {wanted}.",
    cure="docs/business-rules.md shows the forms of a condition.",
)
OPERATOR_WRONG = define(
    "business_rule_operator_wrong", Kind.INVALID,
    en="{op} does not go with {field} ({kind}); these do: {allowed}.",
    es="{op} no es aplicable a {field} ({kind}); sí lo son: {allowed}.",
    cure="GET /business-rules/fields?action=... lists each field's operators.",
)
VALUE_WRONG = define(
    "business_rule_value_wrong", Kind.INVALID,
    en="{op} on {field} needs {wanted}.", es="{op} sobre {field} necesita {wanted}.",
    cure="docs/business-rules.md shows how values are written.",
)
QUERY_UNKNOWN = define(
    "business_rule_query_unknown", Kind.INVALID,
    en="Conditions cannot ask {query}; they can ask: {known}.",
    es="Las condiciones no pueden consultar {query}; pueden consultar: {known}.",
    cure="GET /business-rules/fields?action=... lists the queries with arguments and answers.",
)
QUERY_ARGUMENTS = define(
    "business_rule_query_arguments", Kind.INVALID,
    en="{query} takes exactly these arguments: {wanted}.", es="{query} toma exactamente estos argumentos: {wanted}.",
    cure="Give each argument the field that it is taken from.",
)
QUERY_ANSWER = define(
    "business_rule_query_answer", Kind.INVALID,
    en="{query} does not tell {pick}; it tells: {known}.", es="{query} no informa de {pick}; informa de: {known}.",
    cure="Pick one of the figures that it tells.",
)
EFFECT_IMPOSSIBLE = define(
    "business_rule_effect_impossible", Kind.INVALID,
    en="{action} takes no {effect}.", es="{action} no admite {effect}.",
    cure="Refuse instead, or name actions that take reasons or approvals (docs/actions.md).",
)
PLACEHOLDER_WRONG = define(
    "business_rule_placeholder_wrong", Kind.INVALID,
    en="The message cannot show {field}: {why}.", es="El mensaje no puede mostrar {field}: {why}.",
    cure="Write {{draft.total_minor}} or another field of the action in braces; a brace itself cannot be written.",
)
DATES_WRONG = define(
    "business_rule_dates_wrong", Kind.INVALID,
    en="valid_until lies before valid_from.", es="valid_until es anterior a valid_from.",
    cure="Give the last day on which the rule holds, or none.",
)
TOO_MANY = define(
    "business_rules_too_many", Kind.RULE,
    en="{action} has {count} active business rules already; {limit} are the limit.",
    es="{action} ya tiene {count} reglas de negocio activas; el límite es {limit}.",
    cure="Retire one, or join several into one rule with `any`.",
)
STILL_WRONG = define(
    "business_rule_not_sound", Kind.RULE,
    en="The rule does not fit any more what is installed: {problems}",
    es="La regla ya no encaja con lo instalado: {problems}",
    cure="Edit the rule; its `problems` name what does not fit.",
)
POSITION_UNKNOWN = define(
    "business_rule_position_unknown", Kind.MALFORMED,
    en="`after` is no place where a test run stopped.", es="`after` no es un punto donde se detuvo una prueba.",
    cure="Send `next` of the page before, or leave it out.",
)
EXAMPLE_WRONG = define(
    "business_rule_example_wrong", Kind.INVALID,
    en="{action} is none of the rule's actions: {actions}.", es="{action} no es acción de la regla: {actions}.",
    cure="Try the rule with one of its actions.",
)
APPROVAL_NEEDED = define(
    "business_rule_approval", Kind.RULE,
    en="{message}", es="{message}",
    cure="Let somebody agree who may decide for business rules: POST /approvals, or a supervisor's PIN.",
)
