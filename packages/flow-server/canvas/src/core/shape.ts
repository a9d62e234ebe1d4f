/**
 * The shape of a lane: names and drawn edges, without region and status. Regions of one shape share one layout,
 * and similar regions one common shape, so that a release stands at the same place in all of them and one that is
 * missing somewhere leaves its place empty there.
 */

import { byText, type Graph, type Lane, type Link, linksAfter, nameOf, type Nodes } from "./graph";
import { reduction } from "./reduction";

export type Shape = {
  /** Equal for equal shapes, whatever the order of nodes and relationships was. */
  readonly key: string;
  /** In code point order, each once. */
  readonly names: readonly string[];
  /** Pairs of indices into `names`, from -> to, sorted, each once, no self references. */
  readonly edges: readonly (readonly [number, number])[];
};

export type LaneShape = {
  readonly shape: Shape;
  /** Node -> its name in the shape. */
  readonly nameOfKey: ReadonlyMap<string, string>;
  /** What the reduction leaves to draw in this lane. */
  readonly drawn: readonly Link[];
};

/** Several lanes with one layout. */
export type ShapeGroup = { readonly shape: Shape; readonly lanes: readonly string[] };

/** What lanes of the same names and links, in the same order, have in common. */
type Pattern = { readonly shape: Shape; readonly isDrawn: readonly boolean[] };

/**
 * The shape of every lane, by its name. Links to other lanes, or to nodes that are not there, are no part of it. Fifty
 * regions of one kit are reduced once.
 */
export function laneShapes(graph: Graph, nodes: Nodes): Map<string, LaneShape> {
  const patterns = new Map<string, Pattern>();
  return new Map(graph.lanes.map((lane) => [lane.name, laneShape(graph, nodes, lane, patterns)]));
}

function laneShape(graph: Graph, nodes: Nodes, lane: Lane, patterns: Map<string, Pattern>): LaneShape {
  const nameOfKey = new Map<string, string>();
  const at = new Map<string, number>();
  const taken = new Set<string>();
  for (const key of lane.keys) {
    const node = nodes.get(key);
    const name = node ? nameOf(node) : key;
    // Two nodes of one name (of different flows, say) still need a place each.
    const own = taken.has(name) ? `${name}\n${key}` : name;
    at.set(key, taken.size);
    taken.add(own);
    nameOfKey.set(key, own);
  }
  const inside: Link[] = [];
  const said: (string | number | undefined)[] = [];
  for (const key of lane.keys) {
    // A container that is a box of its own: what it holds stands after it.
    const holder = graph.parent.get(key);
    if (holder !== undefined && at.has(holder)) {
      inside.push({ from: holder, to: key, type: "contains", lag: 0 });
      said.push(at.get(holder), at.get(key), "contains", undefined);
    }
    for (const link of linksAfter(graph, key)) {
      const to = at.get(link.to);
      if (to === undefined) continue;
      inside.push(link);
      said.push(at.get(key), to, link.type, link.condition);
    }
  }
  const pattern = JSON.stringify([...taken, said]);
  let known = patterns.get(pattern);
  if (known === undefined) {
    const drawn = new Set(reduction(inside).drawn);
    const pairs = [...drawn].map(({ from, to }): [string, string] => [nameOfKey.get(from)!, nameOfKey.get(to)!]);
    patterns.set(pattern, (known = { shape: shapeOf(taken, pairs), isDrawn: inside.map((link) => drawn.has(link)) }));
  }
  const { shape, isDrawn } = known;
  return { shape, nameOfKey, drawn: inside.filter((_, link) => isDrawn[link]) };
}

/** A shape of names and pairs of names, in any order, doubled ones included. O(n log n). */
export function shapeOf(names: Iterable<string>, pairs: Iterable<readonly [string, string]>): Shape {
  const sorted = [...new Set(names)].sort(byText);
  const index = new Map(sorted.map((name, at) => [name, at]));
  const codes = new Set<number>();
  for (const [from, to] of pairs) {
    const [a, b] = [index.get(from), index.get(to)];
    if (a !== undefined && b !== undefined && a !== b) codes.add(a * sorted.length + b);
  }
  const edges = [...codes]
    .sort((a, b) => a - b)
    .map((code): [number, number] => [Math.floor(code / sorted.length), code % sorted.length]);
  return { key: JSON.stringify([sorted, edges.flat()]), names: sorted, edges };
}

/** The shape that has room for all of these: every name, every edge. */
export function unionShape(shapes: readonly Shape[]): Shape {
  const distinct = [...new Map(shapes.map((shape) => [shape.key, shape])).values()];
  if (distinct.length === 1) return distinct[0]!;
  const pairs = distinct.flatMap(({ names, edges }) =>
    edges.map(([from, to]): [string, string] => [names[from]!, names[to]!]),
  );
  return shapeOf(distinct.flatMap(({ names }) => names), pairs);
}

/**
 * Which lanes share a layout: each joins the first group with which it has half of the smaller one's names in
 * common, so a region that has only begun stands where the others do. In the order of the lanes given.
 * O(names of all lanes * groups that share a name).
 */
export function shapeGroups(lanes: Iterable<readonly [string, Shape]>): ShapeGroup[] {
  const groups: { names: Set<string>; shapes: Shape[]; lanes: string[] }[] = [];
  const groupsWith = new Map<string, Set<number>>();
  const groupOfKey = new Map<string, number>();
  for (const [lane, shape] of lanes) {
    let at = groupOfKey.get(shape.key) ?? nearest(shape, groups, groupsWith);
    if (at === undefined) at = groups.push({ names: new Set(), shapes: [], lanes: [] }) - 1;
    const group = groups[at]!;
    group.lanes.push(lane);
    if (groupOfKey.has(shape.key)) continue;
    groupOfKey.set(shape.key, at);
    group.shapes.push(shape);
    for (const name of shape.names) {
      group.names.add(name);
      const known = groupsWith.get(name);
      if (known) known.add(at);
      else groupsWith.set(name, new Set([at]));
    }
  }
  return groups.map((group) => ({ shape: unionShape(group.shapes), lanes: group.lanes }));
}

function nearest(
  shape: Shape,
  groups: readonly { names: ReadonlySet<string> }[],
  groupsWith: ReadonlyMap<string, ReadonlySet<number>>,
): number | undefined {
  const common = new Map<number, number>();
  for (const name of shape.names) {
    for (const at of groupsWith.get(name) ?? []) common.set(at, (common.get(at) ?? 0) + 1);
  }
  return [...common]
    .filter(([at, count]) => count * 2 >= Math.min(shape.names.length, groups[at]!.names.size))
    .map(([at]) => at)
    .sort((a, b) => a - b)[0];
}
