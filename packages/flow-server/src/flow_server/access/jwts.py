"""JWTs of several issuers, verified with PyJWT. Source: RFC 7519; Kubernetes' service account tokens.

Several clusters may have the same `iss`: the key id chooses among them. Nothing a token says is believed
before its signature was checked, but which key to try.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jwt
import structlog

from flow_contract.error import SHOWN_CHARACTERS
from flow_server.access.keys import FRESH_S, KeySet
from flow_server.core.grants import Principal

LONGEST_TOKEN = 8192
"""Longest token that is looked at, in bytes."""

LONGEST_LIFE_S = 86_400.0
"""Longest time a token may still be good, in seconds: `exp` may be any number."""

LEEWAY_S = 5.0
"""How far an issuer's clock may be from ours, in seconds."""

REMEMBERED_S = 60.0
"""How long a verified token is believed without verifying it again, in seconds."""

REMEMBERED = 1024
"""How many verified tokens are remembered."""

TOLD = 64
"""How many different refusals are logged, each once for a grants file: whoever sets it up needs them, and
whoever makes up issuers must not fill the log."""

log = structlog.get_logger(__name__)


class Refused(Exception):
    """A token that is not good; the text says why, and never what it was."""


class Jwts:
    """Verifies tokens against the issuers of one grants file."""

    def __init__(self, key_sets: Sequence[KeySet], *, now_s: Callable[[], float] = time.time) -> None:
        """`now_s` gives Unix seconds."""
        self.key_sets = tuple(key_sets)
        self._now_s = now_s
        self._told: set[tuple[str, str]] = set()
        self._verified: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    def remembered(self, digest: bytes) -> Principal | None:
        """Who the token with this SHA-256 is of, when that was verified a moment ago."""
        verified = self._verified.get(digest)
        return verified[1] if verified is not None and verified[0] > self._now_s() else None

    async def principal(self, token: bytes, digest: bytes) -> Principal:
        """Who a token, whose SHA-256 is given, is of; verifies it. Raises `Refused`."""
        principal, expires_at_s = await self._verify(token)
        self._verified[digest] = (min(expires_at_s, self._now_s() + REMEMBERED_S), principal)
        while len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return principal

    async def refresh(self) -> None:
        """Get keys that are not fresh; called now and then in the background."""
        await asyncio.gather(*[keys.refresh(at_most_every_s=FRESH_S) for keys in self.key_sets])

    async def _verify(self, token: bytes) -> tuple[Principal, float]:
        if len(token) > LONGEST_TOKEN:
            raise Refused(f"a token of more than {LONGEST_TOKEN} bytes")
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise Refused("neither a token we know nor a JWT") from error
        candidates = [keys for keys in self.key_sets if keys.issuer.issuer == claimed]
        if not candidates:
            self._tell("a JWT of an issuer that is not in the grants file was refused", str(claimed), "")
            raise Refused("a JWT of an issuer we do not know")
        problem = "a JWT signed with a key we do not know"
        for keys in await _with_key(candidates, key_id):
            try:
                return self._principal(keys, self._claims(token, keys, key_id))
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
                problem = f"a JWT that is not good for {keys.issuer.name}: {error}"
        self._tell("a JWT of an issuer was refused", str(claimed), problem)
        raise Refused(problem)

    def _tell(self, event: str, issuer: str, problem: str) -> None:
        said = (issuer[:SHOWN_CHARACTERS], problem[:SHOWN_CHARACTERS])
        if said not in self._told and len(self._told) < TOLD:
            self._told.add(said)
            log.warning(event, issuer=said[0], problem=said[1])

    def _claims(self, token: bytes, keys: KeySet, key_id: str | None) -> dict[str, Any]:
        issuer = keys.issuer
        claims: dict[str, Any] = jwt.decode(
            token,
            keys.key(key_id),
            algorithms=list(issuer.algorithms),
            audience=issuer.audience,
            issuer=issuer.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        if float(claims["exp"]) - self._now_s() > LONGEST_LIFE_S:
            raise ValueError(f"it is good for more than {LONGEST_LIFE_S / 3600:g} hours")
        return claims

    def _principal(self, keys: KeySet, claims: dict[str, Any]) -> tuple[Principal, float]:
        subject = str(claims["sub"])
        expires_at_s = float(claims["exp"]) + LEEWAY_S
        principal = Principal(
            name=f"{keys.issuer.name}/{subject}",
            grants=keys.issuer.grants_of(subject),
            expires_at_s=expires_at_s,
            origin=("jwt", keys.issuer.name, subject),
        )
        return principal, expires_at_s


async def _with_key(candidates: Sequence[KeySet], key_id: str | None) -> list[KeySet]:
    """The key sets that have the key; when none has it, they are asked for new keys first."""
    chosen = [keys for keys in candidates if keys.key(key_id) is not None]
    if not chosen:
        await asyncio.gather(*[keys.refresh() for keys in candidates])
        chosen = [keys for keys in candidates if keys.key(key_id) is not None]
    return chosen
