"""The images, built and started for real: with FLOW_IMAGE_TESTS=1, since it takes minutes and a network."""

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import httpx
import pytest

from .bill_of_materials import bill_of_materials
from .images import Images, missing, port_in, size_mb

WANTED = os.environ.get("FLOW_IMAGE_TESTS") == "1"

pytestmark = [
    pytest.mark.skipif(not WANTED, reason="builds images only when FLOW_IMAGE_TESTS=1"),
    pytest.mark.skipif(WANTED and missing() is not None, reason=f"building images {missing()}"),
    pytest.mark.timeout(600),
]

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: nowhere
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: nobody, user: {}}]
"""

ENVIRONMENTS = {
    "flow-server": {"FLOW_SERVER_LISTEN_ADDR": "127.0.0.1:0"},
    "flow-adapter-flux": {
        "FLOW_SERVER_URL": "http://127.0.0.1:9",
        "FLOW_ID": "image-test",
        "REGION_KEY": "fsn1",
        "HEALTH_LISTEN_ADDR": "127.0.0.1:0",
        "KUBECONFIG": "/tmp/kubeconfig",
    },
}
LIMIT_MB = {"flow-server": 150, "flow-adapter-flux": 120}
PACKAGES = list(ENVIRONMENTS)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    images = Images(tmp_path_factory.mktemp("images"))
    images.make_base()
    for package in PACKAGES:
        images.build(package)
    yield images
    images.close()


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    return process.stderr.readline()


@pytest.mark.parametrize("package", PACKAGES)
def test_an_image_says_what_it_is_and_runs_as_nobody_in_particular(images: Images, package: str) -> None:
    config = images.config(package)
    assert config["User"] == "1001:1001"
    assert config["Entrypoint"] == [package]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert {"version", "revision", "source", "title"} <= {name.rpartition(".")[2] for name in labels}


@pytest.mark.parametrize("package", PACKAGES)
def test_an_image_holds_the_released_program_and_little_else(images: Images, package: str) -> None:
    root = images.root(package)
    ours = {path.name for path in root.glob("app/lib/python3*/site-packages/flow_*") if "-" not in path.name}
    assert ours == {"flow_contract", package.replace("-", "_")}
    assert not list(root.glob("app/lib/python3*/site-packages/__editable__*"))
    assert not [
        path
        for path in root.glob("app/**/*")
        if path.lstat().st_mode & stat.S_IWOTH and not path.is_symlink()
    ]
    assert size_mb(root / "app") <= LIMIT_MB[package]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_bill_of_materials_is_what_is_in_the_image(images: Images, package: str) -> None:
    metadata = images.root(package).glob("app/lib/python3*/site-packages/*.dist-info/METADATA")
    installed = {f"{found['Name']}=={found['Version']}" for found in map(_metadata, metadata)}
    listed = {f"{component.name}=={component.version}" for component in bill_of_materials(package)}
    assert {_normal(name) for name in installed} <= {_normal(name) for name in listed}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_service_starts_on_a_read_only_root_as_any_user_is_healthy_and_stops(
    images: Images, package: str, tmp_path: Path
) -> None:
    tmp_path.joinpath("kubeconfig").write_text(KUBECONFIG)
    tmp_path.chmod(0o777)
    process = images.start(package, images.root(package), tmp=tmp_path, environment=ENVIRONMENTS[package])
    try:
        port = port_in(_first_line(process))
        assert _answer(port, "/healthz") == 200
        if package == "flow-server":
            page = httpx.get(f"http://127.0.0.1:{port}/", headers={"Accept": "text/html"})
            assert "<script" in page.text, "the image has no canvas"
        process.terminate()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()


def _metadata(path: Path) -> Message:
    return Parser().parsestr(path.read_text())


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _answer(port: int, path: str) -> int:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}").status_code
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
