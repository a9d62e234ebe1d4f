"""Bodies that the recording leaves out, made anew as the words in their place say. Pure."""

import json
import re
from typing import Any

from flow_simulator.kubernetes import HELM_RELEASES
from flow_simulator.kubernetes.definitions import definition_of
from flow_simulator.replay.recording import RecordedRequest

_LEFT_OUT = re.compile(r"\(.*\)", re.DOTALL)
_RELEASE: dict[str, Any] = {
    "apiVersion": HELM_RELEASES.api_version,
    "kind": HELM_RELEASES.kind,
    "metadata": {"name": "big", "namespace": "flux-system"},
    "spec": {"interval": "15m"},
}


def is_left_out(body: str) -> bool:
    """Whether the text stands for a body: `(the CRD, left out here)`."""
    return _LEFT_OUT.fullmatch(body) is not None


def request_body(request: RecordedRequest) -> bytes:
    """The request's body; what the recording left out is made anew as its words say."""
    body = request.body
    if isinstance(body, str) and is_left_out(body):
        if "CRD" in body:
            body = definition_of(HELM_RELEASES)
        elif "values.x" in body:
            body = _RELEASE | {"spec": {"interval": "15m", "values": {"x": "x" * 2_000_000}}}
        elif "bytes of JSON" in body:
            body = _RELEASE | {"spec": {"interval": "15m", "values": {"x": "x" * 4_000_000}}}
        elif "annotation" in body:
            metadata = _RELEASE["metadata"] | {"annotations": {"a": "x" * 300_000}}
            body = _RELEASE | {"metadata": metadata}
        else:
            body = _RELEASE
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
