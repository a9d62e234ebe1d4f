"""Slots: the number, perhaps with letters, that orders the kit's files (`1`, `02a`, `16c`)."""

import re

_SLOT = re.compile(r"(?P<number>[0-9]+)(?P<letters>[a-z]*)", re.IGNORECASE)
_FILE = re.compile(rf"(?P<slot>{_SLOT.pattern})-", re.IGNORECASE)


def is_slot(text: str) -> bool:
    """Whether the text is a number, or a number and letters."""
    return _SLOT.fullmatch(text) is not None


def slot_key(slot: str) -> tuple[int, str]:
    """What slots are compared and sorted by, so `02a` is `2a`. Errors: `ValueError` for what is no slot."""
    match = _SLOT.fullmatch(slot)
    if match is None:
        raise ValueError(f"{slot!r} is no slot")
    return int(match["number"]), match["letters"].lower()


def padded(slot: str) -> str:
    """The slot with two digits at least: `1` -> `01`, `5a` -> `05a`. Errors: as `slot_key`."""
    number, letters = slot_key(slot)
    return f"{number:02d}{letters}"


def slot_of_file(name: str) -> str | None:
    """The slot that a kit file's name starts with (`56-bp-x.yaml` -> `56`); `None` when it has none."""
    match = _FILE.match(name)
    return match["slot"] if match else None
