"""Runs the pod of a rendered workload as a process of this machine, with what its manifest says.

Command, arguments and environment are the manifest's. Only what a node does differs, each time the same way:
a mount is a folder below the pod's own root, and names in the network are this machine's (`addresses`).
"""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .identities import Authority, ClusterIdentity
from .manifests import Manifest, one, workload

LISTENING = {"flow-server": "FLOW_SERVER_LISTEN_ADDR", "flow-adapter-flux": "HEALTH_LISTEN_ADDR"}
"""Where each program is told to listen; on this machine that is any free port."""


PATIENCE_S = 90.0
"""How long a machine that has other things to do may take for what takes seconds."""


class PodEnded(Exception):
    """The pod's process ended by itself; the text has its log."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """What a cluster gives its pods: identity, authority, a folder; and where names in manifests lead."""

    identity: ClusterIdentity
    authority: Authority
    folder: Path
    addresses: Mapping[str, str]


@dataclass
class RunningPod:
    """A pod's process. `port` is where it really listens, for its container port."""

    spec: Manifest
    process: asyncio.subprocess.Process
    log: Path
    port: int = 0

    @property
    def container(self) -> Manifest:
        """Its only container."""
        return self.spec["containers"][0]

    def url(self, path: str = "") -> str:
        """Where the process answers."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def listening(self) -> None:
        """Wait until it says where it listens. Raises `PodEnded`; the caller sets the time limit."""
        while not self.port:
            if self.process.returncode is not None:
                raise PodEnded(f"status {self.process.returncode}\n{self.log.read_text()}")
            for line in self.log.read_text().splitlines():
                said: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
                if said.get("event") == "listening":
                    self.port = said["port"]
                elif said.get("event") == "started":
                    self.port = said["health"][1]
            await asyncio.sleep(0.02)

    async def stopped(self) -> int:
        """Its exit status after SIGTERM, within the grace time that the manifest gives it."""
        self.process.terminate()
        async with asyncio.timeout(self.spec["terminationGracePeriodSeconds"]):
            return await self.process.wait()


@asynccontextmanager
async def running(
    manifests: list[Manifest], node: Node, extra: Mapping[str, str] | None = None
) -> AsyncGenerator[RunningPod]:
    """The workload's pod, running. `extra`: what a cluster would add to the environment."""
    owner = workload(manifests)
    name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
    spec = owner["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    root = node.folder / name
    mounts = lay_out(spec, manifests, node, root, namespace)
    fields = {"metadata.name": f"{name}-x2x4z", "metadata.namespace": namespace}
    environment = {
        variable["name"]: _here(variable["value"], mounts, node.addresses)
        if "value" in variable
        else fields[variable["valueFrom"]["fieldRef"]["fieldPath"]]
        for variable in container["env"]
    }
    program, *arguments = [*container["command"], *container.get("args", [])]
    environment[LISTENING[program]] = "127.0.0.1:0"
    log = node.folder / f"{name}.log"
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / program),
            *arguments,
            env={**environment, **(extra or {}), "PATH": os.environ["PATH"], "TMPDIR": str(root / "tmp")},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        yield RunningPod(spec=spec, process=process, log=log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def lay_out(
    spec: Manifest, manifests: list[Manifest], node: Node, root: Path, namespace: str
) -> dict[str, str]:
    """Lay out the container's mounts below `root`; where each mount path then is."""
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    paths = {
        mount["mountPath"]: str(root) + mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]
    }
    for mount in spec["containers"][0]["volumeMounts"]:
        folder = Path(paths[mount["mountPath"]])
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in _content(volumes[mount["name"]], manifests, node, spec, namespace).items():
            (folder / file).write_text(_here(text, paths, node.addresses))
    return paths


def _content(
    volume: Manifest, manifests: list[Manifest], node: Node, spec: Manifest, namespace: str
) -> dict[str, str]:
    """The files of a volume."""
    if config := volume.get("configMap"):
        return one(manifests, "ConfigMap", config["name"])["data"]
    files: dict[str, str] = {}
    for source in volume.get("projected", {}).get("sources", []):
        if token := source.get("serviceAccountToken"):
            files[token["path"]] = node.identity.token(
                namespace=namespace,
                account=spec["serviceAccountName"],
                audience=token.get("audience"),
                seconds=token["expirationSeconds"],
            )
        elif source["configMap"]["name"] == "kube-root-ca.crt":
            files |= {item["path"]: node.authority.pem for item in source["configMap"]["items"]}
    return files


def _here(text: str, paths: Mapping[str, str], addresses: Mapping[str, str]) -> str:
    """The text with the paths and addresses of this machine, each replaced once and whole."""
    ours = {**paths, **addresses}
    known = "|".join(re.escape(name) for name in sorted(ours, key=len, reverse=True))
    return re.sub(rf"(?:{known})(?![\w.-])", lambda match: ours[match[0]], text)


async def until(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds. Fails when it does not within `PATIENCE_S`."""
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < PATIENCE_S, f"still not: {what}"
        await asyncio.sleep(0.1)
