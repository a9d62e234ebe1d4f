"""How large the page may be, and what it may not contain."""

import gzip
import re
from pathlib import Path

import pytest

BUILT = Path(__file__).parents[2] / "packages" / "flow-server" / "src" / "flow_server" / "canvas"
KB = 1000


def packed(ending: str) -> int:
    """Bytes of all files with this ending, each packed as the server sends it."""
    files = [*BUILT.rglob(f"*.{ending}")]
    assert files, f"the page is not built: no *.{ending} in {BUILT}"
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


@pytest.mark.parametrize(("ending", "most"), [("js", 60 * KB), ("css", 12 * KB)])
def test_scripts_and_styles_stay_within_their_budget(ending: str, most: int) -> None:
    assert packed(ending) <= most


def test_nothing_but_scripts_styles_the_page_and_licences_is_shipped() -> None:
    endings = {file.suffix for file in BUILT.rglob("*") if file.is_file()}
    assert endings <= {".html", ".js", ".css", ".md", ""}


def test_the_page_holds_no_inline_code_and_no_foreign_address() -> None:
    html = (BUILT / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)
    assert re.findall(r'(?:src|href)="([^"]*)"', html)
    for address in re.findall(r'(?:src|href)="([^"]*)"', html):
        # An icon of nothing until there is one: else browsers ask for one, beside any prefix.
        assert address.startswith("./assets/") or address == "data:,"
    for file in (*BUILT.rglob("*.js"), *BUILT.rglob("*.css")):
        # Namespaces are names, not addresses that anybody asks.
        foreign = set(re.findall(r"https?://[\w.-]+", file.read_text())) - {"http://www.w3.org"}
        assert foreign <= {"https://preactjs.com"}, file
        assert "@font-face" not in file.read_text()


def test_the_licences_of_what_is_bundled_are_shipped() -> None:
    licences = (BUILT / "licenses.md").read_text()
    assert "preact" in licences
    assert "MIT" in licences
