"""Whether an object is one that the API server would take: Kubernetes' own schemas, and ours for CRDs."""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import yaml

from .manifests import Manifest

KUBERNETES = ("1.30", "1.37")
"""The oldest version that the charts allow, and the newest that there are schemas of."""

_CRDS = Path(__file__).parent / "crds"


def check(manifest: Manifest) -> None:
    """Nothing when the object is valid. Raises `jsonschema.ValidationError`, also for an unknown kind."""
    api_version, kind = manifest["apiVersion"], manifest["kind"]
    own = _CRDS / f"{api_version.replace('/', '_')}_{kind}.yaml"
    if own.exists():
        _validator(own).validate(manifest)
        return
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError as missing:
            raise jsonschema.ValidationError(f"no schema for {api_version} {kind}") from missing


@cache
def _validator(file: Path) -> Any:
    schema = yaml.safe_load(file.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)
