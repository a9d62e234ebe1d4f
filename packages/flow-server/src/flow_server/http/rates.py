"""How fast each principal posts: a bucket of messages and one of bytes."""

import math
import time
from collections import OrderedDict

from flow_server.core.bucket import Bucket
from flow_server.core.grants import Identity, Principal
from flow_server.http.errors import HttpError

PRINCIPALS = 10_000
"""How many principals' buckets are remembered; those not heard for longest are forgotten, with full ones."""


class Rates:
    """What each principal may post in a second. Strangers post nothing, and need no bucket."""

    def __init__(self, *, messages_per_s: int, bytes_per_s: int) -> None:
        """Allow so much; 0 is any number."""
        self._messages = _Buckets(messages_per_s, what="messages", setting="RATE")
        self._bytes = _Buckets(bytes_per_s, what="bytes", setting="RATE_BYTES")

    def take_bytes(self, identity: Identity, count: int) -> None:
        """Let an unpacked body pass before it is decoded, or raise `HttpError` (429)."""
        self._bytes.take(identity, count)

    def take_messages(self, identity: Identity, count: int) -> None:
        """Let a batch pass, or raise `HttpError` (429) that says when to come back."""
        self._messages.take(identity, count)


class _Buckets:
    def __init__(self, per_s: int, *, what: str, setting: str) -> None:
        self._per_s = per_s
        self._what = what
        self._setting = setting
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, identity: Identity, count: int) -> None:
        if not self._per_s:
            return
        now_s = time.monotonic()
        name = identity.name if isinstance(identity, Principal) else ""
        bucket = self._buckets.pop(name, None) or Bucket(per_s=self._per_s, now_s=now_s)
        self._buckets[name] = bucket
        if len(self._buckets) > PRINCIPALS:
            self._buckets.popitem(last=False)
        if wait_s := bucket.take(count, now_s=now_s):
            raise HttpError(
                429,
                f"more than {self._per_s} {self._what} a second (FLOW_SERVER_{self._setting})",
                reason=self._setting,
                retry_after_s=max(1, math.ceil(wait_s)),
            )
