"""JSON Schema (draft 2020-12) of a message, generated from the structs.

`python -m flow_contract.json_schema` prints what is committed as `schema/flow-message.schema.json`. It says
less than `codec`: not nesting, not the flow of the URL, not that a `type` may stand there only once.
"""

import json
import sys
from typing import Any

import msgspec

from flow_contract.messages import FlowMessage


def json_schema() -> dict[str, Any]:
    """The schema of one message as an emitter may send it; the caller may change what it gets."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:openova-flow:flow-message:1",
        "title": "FlowMessage",
        "description": "A message of openova-flow, schema version 1: one of six, told apart by `type`.",
        **msgspec.json.schema(FlowMessage),
    }


def rendered() -> str:
    """The schema as the committed file has it."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rendered())
