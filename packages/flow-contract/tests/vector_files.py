"""The vectors, as other languages read them too: files of JSON arrays."""

import base64
import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors"
Case = dict[str, Any]


def cases(folder: str, *, beginning: str = "") -> list[Case]:
    """All cases of `vectors/<folder>/<beginning>*.json`."""
    files = sorted((VECTORS / folder).glob(f"{beginning}*.json"))
    return [case for file in files for case in json.loads(file.read_text("ascii"))]


def body_of(case: Case) -> bytes:
    """The bytes of a wire case's body."""
    return base64.b64decode(case["base64"]) if "base64" in case else case["body"].encode()


def name_of(case: Case) -> str:
    """What the case is called in the test's id."""
    return case["name"]
