"""Images built and started with buildah: no engine, no registry, a base made of Debian's packages.

Needs root, buildah and debootstrap. A container here is the image's root, read-only but for /tmp, with a
process in it that has the machine's network and some user's id: what a strict cluster gives it.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = "localhost/flow-image-base"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

ANYBODY = 23456
"""A user id that no image knows, as OpenShift picks one."""


class Images:
    """Buildah with a storage of its own below `folder`, which `close` unmounts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buildah = [
            *("buildah", "--storage-driver", "vfs"),
            *("--root", str(folder / "storage"), "--runroot", str(folder / "run")),
        ]

    def make_base(self) -> None:
        """A Debian with Python and pip under the name `BASE`; trusts whom this machine trusts."""
        root = self._folder / "debian"
        packages = "--include=python3,python3-pip,ca-certificates"
        _run(
            "debootstrap", "--variant=minbase", packages, "trixie", str(root), "http://deb.debian.org/debian"
        )
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()  # the official image's pip installs, Debian's would refuse
        shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        container = self._say("from", "scratch")
        self._say("copy", "--quiet", container, str(root), "/")
        for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
            self._say("config", "--env", f"{name}={CERTIFICATES}", container)
        self._say("commit", "--quiet", "--rm", container, BASE)
        shutil.rmtree(root)

    def build(self, package: str) -> None:
        """The package's Dockerfile on `BASE`, under the package's name."""
        dockerfile = str(REPOSITORY / "packages" / package / "Dockerfile")
        arguments = [
            "--isolation",
            "chroot",
            "--pull=never",
            "--build-arg",
            f"BASE={BASE}",
            "--file",
            dockerfile,
        ]
        self._say("bud", "--quiet", *arguments, "--tag", f"localhost/{package}", str(REPOSITORY))

    def config(self, package: str) -> dict[str, Any]:
        """The image's configuration: `User`, `Env`, `Entrypoint`, `Labels`, `ExposedPorts`."""
        return json.loads(self._say("inspect", "--type", "image", f"localhost/{package}"))["OCIv1"]["config"]

    def root(self, package: str) -> Path:
        """A new container's root folder, mounted."""
        return Path(self._say("mount", self._say("from", "--pull-never", f"localhost/{package}")))

    def start(
        self, package: str, root: Path, *, tmp: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        """The image's entry point, alone in its root as `ANYBODY`; `tmp` is its /tmp, stderr its log."""
        config = self.config(package)
        inside = [*config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        program: Sequence[str] = config["Entrypoint"]
        at = shlex.quote(str(root))
        mounts = [
            f"mount --bind {at} {at}",
            f"mount --bind {shlex.quote(str(tmp))} {at}/tmp",
            f"mount -t proc proc {at}/proc",
            f"mount --rbind /dev {at}/dev",
            f"mount -o remount,ro,bind {at}",
        ]
        enter = ["chroot", f"--userspec={ANYBODY}:0", str(root), "/usr/bin/env", "-i", *inside, *program]
        script = " && ".join([*mounts, f"exec {shlex.join(enter)}"])
        # Each program becomes the next one, so that the process started here is the service itself.
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """Removes the containers and with them their mounts."""
        self._say("rm", "--all")

    def _say(self, *arguments: str) -> str:
        return _run(*self._buildah, *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout.strip()


def size_mb(folder: Path) -> float:
    """What the files hold, in millions of bytes, symbolic links as such."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def port_in(line: str) -> int:
    """The port that a service names in a line of its log."""
    match = re.search(r'"port": (\d+)|"health": \["[^"]*", (\d+)', line)
    assert match, f"no port in {line!r}"
    return int(match[1] or match[2])


def missing() -> str | None:
    """What keeps this machine from building images; `None` when nothing does."""
    absent = [
        program for program in ("buildah", "debootstrap", "unshare", "chroot") if not shutil.which(program)
    ]
    if absent:
        return f"needs {' and '.join(absent)}"
    return None if os.geteuid() == 0 else "needs root"
