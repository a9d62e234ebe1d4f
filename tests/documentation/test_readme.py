"""The root README: its tables are those of the packages, its endpoints exist, its links lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest
from litestar import Litestar

from flow_server.http import app as server_app
from flow_server.hub import Hub
from flow_server.store.memory import MemoryStore

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETTING = re.compile(r"^\| `([A-Z][A-Z0-9_]+)`.*\|$", re.MULTILINE)


def settings_rows(text: str) -> list[str]:
    """The rows of all tables of settings."""
    return [row[0] for row in SETTING.finditer(text)]


def test_the_settings_are_those_of_the_packages() -> None:
    packages = [ROOT / "packages" / name / "README.md" for name in ("flow-server", "flow-adapter-flux")]
    assert settings_rows(README) == [row for path in packages for row in settings_rows(path.read_text())]


def test_the_endpoints_are_those_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Litestar] = []

    class Recorded(Litestar):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            made.append(self)

    monkeypatch.setattr(server_app, "Litestar", Recorded)
    server_app.create_app(Hub(MemoryStore(now_us=lambda: 0)))
    existing = {
        (str(method), re.sub(r"\{\w+:str\}", "{flowId}", route.path))
        for app in made
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS" and not route.path.startswith(("/assets", "/schema"))
    }
    existing.add(("GET", "/schema/openapi.json"))
    for text in (README, (ROOT / "packages" / "flow-server" / "README.md").read_text()):
        documented = set(re.findall(r"`(GET|POST|DELETE) (/\S*)`", text))
        assert existing <= documented
        assert {entry for entry in documented if "…" not in entry[1]} <= existing


def test_the_two_commands_come_first_each_one_line() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert blocks[0] == "pip install -q uv && uv sync -q && uv run flow-demo\n"
    assert blocks[1] == "pip install -q uv && uv sync -q --all-groups && uv run pytest\n"
    assert blocks[1].strip() in (ROOT / ".ci" / "run").read_text()


def _markdown() -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


@pytest.mark.parametrize("path", _markdown(), ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (path.parent / link).exists()] == []
