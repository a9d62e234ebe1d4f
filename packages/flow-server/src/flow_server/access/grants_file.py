"""The grants file: YAML or JSON, read into closed structs.

A key that is absent is empty; a key that nobody knows is an error, since a misspelt grant must not be silent.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import yaml
from msgspec import Meta, Struct

from flow_server.core.grants import Grant, GrantsFileError, Principal, matches

Text = Annotated[str, Meta(min_length=1)]
Algorithm = Annotated[str, Meta(pattern=r"^(RS|ES|PS)(256|384|512)$|^EdDSA$")]
"""Only signatures that are checked with a public key: never `none`, never a shared secret."""


class TokenEntry(Grant, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An opaque token, for people and scripts: the file has only its SHA-256."""

    name: Text
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    not_after: date | None = None
    """The last day on which it is good, UTC."""

    def principal(self) -> Principal:
        """Who holds the token."""
        expires_at_s = None
        if self.not_after is not None:
            day = datetime.combine(self.not_after, time(), UTC)
            expires_at_s = (day + timedelta(days=1)).timestamp()
        return Principal(
            name=self.name,
            grants=(self.alone(),),
            expires_at_s=expires_at_s,
            origin=("token", self.sha256),
        )


class SubjectGrant(Grant, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a subject of an issuer may do; `subject` is a pattern."""

    subject: Text


class Issuer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cluster or another issuer of JWTs; its keys come from a file or a URL."""

    name: Text
    issuer: Text
    audience: Text
    algorithms: Annotated[tuple[Algorithm, ...], Meta(min_length=1)] = ("RS256", "ES256")
    jwks_file: Text | None = None
    jwks_url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")] | None = None
    jwks_ca_file: Text | None = None
    jwks_token_file: Text | None = None
    grants: tuple[SubjectGrant, ...] = ()

    def grants_of(self, subject: str) -> tuple[Grant, ...]:
        """What a subject may do."""
        return tuple(grant.alone() for grant in self.grants if matches((grant.subject,), subject))


class Grants(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    tokens: tuple[TokenEntry, ...] = ()
    tokens_file: Text | None = None
    """A file with further `tokens`: theirs may come from a Secret while the rest is no secret at all."""
    issuers: tuple[Issuer, ...] = ()
    anonymous: Grant = Grant()


class MoreTokens(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a grants file's `tokens_file` holds."""

    tokens: tuple[TokenEntry, ...]


Content = TypeVar("Content", Grants, MoreTokens)


def grants_in(text: str, *, source: Path) -> Grants:
    """The grants in a file's text. Raises `GrantsFileError`."""
    grants = _content(text, Grants, source=source)
    for index, issuer in enumerate(grants.issuers):
        if (issuer.jwks_file is None) == (issuer.jwks_url is None):
            raise GrantsFileError(
                f"{source}: Expected one of jwks_file and jwks_url - at `$.issuers[{index}]`"
            )
    return grants


def tokens_in(text: str, *, source: Path) -> tuple[TokenEntry, ...]:
    """The tokens in the text of a `tokens_file`. Raises `GrantsFileError`."""
    return _content(text, MoreTokens, source=source).tokens


def _content(text: str, kind: type[Content], *, source: Path) -> Content:
    try:
        content: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        problem = re.sub(r"\s+", " ", str(error))
        raise GrantsFileError(f"{source}: neither YAML nor JSON: {problem}") from error
    if not isinstance(content, dict):
        expected = " or ".join(", ".join(kind.__struct_fields__).rsplit(", ", 1))
        raise GrantsFileError(f"{source}: expected an object with {expected}")
    try:
        return msgspec.convert(content, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise GrantsFileError(f"{source}: {error}") from error
