"""What a body must be before it is decoded: UTF-8, and not too deep. Source: the contract, "Values"."""

from itertools import accumulate

from flow_contract.error import ContractError

NESTING_LIMIT = 64
"""Deepest nesting of objects and arrays in a body. A value decoded near Python's own limit could not be
encoded again from a deeper stack: one accepted `meta` would break every later snapshot."""

_NOT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))
_STEPS = [{ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.get(byte, 0) for byte in range(256)]


def check_text(body: bytes, *, at: str) -> None:
    """Refuse bad UTF-8 anywhere: msgspec skips over the fields that it does not know."""
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        problem = f"expected JSON in UTF-8: {error.reason} (byte {error.start})"
        raise ContractError(path=at, problem=problem) from error


def check_nesting(body: bytes, *, at: str) -> None:
    """Refuse nesting deeper than `NESTING_LIMIT`, without recursion."""
    if body.count(b"[") + body.count(b"{") <= NESTING_LIMIT:
        return
    structure = _outside_strings(body)
    if (
        not _is_flat(structure)
        and max(accumulate(map(_STEPS.__getitem__, structure)), default=0) > NESTING_LIMIT
    ):
        raise ContractError(path=at, problem=f"expected nesting of at most {NESTING_LIMIT} levels")


def _outside_strings(body: bytes) -> bytes:
    """The brackets of a body that are not in strings."""
    if b"\\" in body:
        # Pairs of backslashes first: what is left before a quote then really escapes it.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotes in a row leave inside and outside as they were, also where they belong to two strings.
    structure = body.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    return b"".join(structure.split(b'"')[::2]) if b'"' in structure else structure


def _is_flat(structure: bytes) -> bool:
    """Whether the nesting is quickly seen to be within the limit; `False` says nothing.

    A round takes away at most one level of each kind of bracket, so that half as many rounds as levels are
    allowed never take too much. Real messages need three or four, at the speed of `memcpy`.
    """
    for _ in range(NESTING_LIMIT // 2):
        if not structure:
            return True
        flatter = structure.replace(b"[]", b"").replace(b"{}", b"")
        if len(flatter) == len(structure):
            return False
        structure = flatter
    return not structure
