"""The desired picture of one region: a listing or a change in, the difference as messages out.

Invariant: a reader who applies every message that was given out holds exactly `nodes` and `relationships`.
A message holds one node or one relationship, so that the newest of each can replace the older one later.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from flow_adapter_flux.core.chart import Chart, ChartProblem
from flow_adapter_flux.core.index import Index
from flow_adapter_flux.core.mapper import map_release, relationships_of
from flow_adapter_flux.core.neighbours import Neighbours
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import ObjectKey, Release
from flow_adapter_flux.core.waiting import waiting_of
from flow_contract import (
    DeleteNodes,
    DeleteRels,
    FlowMessage,
    FlowNode,
    Relationship,
    RelationshipKey,
    RelationshipPair,
    UpsertNodes,
    UpsertRels,
)


class Mirror:
    """What one region should look like on the server. `version` grows with every change of the picture."""

    def __init__(self, region: Region) -> None:
        """Begin with the region's node alone; it is not given out before the first listing or change."""
        self.region = region
        self.version = 0
        self._neighbours = Neighbours()
        self._charts: dict[ObjectKey, Chart] = {}
        self._made_for: Index[ObjectKey, ObjectKey] = Index()
        self._fetches: Index[ObjectKey, ObjectKey] = Index()
        self._nodes: dict[str, FlowNode] = {}
        self._states: Counter[tuple[str, bool]] = Counter()
        self._declared: dict[ObjectKey, tuple[Relationship, ...]] = {}
        self._relationships: dict[RelationshipKey, Relationship] = {}
        self._touching: Index[str, RelationshipKey] = Index()

    @property
    def nodes(self) -> Mapping[str, FlowNode]:
        """The nodes by id, the region's among them."""
        return self._nodes

    @property
    def relationships(self) -> Mapping[RelationshipKey, Relationship]:
        """The relationships by key."""
        return self._relationships

    @property
    def releases(self) -> Mapping[ObjectKey, Release]:
        """The releases as last seen."""
        return self._neighbours.releases

    def replace_releases(self, listing: Iterable[Release]) -> list[FlowMessage]:
        """A complete listing: what is not in it is gone."""
        listed = {release.key: release for release in listing}
        gone = [key for key in self.releases if key not in listed]
        changed = [release for key, release in listed.items() if self.releases.get(key) != release]
        return self._take(changed=changed, gone=gone)

    def apply(self, release: Release) -> list[FlowMessage]:
        """A release that was added or modified."""
        if self.releases.get(release.key) == release:
            return []
        return self._take(changed=[release], gone=[])

    def remove(self, key: ObjectKey) -> list[FlowMessage]:
        """A release that was deleted; nothing when it was not known."""
        return self._take(changed=[], gone=[key]) if key in self.releases else []

    def replace_charts(self, listing: Iterable[Chart]) -> list[FlowMessage]:
        """A complete listing of HelmCharts."""
        listed = {chart.key: chart for chart in listing}
        touched: set[ObjectKey] = set()
        for key in [key for key in self._charts if key not in listed]:
            touched |= self._drop_chart(key)
        for chart in listed.values():
            touched |= self._set_chart(chart)
        return self._renew(touched)

    def apply_chart(self, chart: Chart) -> list[FlowMessage]:
        """A HelmChart that was added or modified."""
        return self._renew(self._set_chart(chart))

    def remove_chart(self, key: ObjectKey) -> list[FlowMessage]:
        """A HelmChart that was deleted; nothing when it was not known."""
        return self._renew(self._drop_chart(key))

    def _take(self, *, changed: Iterable[Release], gone: Iterable[ObjectKey]) -> list[FlowMessage]:
        touched: set[ObjectKey] = set()
        lost: list[Release] = []
        for key in gone:
            lost.append(self.releases[key])
            touched |= self._neighbours.forget(key)
        for release in changed:
            self._index_chart(release)
            touched |= self._neighbours.hold(release) | {release.key}
        deletions = [message for release in lost for message in self._without(release)]
        return deletions + self._renew(touched) + self._show_region()

    def _without(self, release: Release) -> list[FlowMessage]:
        """Take a release's node and its own relationships out of the picture."""
        key = release.key
        node_id = self.region.id_of(key)
        if release.chart_object is not None:
            self._fetches.discard(release.chart_object, key)
        messages: list[FlowMessage] = [self._unrelate(rel) for rel in self._declared.pop(key, ())]
        self._count(self._nodes.pop(node_id), None)
        messages.append(DeleteNodes(ids=(node_id,)))
        self.version += 1
        # The server took every relationship of the node along; those that others declare still hold.
        declared = [self._relationships[key] for key in sorted(self._touching.of(node_id))]
        messages += [UpsertRels(relationships=(relationship,)) for relationship in declared]
        return messages

    def _renew(self, touched: Iterable[ObjectKey]) -> list[FlowMessage]:
        """Map these releases anew; the messages for what differs."""
        messages: list[FlowMessage] = []
        for key in sorted(touched):
            if (release := self.releases.get(key)) is None:
                continue
            messages += self._show(
                map_release(
                    release,
                    region=self.region,
                    waiting=waiting_of(release, self._neighbours, self.region),
                    chart_problem=self._chart_problem(release),
                )
            )
            messages += self._relate(release)
        return messages

    def _show_region(self) -> list[FlowMessage]:
        return self._show(self.region.node(+self._states))

    def _show(self, node: FlowNode) -> list[FlowMessage]:
        before = self._nodes.get(node.id)
        if before == node:
            return []
        self._nodes[node.id] = node
        self.version += 1
        if node.id != self.region.node_id:
            self._count(before, node)
        return [UpsertNodes(nodes=(node,))]

    def _count(self, before: FlowNode | None, after: FlowNode | None) -> None:
        """Keep how many releases are in each state: a rollup of thousands at every change would cost."""
        if before is not None:
            self._states[before.status, before.suspended] -= 1
        if after is not None:
            self._states[after.status, after.suspended] += 1

    def _relate(self, release: Release) -> list[FlowMessage]:
        """Declare a release's relationships in place of those it declared before."""
        now = relationships_of(release, self.region)
        before = self._declared.get(release.key, ())
        if now == before:
            return []
        self._declared[release.key] = now
        kept = {relationship.key for relationship in now}
        vanished = [self._unrelate(relationship) for relationship in before if relationship.key not in kept]
        return vanished + [
            message for relationship in now for message in self._upsert_relationship(relationship)
        ]

    def _upsert_relationship(self, relationship: Relationship) -> list[FlowMessage]:
        key = relationship.key
        if self._relationships.get(key) == relationship:
            return []
        self._relationships[key] = relationship
        self._touching.add(key.from_id, key)
        self._touching.add(key.to_id, key)
        self.version += 1
        return [UpsertRels(relationships=(relationship,))]

    def _unrelate(self, relationship: Relationship) -> FlowMessage:
        key = relationship.key
        del self._relationships[key]
        for end in {key.from_id, key.to_id}:
            self._touching.discard(end, key)
        self.version += 1
        return DeleteRels(
            pairs=(RelationshipPair(from_id=key.from_id, to_id=key.to_id, type=relationship.type),)
        )

    def _chart_problem(self, release: Release) -> ChartProblem | None:
        """What is wrong with the chart that a release names, or else with one that was made for it."""
        if release.chart_object is not None:
            chart = self._charts.get(release.chart_object)
            return chart.problem if chart else None
        made_for = sorted(self._made_for.of(release.key))
        return next((problem for key in made_for if (problem := self._charts[key].problem)), None)

    def _set_chart(self, chart: Chart) -> set[ObjectKey]:
        """Hold a chart; gives the releases that it may say something about."""
        if self._charts.get(chart.key) == chart:
            return set()
        touched = self._drop_chart(chart.key)
        self._charts[chart.key] = chart
        if chart.owner is not None:
            self._made_for.add(chart.owner, chart.key)
            touched.add(chart.owner)
        return touched | self._fetches.of(chart.key)

    def _drop_chart(self, key: ObjectKey) -> set[ObjectKey]:
        chart = self._charts.pop(key, None)
        if chart is None:
            return set()
        touched = set(self._fetches.of(key))
        if chart.owner is not None:
            touched.add(chart.owner)
            self._made_for.discard(chart.owner, key)
        return touched

    def _index_chart(self, release: Release) -> None:
        before = self.releases.get(release.key)
        if before is not None and before.chart_object is not None:
            self._fetches.discard(before.chart_object, release.key)
        if release.chart_object is not None:
            self._fetches.add(release.chart_object, release.key)
