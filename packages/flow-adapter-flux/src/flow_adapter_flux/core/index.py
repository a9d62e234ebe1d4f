"""One key, many members: a small index that forgets a key with its last member."""

from collections.abc import Hashable, Set
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
M = TypeVar("M", bound=Hashable)


class Index(Generic[K, M]):
    """Members by key. Its size is that of what is in it: nothing is kept of what left."""

    def __init__(self) -> None:
        """Begin empty."""
        self._members: dict[K, set[M]] = {}

    def of(self, key: K) -> Set[M]:
        """The members under a key, maybe none; not to be changed."""
        members = self._members.get(key)
        return frozenset[M]() if members is None else members

    def add(self, key: K, member: M) -> None:
        """Put a member under a key; nothing changes when it is there."""
        self._members.setdefault(key, set()).add(member)

    def discard(self, key: K, member: M) -> None:
        """Take a member away from under a key; nothing changes when it is not there."""
        members = self._members.get(key)
        if members is None:
            return
        members.discard(member)
        if not members:
            del self._members[key]
