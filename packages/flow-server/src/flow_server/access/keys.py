"""Key sets of issuers: from a file or a URL, fetched again when they are not fresh or a key is not known."""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx
import jwt
import msgspec
import structlog

from flow_server.access.grants_file import Issuer

FRESH_S = 300.0
"""After how long a key set is fetched again, in seconds."""

AGAIN_S = 30.0
"""How soon a key set may be fetched again because of an unknown key, in seconds."""

FIRST_S = 5.0
"""How soon it is asked for again while there are no keys, in seconds: nobody of that issuer gets in then."""

FETCH_S = 10.0
"""How long one fetch may take, from the first step to the last byte, in seconds."""

LARGEST_BYTES = 2**20
"""Largest key set."""

log = structlog.get_logger(__name__)


class KeySet:
    """The public keys of one issuer, by key id."""

    def __init__(self, issuer: Issuer, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        """No keys yet; `refresh` gets them."""
        self.issuer = issuer
        self._clock_s = clock_s
        self._keys: dict[str | None, Any] = {}
        self._tried_at_s = float("-inf")
        self._refreshing = asyncio.Lock()

    def key(self, key_id: str | None) -> Any:
        """The key with this id, or without an id the only key there is; `None` when there is none."""
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    async def refresh(self, *, at_most_every_s: float = AGAIN_S) -> None:
        """Get the keys again, unless that was tried a moment ago. What cannot be had leaves the old ones."""
        async with self._refreshing:
            if self._clock_s() - self._tried_at_s < (at_most_every_s if self._keys else FIRST_S):
                return
            self._tried_at_s = self._clock_s()
            try:
                async with asyncio.timeout(FETCH_S):
                    content = await self._content()
                self._keys = keys_in(content, algorithms=self.issuer.algorithms)
            except (OSError, ValueError, httpx.HTTPError, jwt.PyJWTError) as error:
                problem = str(error) or repr(error)
                log.warning("no keys of an issuer", issuer=self.issuer.name, problem=problem)

    async def _content(self) -> Any:
        issuer = self.issuer
        if issuer.jwks_file is not None:
            return _decoded(await asyncio.to_thread(Path(issuer.jwks_file).read_bytes))
        assert issuer.jwks_url is not None  # noqa: S101
        verify: bool | ssl.SSLContext = True
        if issuer.jwks_ca_file is not None:
            verify = await asyncio.to_thread(ssl.create_default_context, cafile=issuer.jwks_ca_file)
        headers = {"Accept-Encoding": "identity"}
        if issuer.jwks_token_file is not None:
            token = await asyncio.to_thread(Path(issuer.jwks_token_file).read_text)
            headers["Authorization"] = f"Bearer {token.strip()}"
        # No redirect is followed: the keys, and our token, are for this address alone.
        async with (
            httpx.AsyncClient(verify=verify, timeout=FETCH_S, follow_redirects=False) as client,
            client.stream("GET", issuer.jwks_url, headers=headers) as answer,
        ):
            answer.raise_for_status()
            return _decoded(await _bounded(answer))


def keys_in(content: Any, *, algorithms: tuple[str, ...]) -> dict[str | None, Any]:
    """The usable keys of a key set, by id. Raises ValueError or `jwt.PyJWTError` when there is none.

    A key whose algorithm the issuer's entry does not name is dropped: a shared secret in a key set must not
    become a way to sign.
    """
    if not isinstance(content, dict):
        raise ValueError("a key set is a JSON object with keys")
    keys = jwt.PyJWKSet.from_dict(cast("dict[str, Any]", content)).keys
    usable: dict[str | None, Any] = {key.key_id: key.key for key in keys if key.algorithm_name in algorithms}
    if not usable:
        raise ValueError(f"no key for {', '.join(algorithms)} among {len(keys)}")
    return usable


async def _bounded(answer: httpx.Response) -> bytes:
    """The body as it comes; read no further than the bound. Raises ValueError, `httpx.HTTPError`."""
    content = b""
    async for part in answer.aiter_raw():
        content += part
        if len(content) > LARGEST_BYTES:
            break
    return content


def _decoded(content: bytes) -> Any:
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"a key set of more than {LARGEST_BYTES} bytes")
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"not JSON: {error}") from error
