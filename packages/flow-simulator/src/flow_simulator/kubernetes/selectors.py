"""Label and field selectors, as far as custom resources have them. Pure."""

import re
from collections.abc import Callable

from flow_simulator.kubernetes.problems import bad_request
from flow_simulator.kubernetes.resources import JsonObject

Matches = Callable[[JsonObject], bool]
"""Whether an object is selected."""

_NAME = r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?"
_IN_SET = re.compile(rf"(?P<key>{_NAME})\s+(?P<word>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(rf"(?P<key>{_NAME})\s*(?P<word>==|=|!=)\s*(?P<value>({_NAME})?)")
_EXISTS = re.compile(rf"(?P<absent>!?)\s*(?P<key>{_NAME})")
_BETWEEN_TERMS = re.compile(r",(?![^(]*\))")
_SELECTABLE_FIELDS = ("metadata.name", "metadata.namespace")


def _labels(body: JsonObject) -> dict[str, str]:
    return body["metadata"].get("labels") or {}


def _label_term(term: str) -> Matches:
    if parts := _IN_SET.fullmatch(term):
        key, wanted = parts["key"], {value.strip() for value in parts["values"].split(",")}
        if parts["word"] == "in":
            return lambda body: _labels(body).get(key) in wanted
        return lambda body: _labels(body).get(key) not in wanted
    if parts := _EQUAL.fullmatch(term):
        key, value = parts["key"], parts["value"]
        if parts["word"] == "!=":
            return lambda body: _labels(body).get(key) != value
        return lambda body: _labels(body).get(key) == value
    if parts := _EXISTS.fullmatch(term):
        key, absent = parts["key"], bool(parts["absent"])
        return lambda body: (key in _labels(body)) is not absent
    raise bad_request(f"found '{term}', expected: !, identifier, or 'end of string'")


def label_selector(text: str) -> list[Matches]:
    """The terms of `a=b,c!=d,e in (f,g),h,!i`, all of which must match. Raises `Problem` 400."""
    return [_label_term(term.strip()) for term in _BETWEEN_TERMS.split(text)] if text.strip() else []


def field_selector(text: str) -> list[Matches]:
    """The terms of `metadata.name=a`; other fields are refused as a real server does. Raises `Problem`."""
    terms: list[Matches] = []
    for term in text.split(",") if text else []:
        path, different, value = re.split(r"(!=|==?)", term, maxsplit=1) if "=" in term else (term, "", "")
        if not different:
            raise bad_request(f"invalid field selector: {term}")
        if path not in _SELECTABLE_FIELDS:
            raise bad_request(f"field label not supported: {path}")
        name = path.removeprefix("metadata.")
        wanted = different != "!="
        terms.append(lambda body, n=name, v=value, w=wanted: (body["metadata"].get(n) == v) is w)
    return terms
