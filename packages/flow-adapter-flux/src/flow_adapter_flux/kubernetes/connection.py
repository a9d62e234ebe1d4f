"""One connection to an API server: GETs, whole or as they come, and lightkube's client for the rest."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from lightkube import AsyncClient, KubeConfig, SingleConfig

from flow_adapter_flux.kubernetes.failures import (
    FOREIGN_ERRORS,
    ApiFailure,
    failure_of_error,
    failure_of_status,
)

ANSWER_LIMIT_S = 30.0
"""Longest wait for an answer to begin, in seconds."""

_ERROR_BODY_BYTES = 64 * 1024

ClusterConfig = SingleConfig
"""How one cluster is reached; whoever holds it passes it on and does not look into it."""


class ConfigurationError(Exception):
    """There is no usable configuration: neither in-cluster, nor KUBECONFIG, nor ~/.kube/config."""


class Connection:
    """An API server as its configuration names it. Failures of requests are `ApiFailure`s.

    When one says that credentials or trust may be stale, the configuration is read anew before the next
    request. Each user has a connection of its own, since that closes what still runs over the old one.
    """

    def __init__(self, config: SingleConfig) -> None:
        """Make a client; opens no connection yet. Raises `ConfigurationError`."""
        self._client = _client_of(config)
        self._stale = False

    @property
    def client(self) -> AsyncClient:
        """lightkube's own client, for Leases."""
        return self._client

    async def close(self) -> None:
        """Close what is open."""
        await self._client.close()

    async def get(self, path: str, params: Mapping[str, str], *, limit_s: float) -> bytes:
        """The body of a 200 answer, whole within `limit_s` seconds. Raises `ApiFailure`."""
        try:
            async with asyncio.timeout(limit_s), self.stream(path, params) as chunks:
                return b"".join([chunk async for chunk in chunks])
        except TimeoutError as error:
            raise failure_of_error(error) from error

    @asynccontextmanager
    async def stream(self, path: str, params: Mapping[str, str]) -> AsyncGenerator[AsyncIterator[bytes]]:
        """The chunks of a 200 answer as they come, for as long as they come. Raises `ApiFailure`."""
        try:
            try:
                response = await self._ask(path, params)
            except ApiFailure as failure:
                if not failure.stale_credentials:
                    raise
                response = await self._ask(path, params)  # with a token that was rotated meanwhile, maybe
            try:
                yield response.aiter_bytes()
            finally:
                await response.aclose()
        except FOREIGN_ERRORS as error:
            failure = failure_of_error(error)
            self.note(failure)
            raise failure from error

    async def _ask(self, path: str, params: Mapping[str, str]) -> httpx2.Response:
        """Send a GET; a 200 answer of which nothing was read yet, to be closed by the caller.

        lightkube's public watch has neither bookmarks nor a limit to silence, hence its inner client: this
        is the one place that reaches for it.
        """
        await self.renew_if_stale()
        inner: httpx2.AsyncClient = self._client._client._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        patient = httpx2.Timeout(ANSWER_LIMIT_S, read=None)
        request = inner.build_request("GET", path, params=dict(params), timeout=patient)
        async with asyncio.timeout(ANSWER_LIMIT_S):
            response = await inner.send(request, stream=True)
            if response.status_code == 200:
                return response
            try:
                failure = await _failure_of(response)
            finally:
                await response.aclose()
        self.note(failure)
        raise failure

    def note(self, failure: ApiFailure) -> None:
        """Remember whether a failure was one of credentials or trust."""
        self._stale = self._stale or failure.stale_credentials

    async def renew_if_stale(self) -> None:
        """Read the configuration anew if credentials or trust may be stale."""
        if not self._stale:
            return
        self._stale = False
        try:
            renewed = _client_of(configuration())
        except ConfigurationError:
            return  # half written, maybe: the old one is as good
        old, self._client = self._client, renewed
        await old.close()


async def _failure_of(response: httpx2.Response) -> ApiFailure:
    """The failure that an answer other than 200 is, with what it says."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _ERROR_BODY_BYTES:
            break
    return failure_of_status(
        response.status_code, bytes(body), retry_after=response.headers.get("Retry-After")
    )


def configuration() -> SingleConfig:
    """In-cluster, else the file that KUBECONFIG names, else ~/.kube/config. Raises `ConfigurationError`."""
    try:
        config = KubeConfig.from_env().get()
    except Exception as error:  # what YAML, msgspec and lightkube make of a broken file has no common class
        raise ConfigurationError(f"{type(error).__name__}: {error}") from error
    if config is None or config.user is None:
        raise ConfigurationError("the current context names no user")
    return config


def _client_of(config: SingleConfig) -> AsyncClient:
    try:
        return AsyncClient(config)
    except Exception as error:  # certificates, keys, addresses: each library has its own class
        raise ConfigurationError(f"{type(error).__name__}: {error}") from error


def cluster_id(config: SingleConfig) -> str:
    """A stable id of the cluster, 32 hex digits: of its CA certificate, or without one of its address.

    Every cluster has its own CA, and reading it needs neither a request nor a right.
    """
    cluster = config.cluster
    if cluster.certificate_auth_data:
        authority = base64.b64decode(cluster.certificate_auth_data)
    elif cluster.certificate_auth:
        authority = Path(config.abs_file(cluster.certificate_auth)).read_bytes()
    else:
        authority = cluster.server.encode()
    return hashlib.sha256(authority.strip()).hexdigest()[:32]
