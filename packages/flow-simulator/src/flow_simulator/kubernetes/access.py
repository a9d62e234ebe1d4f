"""Who may do what: bearer tokens and roles, refused with the words of RBAC. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from flow_simulator.kubernetes.problems import Problem, unauthorized

PUBLIC_PATHS = frozenset({"/version", "/readyz", "/livez", "/healthz"})
"""What everybody may ask without a token (role `system:public-info-viewer`)."""

DISCOVERY_PATHS = ("/api", "/apis", "/version", "/readyz", "/livez", "/healthz", "/openapi")
"""What every user with a token may ask (role `system:discovery`)."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Verbs on one resource (`plural.group`), in one namespace or, when it is empty, in the whole cluster."""

    resource: str
    verbs: frozenset[str]
    namespace: str = ""


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody with a token; `admin` is `system:masters`, whom no role limits."""

    name: str
    admin: bool = False
    rules: tuple[Rule, ...] = ()
    authenticated: bool = True


ANONYMOUS = User(name="system:anonymous", authenticated=False)


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a request does to a resource: `verb` as RBAC names it; `name` and `namespace` may be empty."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def allowed_by(self, rule: Rule) -> bool:
        """Whether the rule gives this verb here."""
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return (
            rule.resource == f"{resource}.{self.group}"
            and self.verb in rule.verbs
            and rule.namespace in ("", self.namespace)
        )


def adapter_rules(namespace: str = "") -> tuple[Rule, ...]:
    """The rights of an adapter: read releases and charts, write leases; in one namespace, or everywhere."""
    read = frozenset({"get", "list", "watch"})
    return (
        Rule(resource="helmreleases.helm.toolkit.fluxcd.io", verbs=read, namespace=namespace),
        Rule(resource="helmcharts.source.toolkit.fluxcd.io", verbs=read, namespace=namespace),
        Rule(
            resource="leases.coordination.k8s.io",
            verbs=frozenset({"get", "create", "update"}),
            namespace=namespace,
        ),
    )


def user_of(authorization: str | None, tokens: Mapping[str, User]) -> User:
    """Who sent the `Authorization` header; nobody in particular without one. Raises `Problem` 401."""
    scheme, _, token = (authorization or "").partition(" ")
    if not token.strip() or scheme.lower() != "bearer":
        return ANONYMOUS
    user = tokens.get(token.strip())
    if user is None:
        raise unauthorized()
    return user


def check_path(user: User, path: str, *, roles_loaded: bool) -> None:
    """Raise `Problem` 403 when the user may not ask for a path that is no resource."""
    if user.admin:
        return
    if roles_loaded and (path in PUBLIC_PATHS or (user.authenticated and path.startswith(DISCOVERY_PATHS))):
        return
    message = f'forbidden: User "{user.name}" cannot get path "{path}"'
    raise Problem(403, "Forbidden", message, details={})


def check_action(user: User, action: Action, *, roles_loaded: bool) -> None:
    """Raise `Problem` 403 when no rule of the user gives the action."""
    if user.admin or (roles_loaded and any(action.allowed_by(rule) for rule in user.rules)):
        return
    full_name = f"{action.resource}.{action.group}" + (f' "{action.name}"' if action.name else "")
    resource = f"{action.resource}/{action.subresource}" if action.subresource else action.resource
    place = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    message = (
        f'{full_name} is forbidden: User "{user.name}" cannot {action.verb} resource "{resource}" '
        f'in API group "{action.group}" {place}'
    )
    details = {"group": action.group, "kind": action.resource}
    if action.name:
        details = {"name": action.name, **details}
    raise Problem(403, "Forbidden", message, details=details)
