"""The store, without a wire: versions, history, pages of the past, backups."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_simulator.kubernetes.resources import HELM_CHARTS, HELM_RELEASES, Resource
from flow_simulator.kubernetes.store import Key, Store, Stored, TooOld

NAMES = ("a", "b", "c", "d")
Step = tuple[str, Resource, str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("write", "remove", "advance")),
        st.sampled_from((HELM_RELEASES, HELM_CHARTS)),
        st.sampled_from(NAMES),
        st.integers(0, 99),
    ),
    max_size=60,
)


def installed(**options: Any) -> Store:
    store = Store(**options)
    for resource in (HELM_RELEASES, HELM_CHARTS):
        store.install(resource)
    return store


def take(store: Store, step: Step) -> None:
    what, resource, name, value = step
    if what == "write":
        store.write(resource, {"metadata": {"name": name, "namespace": "n"}, "spec": {"value": value}})
    elif what == "advance":
        store.advance(to=store.version + value)
    elif store.get(resource, Key("n", name)) is not None:
        store.remove(resource, Key("n", name))


def states(objects: Iterable[Stored]) -> dict[Key, int]:
    return {stored.key: stored.version for stored in objects}


@given(STEPS)
def test_every_past_listing_can_be_had_again(steps: list[Step]) -> None:
    store = installed()
    past: list[tuple[int, dict[Key, int]]] = []
    for step in steps:
        past.append((store.version, states(store.listing(HELM_RELEASES))))
        take(store, step)
    for version, listing in past:
        assert states(store.listing(HELM_RELEASES, at=version)) == listing


@given(STEPS, st.integers(0, 60))
def test_a_listing_and_the_changes_after_it_give_the_present(steps: list[Step], pause: int) -> None:
    store = installed()
    for step in steps[:pause]:
        take(store, step)
    version, mirror = store.version, states(store.listing(HELM_RELEASES))
    for step in steps[pause:]:
        take(store, step)
    for change in store.changes_after(HELM_RELEASES, version):
        assert change.version > version
        version = change.version
        if change.deleted:
            assert mirror.pop(change.after.key) < change.version
        else:
            mirror[change.after.key] = change.version
    assert mirror == states(store.listing(HELM_RELEASES))


@given(STEPS)
def test_the_version_never_goes_back_and_no_two_writes_share_one(steps: list[Step]) -> None:
    store = installed()
    for step in steps:
        before = store.version
        take(store, step)
        assert store.version >= before
    written = [
        change.version
        for resource in (HELM_RELEASES, HELM_CHARTS)
        for change in store.changes_after(resource, store.oldest(resource))
    ]
    assert len(written) == len(set(written))


@given(STEPS, STEPS)
def test_a_restored_backup_has_the_objects_and_the_version_of_then(
    before: list[Step], after: list[Step]
) -> None:
    store = installed()
    for step in before:
        take(store, step)
    version, objects = store.version, states(store.listing(HELM_RELEASES))
    backup = store.backup()
    for step in after:
        take(store, step)
    store.restore(backup)
    assert (store.version, states(store.listing(HELM_RELEASES))) == (version, objects)
    # A watch from a version above waits, one from a version below is too old.
    assert store.changes_after(HELM_RELEASES, version + 1000) == []
    with pytest.raises(TooOld):
        store.changes_after(HELM_RELEASES, version - 1)


def test_a_history_that_is_full_forgets_its_oldest_part() -> None:
    store = installed(history_entries=100)
    first = store.version
    for value in range(150):
        take(store, ("write", HELM_RELEASES, "a", value))
    with pytest.raises(TooOld) as too_old:
        store.changes_after(HELM_RELEASES, first)
    kept = store.changes_after(HELM_RELEASES, too_old.value.oldest)
    assert kept[0].version == too_old.value.oldest + 1
    assert kept[-1].version == store.version
    assert 75 <= len(kept) <= 100
