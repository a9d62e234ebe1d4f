"""Times of a Lease: exactly six digits of a second, or the server's own words for what is wrong. Pure."""

import re

from flow_simulator.kubernetes.problems import bad_request
from flow_simulator.kubernetes.resources import JsonObject

_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_FRACTION = re.compile(r"\.\d{6}(?!\d)")
_ZONE = re.compile(r"(?P<utc>Z|[+-]00:00)|[+-]\d{2}:\d{2}")
TIMES = ("acquireTime", "renewTime")


def _micro_time(text: str) -> str:
    date = _DATE.match(text)
    fraction = _FRACTION.match(text, date.end()) if date else None
    zone = _ZONE.fullmatch(text, fraction.end()) if fraction else None
    if date is None:
        rest, wanted = text, "2006"
    elif fraction is None:
        rest, wanted = text[date.end() :], ".000000"
    elif zone is None:
        rest, wanted = text[fraction.end() :], "Z07:00"
    else:
        return text[: zone.start()] + "Z" if zone["utc"] else text
    raise bad_request(
        'Lease in version "v1" cannot be handled as a Lease: '
        f'parsing time "{text}" as "{_LAYOUT}": cannot parse "{rest}" as "{wanted}"'
    )


def normalise_lease_times(body: JsonObject) -> None:
    """Bring `acquireTime` and `renewTime` into the server's form, in place. Raises `Problem` 400."""
    spec: JsonObject = body.get("spec") or {}
    for field in TIMES:
        if spec.get(field) is not None:
            spec[field] = _micro_time(str(spec[field]))
