"""Label and field selectors."""

import pytest

from flow_simulator.kubernetes.problems import Problem
from flow_simulator.kubernetes.selectors import field_selector, label_selector

RELEASE = {"metadata": {"name": "bp-a", "namespace": "flux-system", "labels": {"family": "infra", "n": "1"}}}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("family=infra", True),
        ("family==infra,n=1", True),
        ("family!=infra", False),
        ("other!=x", True),
        ("family in (dev, infra)", True),
        ("family notin (dev,infra)", False),
        ("family in (dev,ops),n=1", False),
        ("n", True),
        ("!n", False),
        ("!other", True),
    ],
)
def test_a_label_selector_selects_what_kubernetes_would(text: str, selected: bool) -> None:
    assert all(match(RELEASE) for match in label_selector(text)) is selected


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("metadata.name=bp-a", True),
        ("metadata.name!=bp-a", False),
        ("metadata.namespace=apps", False),
        ("metadata.name=bp-a,metadata.namespace=flux-system", True),
    ],
)
def test_a_field_selector_selects_by_name_and_namespace(text: str, selected: bool) -> None:
    assert all(match(RELEASE) for match in field_selector(text)) is selected


@pytest.mark.parametrize("text", ["==", "a b", "in (x)"])
def test_a_label_selector_that_cannot_be_read_is_a_400(text: str) -> None:
    with pytest.raises(Problem) as problem:
        label_selector(text)
    assert problem.value.code == 400
