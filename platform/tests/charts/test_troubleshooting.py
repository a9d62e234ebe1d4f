"""What the pages say a program logs or counts, it does."""

import re

from .helm import PLATFORM

REPOSITORY = PLATFORM.parent
PAGES = "\n".join(page.read_text() for page in sorted((REPOSITORY / "docs").glob("*.md")))
SOURCES = "\n".join(
    file.read_text()
    for package in ("flow-server", "flow-adapter-flux", "flow-contract")
    for file in sorted((REPOSITORY / "packages" / package / "src").rglob("*.py"))
)


def test_every_log_sentence_of_the_pages_is_in_a_program() -> None:
    sentences = re.findall(r'`"([^`"]+)"`', PAGES)
    assert len(sentences) >= 5
    for sentence in sentences:
        assert f'"{sentence}"' in SOURCES, sentence


def test_every_metric_of_the_pages_is_in_a_program() -> None:
    metrics = set(re.findall(r"\bflow_(?:adapter|server)_[a-z_]+", PAGES))
    assert metrics
    for metric in metrics:
        name = re.sub(r"^flow_(adapter|server)_", "", metric).removesuffix("_total")
        assert re.search(rf'"(flow_(adapter|server)_)?{name}(_total)?"', SOURCES), metric


def test_the_empty_page_has_eight_causes() -> None:
    page = (REPOSITORY / "docs" / "troubleshooting.md").read_text()
    assert re.findall(r"^\| (\d) \|", page, re.M) == [str(number) for number in range(1, 9)]
