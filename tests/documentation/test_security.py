"""SECURITY.md: each threat that it names has tests, and each test that it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text()
ROW = re.compile(r"^\| (\d+) \| (.*) \|$", re.MULTILINE)


def test_every_threat_has_tests_and_every_one_of_them_exists() -> None:
    threats, tests = SECURITY.split("### The tests")
    numbers = [int(row[1]) for row in ROW.finditer(threats)]
    named = {int(row[1]): re.findall(r"`([\w/.-]+)::(\w+)`", row[2]) for row in ROW.finditer(tests)}
    assert numbers == list(range(1, 20))
    assert list(named) == numbers
    assert all(named.values())
    for path, name in {each for tests_of_one in named.values() for each in tests_of_one}:
        source = (ROOT / path).read_text()
        assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), f"{path}::{name}"
