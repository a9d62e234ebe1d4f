"""A real kube-apiserver with its etcd, for the conformance tests; `KUBEBUILDER_ASSETS` names their folder.

Both keep their state in a temporary folder and end with the context. The server makes its own certificate;
users come from a token file and get the same rights as in the simulated cluster.
"""

import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from flow_simulator.kubernetes.definitions import DEFINITIONS, definition_of
from flow_simulator.kubernetes.resources import RESOURCES

BINARIES = ("kube-apiserver", "etcd", "kubectl")
READY_WITHIN_S = 60.0
REAL_TOKENS = {"token": "reader-token", "admin_token": "admin-token", "nobody_token": "nobody-token"}
_USERS = 'admin-token,admin,1,"system:masters"\nreader-token,reader,2\nnobody-token,nobody,3\n'
_ROLE = "flow-reader"


def real_api_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder that `KUBEBUILDER_ASSETS` names, when all binaries are there."""
    named = environment.get("KUBEBUILDER_ASSETS", "")
    folder = Path(named)
    return folder if named and all((folder / binary).is_file() for binary in BINARIES) else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _process(command: Sequence[str], log: Path) -> Generator[None, None, None]:
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)  # noqa: S603  our own command line
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class RealApi:
    """One running server."""

    url: str

    @classmethod
    @contextmanager
    def running(cls, binaries: Path, folder: Path) -> Generator[Self, None, None]:
        """Start both, make the definitions and roles, end both. Raises TimeoutError when it is not ready."""
        client_port, peer_port, api_port = _free_port(), _free_port(), _free_port()
        client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
        key, public, tokens = folder / "sa.key", folder / "sa.pub", folder / "tokens.csv"
        openssl = ["openssl", "genrsa", "-out", str(key), "2048"]
        subprocess.run(openssl, check=True, capture_output=True)  # noqa: S603
        openssl = ["openssl", "rsa", "-in", str(key), "-pubout", "-out", str(public)]
        subprocess.run(openssl, check=True, capture_output=True)  # noqa: S603
        tokens.write_text(_USERS)
        etcd = [
            str(binaries / "etcd"),
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        ]
        server = [
            str(binaries / "kube-apiserver"),
            f"--etcd-servers={client}",
            f"--secure-port={api_port}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={folder / 'certificates'}",
            "--service-account-issuer=https://127.0.0.1",
            f"--service-account-key-file={public}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}",
            "--disable-admission-plugins=ServiceAccount",
            "--etcd-compaction-interval=0",
        ]
        with ExitStack() as stack:
            stack.enter_context(_process(etcd, folder / "etcd.log"))
            stack.enter_context(_process(server, folder / "kube-apiserver.log"))
            api = cls(f"https://127.0.0.1:{api_port}")
            api.wait_for("/readyz")
            api.prepare()
            yield api

    def ask(self, method: str, path: str, body: Any = None) -> int:
        """The status of one request as admin; 0: nobody there."""
        request = urllib.request.Request(  # noqa: S310  always our own https address
            self.url + path, method=method, data=None if body is None else msgspec.json.encode(body)
        )
        request.add_header("Authorization", "Bearer admin-token")
        request.add_header("Content-Type", "application/json")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as response:  # noqa: S310
                return response.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def wait_for(self, path: str) -> None:
        """Wait until a GET is answered 200."""
        deadline = time.monotonic() + READY_WITHIN_S
        while self.ask("GET", path) != 200:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.url}{path} was not answered 200 within {READY_WITHIN_S:g} s")
            time.sleep(0.1)

    def prepare(self) -> None:
        """Make the definitions and the reader's rights, and wait until the definitions are served."""
        for resource in RESOURCES:
            if resource.custom:
                self._create(f"/apis/{DEFINITIONS.api_version}/{DEFINITIONS.plural}", definition_of(resource))
                self.wait_for(f"/apis/{resource.api_version}/{resource.plural}")
        rbac = "rbac.authorization.k8s.io"
        read = ["get", "list", "watch"]
        rules = [
            {"apiGroups": ["helm.toolkit.fluxcd.io"], "resources": ["helmreleases"], "verbs": read},
            {"apiGroups": ["source.toolkit.fluxcd.io"], "resources": ["helmcharts"], "verbs": read},
            {
                "apiGroups": ["coordination.k8s.io"],
                "resources": ["leases"],
                "verbs": ["get", "create", "update"],
            },
        ]
        named = {"metadata": {"name": _ROLE}}
        self._create(f"/apis/{rbac}/v1/clusterroles", named | {"rules": rules})
        subjects = [{"kind": "User", "name": "reader", "apiGroup": rbac}]
        role = {"kind": "ClusterRole", "name": _ROLE, "apiGroup": rbac}
        binding = named | {"subjects": subjects, "roleRef": role}
        self._create(f"/apis/{rbac}/v1/clusterrolebindings", binding)

    def _create(self, path: str, body: Any) -> None:
        status = self.ask("POST", path, body)
        if status != 201:
            raise RuntimeError(f"POST {path} was answered {status}, expected 201")
