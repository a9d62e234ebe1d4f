"""The authority: whom a request speaks for, by the grants file as it is now.

A file that changes is read again; a new version that cannot be taken is refused and the old one stays.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from flow_server.access.grants_file import Grants, TokenEntry, grants_in, tokens_in
from flow_server.access.jwts import Jwts, Refused
from flow_server.access.keys import KeySet
from flow_server.access.tokens import digest_of, index_of
from flow_server.core.grants import Action, Grant, GrantsFileError, Principal

LOOK_S = 2.0
"""How often the file is looked at, in seconds; Kubernetes itself takes up to a minute to bring a new one."""

LARGEST_BYTES = 2**20
"""Largest grants file."""

_NOTHING = Grant()

log = structlog.get_logger(__name__)


class Authority:
    """Knows the grants. `version` grows with each change, so that open streams can ask again."""

    def __init__(
        self,
        path: Path,
        *,
        now_s: Callable[[], float] = time.time,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Grants from a file; `load` reads it first. `now_s` gives Unix seconds, `clock_s` any that go on."""
        self.path = path
        self.version = 0
        self.reload_errors = 0
        self._now_s = now_s
        self._clock_s = clock_s
        self._seen: tuple[bytes, bytes] | None = None
        self._tokens: tuple[TokenEntry, ...] = ()
        self._digests: tuple[bytes, ...] = ()
        self._holders: tuple[Principal, ...] = ()
        self._grants = Grants()
        self._jwts = Jwts((), now_s=now_s)

    def load(self) -> None:
        """Read the file for the first time. Raises `GrantsFileError`."""
        try:
            self._take(self.path.read_bytes())
        except OSError as error:
            raise GrantsFileError(f"{error.filename or self.path}: {error.strerror or error}") from error

    async def keep_current(self) -> None:
        """Read the file again whenever its content changes, and keep key sets fresh; for ever."""
        while True:
            await self._jwts.refresh()
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Read the file again if its content has changed."""
        try:
            contents = await asyncio.to_thread(self._contents)
            if contents == self._seen:
                return
            self._seen = contents
            self._take(contents[0])
        except (OSError, GrantsFileError) as error:
            self.reload_errors += 1
            log.error("a new grants file was refused, the old grants stay", problem=str(error))
        else:
            log.info("grants read again", file=str(self.path), version=self.version)

    def remembered(self, authorization: Sequence[bytes]) -> Principal | None:
        """Whom a request speaks for when that needs no work: a token of the file, or one verified before.

        `None`: ask `principal`, which says what is wrong too.
        """
        if len(authorization) != 1 or not authorization[0].startswith(b"Bearer "):
            return None
        digest = digest_of(authorization[0][7:])
        index = index_of(digest, self._digests)
        principal = self._jwts.remembered(digest) if index is None else self._holders[index]
        if principal is None or self._is_over(principal):
            return None
        return principal

    async def principal(self, authorization: Sequence[bytes]) -> Principal:
        """Whom a request with these `Authorization` headers speaks for. Raises `Refused`.

        Without a header it is the anonymous principal, if there is one; a bad token is never anonymous.
        """
        if not authorization:
            if self._grants.anonymous == _NOTHING:
                raise Refused("no token")
            return Principal(name="anonymous", grants=(self._grants.anonymous,), origin=("anonymous",))
        scheme, _, token = authorization[0].partition(b" ")
        token = token.strip()
        if len(authorization) > 1 or scheme.lower() != b"bearer" or not token:
            raise Refused("expected one header Authorization: Bearer TOKEN")
        digest = digest_of(token)
        if (index := index_of(digest, self._digests)) is not None:
            principal = self._holders[index]
        elif token.count(b".") == 2 and self._jwts.key_sets:
            principal = self._jwts.remembered(digest) or await self._jwts.principal(token, digest)
        else:
            raise Refused("a token we do not know")
        if self._is_over(principal):
            raise Refused("a token that has expired")
        return principal

    def still(self, principal: Principal, action: Action, flow_id: str) -> bool:
        """Whether somebody let in before may still do this, by the grants as they are now."""
        if self._is_over(principal):
            return False
        return any(grant.allows(action, flow_id) for grant in self._grants_now(principal.origin))

    def _is_over(self, principal: Principal) -> bool:
        return principal.expires_at_s is not None and principal.expires_at_s <= self._now_s()

    def _grants_now(self, origin: tuple[str, ...]) -> tuple[Grant, ...]:
        match origin:
            case ("token", digest):
                return tuple(entry.alone() for entry in self._tokens if entry.sha256 == digest)
            case ("jwt", name, subject):
                issuers = [issuer for issuer in self._grants.issuers if issuer.name == name]
                return tuple(grant for issuer in issuers for grant in issuer.grants_of(subject))
            case _:
                return (self._grants.anonymous,)

    def _contents(self) -> tuple[bytes, bytes]:
        """The file, and the file of further tokens that it named when it was last taken. Raises OSError."""
        tokens_file = self._grants.tokens_file
        return self.path.read_bytes(), Path(tokens_file).read_bytes() if tokens_file else b""

    def _take(self, content: bytes) -> None:
        grants = grants_in(_text(content, self.path), source=self.path)
        more = b""
        tokens = grants.tokens
        if grants.tokens_file is not None:
            source = Path(grants.tokens_file)
            more = source.read_bytes()
            tokens += tokens_in(_text(more, source), source=source)
        self._seen, self._grants, self._tokens = (content, more), grants, tokens
        self._digests = tuple(bytes.fromhex(entry.sha256) for entry in tokens)
        self._holders = tuple(entry.principal() for entry in tokens)
        # Key sets of issuers that did not change keep their keys: a reload must lock nobody out.
        known = {keys.issuer: keys for keys in self._jwts.key_sets}
        key_sets = [known.get(issuer) or KeySet(issuer, clock_s=self._clock_s) for issuer in grants.issuers]
        self._jwts = Jwts(key_sets, now_s=self._now_s)
        self.version += 1


def _text(content: bytes, source: Path) -> str:
    if len(content) > LARGEST_BYTES:
        raise GrantsFileError(f"{source}: more than {LARGEST_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise GrantsFileError(f"{source}: expected UTF-8: {error}") from error
