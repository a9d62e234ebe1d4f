"""LIST, GET and the start of a watch: options, versions, pages. Pure."""

import bisect

from flow_simulator.kubernetes.answers import Answer, Watch, json_answer
from flow_simulator.kubernetes.encoding import encoded
from flow_simulator.kubernetes.paging import (
    INCONSISTENT,
    Continue,
    continue_token,
    inconsistent,
    read_continue,
)
from flow_simulator.kubernetes.problems import (
    ExpiredContinue,
    Problem,
    bad_request,
    invalid_list_options,
    not_found,
    too_large_version,
    too_old_for_list,
    too_old_for_watch,
)
from flow_simulator.kubernetes.requests import Request, Target
from flow_simulator.kubernetes.resources import Resource
from flow_simulator.kubernetes.selectors import Matches, field_selector, label_selector
from flow_simulator.kubernetes.store import Key, Store, Stored, TooOld

_NOT_OLDER = "NotOlderThan"
_EXACT = "Exact"


def _selectors(request: Request) -> list[Matches]:
    query = request.query
    return [*label_selector(query.get("labelSelector", "")), *field_selector(query.get("fieldSelector", ""))]


def _parsed_version(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}"'
                         ": invalid syntax")  # fmt: skip
    return int(text)


def _version_to_read(request: Request, store: Store) -> int:
    """The version that a LIST or GET names, 0 for none. Raises `Problem` 400, or 504 when it is ahead."""
    try:
        version = _parsed_version(request.query.get("resourceVersion") or "0")
    except ValueError as error:
        raise bad_request(f"invalid resource version: {error}") from error
    if version > store.version:
        raise too_large_version(version, store.version)
    return version


def get(store: Store, resource: Resource, target: Target, request: Request) -> Answer:
    """One object. Raises `Problem`."""
    _version_to_read(request, store)
    stored = store.get(resource, Key(target.namespace, target.name))
    if stored is None:
        raise not_found(resource, target.name)
    return Answer(status=200, body=stored.raw)


def list_objects(store: Store, resource: Resource, target: Target, request: Request) -> Answer:
    """One page of a list; without `limit` the page is all of it. Raises `Problem`."""
    limit = request.whole_number("limit")
    token = request.query.get("continue", "")
    position = _position(request, token) if token else None
    matches = _selectors(request)
    at = _list_version(store, request, limit, position)
    try:
        objects = store.listing(resource, namespace=target.namespace, at=at)
    except TooOld as error:
        if position is None:
            raise too_old_for_list() from error
        raise ExpiredContinue(inconsistent(token)) from error
    selected = [stored for stored in objects if all(match(stored.object) for match in matches)]
    if position is not None:
        after = position.after._replace(namespace=target.namespace or position.after.namespace)
        selected = selected[bisect.bisect_right(selected, after, key=lambda stored: stored.key) :]
    if request.query.get("resourceVersion") == "0":
        # As recorded: a read from the cache at any version takes no limit.
        limit = 0
    return _page(resource, target, selected, version=at or store.version, limit=limit, counted=not matches)


def _position(request: Request, token: str) -> Continue:
    if request.query.get("resourceVersion"):
        raise bad_request("specifying resource version is not allowed when using continue")
    return read_continue(token)


def _list_version(store: Store, request: Request, limit: int, position: Continue | None) -> int | None:
    """The version to list at exactly; `None`: now."""
    if position is not None:
        return None if position.version == INCONSISTENT else position.version
    version = _version_to_read(request, store)
    match = request.query.get("resourceVersionMatch", _EXACT if limit and version else _NOT_OLDER)
    return version if match == _EXACT and version else None


def _page(
    resource: Resource, target: Target, selected: list[Stored], *, version: int, limit: int, counted: bool
) -> Answer:
    metadata: dict[str, object] = {"continue": "", "resourceVersion": str(version)}
    page = selected
    if 0 < limit < len(selected):
        page = selected[:limit]
        last = page[-1].key
        after = last._replace(namespace="") if target.namespace else last
        metadata["continue"] = continue_token(Continue(version, after))
        if counted:
            metadata["remainingItemCount"] = len(selected) - limit
    return Answer(
        status=200,
        body=b'{"apiVersion":%b,"items":[%b],"kind":%b,"metadata":%b}'
        % (
            encoded(resource.api_version),
            b",".join(stored.raw for stored in page),
            encoded(f"{resource.kind}List"),
            encoded(metadata),
        ),
    )


def _check_watch_options(request: Request) -> bool:
    """Whether the watch wants the initial objects marked. Raises `Problem` 422."""
    match = request.query.get("resourceVersionMatch", "")
    if "sendInitialEvents" in request.query:
        problems: list[tuple[str, str]] = []
        if match != _NOT_OLDER:
            sentence = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            problems.append(("FieldValueForbidden", sentence))
            if match:
                sentence = f'Unsupported value: "{match}": supported values: "NotOlderThan"'
                problems.append(("FieldValueNotSupported", sentence))
            raise invalid_list_options(problems)
        return request.flag("sendInitialEvents")
    if match:
        sentence = (
            "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        )
        raise invalid_list_options([("FieldValueForbidden", sentence)])
    return False


def watch(
    store: Store, resource: Resource, target: Target, request: Request, *, default_timeout_s: float,
    expired_as_status: bool,
) -> Watch:  # fmt: skip
    """The watch that a request asks for. Raises `Problem`.

    A version older than the history is an ERROR line in a stream of status 200, as real servers do, or with
    `expired_as_status` a status 410, as they may.
    """
    marked = _check_watch_options(request)
    timeout_s = request.whole_number("timeoutSeconds") or default_timeout_s
    bookmarks = request.flag("allowWatchBookmarks")
    try:
        version = _parsed_version(request.query.get("resourceVersion") or "0")
    except ValueError as error:
        raise Problem(500, "", str(error)) from error
    oldest = store.oldest(resource)
    first: Problem | None = None
    after_s = 0.0
    if marked and version > store.version:
        first, after_s = too_large_version(version, store.version), 3.0
    elif not marked and 0 < version < oldest:
        first = too_old_for_watch(version, oldest)
        if expired_as_status:
            raise first
    return Watch(
        resource=resource,
        namespace=target.namespace,
        matches=_selectors(request),
        start=None if marked or not version else version,
        bookmarks=bookmarks,
        mark_initial_end=marked and bookmarks,
        timeout_s=float(timeout_s),
        first_line=error_line(first) if first else None,
        after_s=after_s,
    )


def error_line(problem: Problem) -> bytes:
    """A watch's line that ends it with a Status object."""
    return encoded({"type": "ERROR", "object": problem.status()}) + b"\n"


def as_json(status: int, stored: Stored) -> Answer:
    """An answer with one object."""
    return Answer(status=status, body=stored.raw)


__all__ = ["as_json", "error_line", "get", "json_answer", "list_objects", "watch"]
