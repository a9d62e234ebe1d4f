import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Relationship } from "./contract";
import { anyFlow, edgeLists, flowOf, inside, node, seeded, waits } from "./flows.testing";
import { idInKey, linksAfter } from "./graph";
import { BOX_HEIGHT, BOX_WIDTH, edgePath, layout, type Layout, PLAIN_ABOVE } from "./layout";
import { reduction } from "./reduction";
import { laneShapes, type Shape, shapeGroups, shapeOf } from "./shape";

const named = (at: number): string => `release-${String(at).padStart(5, "0")}`;

const shapeFrom = ({ count, edges }: { count: number; edges: readonly (readonly [number, number])[] }): Shape =>
  shapeOf(
    Array.from({ length: count }, (_, at) => named(at)),
    edges.map(([a, b]): [string, string] => [named(a), named(b)]),
  );

function large(count: number, edges: number, seed: number): Shape {
  const random = seeded(seed);
  const pick = (): number => Math.floor(random() * count);
  const pairs = Array.from({ length: edges }, (): [number, number] => {
    const [a, b] = [pick(), pick()];
    return a < b ? [a, b] : [b, a];
  });
  return shapeFrom({ count, edges: pairs });
}

function expectNoOverlap({ places }: Layout): void {
  const columns = new Map<number, number[]>();
  for (const { x, y } of places.values()) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(y).toBeGreaterThanOrEqual(0);
    columns.set(x, [...(columns.get(x) ?? []), y]);
  }
  const xs = [...columns.keys()].sort((a, b) => a - b);
  xs.forEach((x, at) => at > 0 && expect(x - xs[at - 1]!).toBeGreaterThan(BOX_WIDTH));
  for (const ys of columns.values()) {
    ys.sort((a, b) => a - b).forEach((y, at) => at > 0 && expect(y - ys[at - 1]!).toBeGreaterThanOrEqual(BOX_HEIGHT));
  }
}

function expectEdgesToGoRight({ places, edges }: Layout): void {
  for (const { from, to, path } of edges) {
    const [a, b] = [places.get(from)!, places.get(to)!];
    expect(b.x).toBeGreaterThan(a.x + BOX_WIDTH);
    expect(path.slice(0, 2)).toEqual([a.x + BOX_WIDTH, a.y + BOX_HEIGHT / 2]);
    expect(path.slice(-2)).toEqual([b.x, b.y + BOX_HEIGHT / 2]);
    for (let at = 2, x = path[0]!; at < path.length; x = path[at + 4]!, at += 6) expect(path[at + 4]).toBeGreaterThan(x);
  }
}

describe("a layout", () => {
  test("has every name once, no two boxes that touch, and every edge going right", () => {
    fc.assert(
      fc.property(edgeLists({ nodes: 40, edges: 90 }), (graph) => {
        const shape = shapeFrom(graph);
        const laid = layout(shape);
        expect([...laid.places.keys()]).toEqual(shape.names);
        expect(laid.edges).toHaveLength(shape.edges.length);
        expectNoOverlap(laid);
        expectEdgesToGoRight(laid);
      }),
    );
  });

  test("has room for cycles: all is placed, and as few edges as close a ring go back", () => {
    fc.assert(
      fc.property(edgeLists({ nodes: 15, edges: 40, rings: true }), (graph) => {
        const laid = layout(shapeFrom(graph));
        expectNoOverlap(laid);
        for (const { path } of laid.edges) expect(path.every(Number.isFinite)).toBe(true);
      }),
    );
    const ring = layout(shapeOf(["a", "b", "c"], [["a", "b"], ["b", "c"], ["c", "a"]]));
    expect(ring.edges.filter(({ from, to }) => ring.places.get(to)!.x <= ring.places.get(from)!.x)).toHaveLength(1);
  });

  test("is the same for the same shape, whatever the order it came in", () => {
    fc.assert(
      fc.property(edgeLists({ rings: true }), fc.infiniteStream(fc.nat()), ({ count, edges }, random) => {
        const shuffled = <T>(items: readonly T[]): T[] =>
          items.map((item): [number, T] => [random.next().value ?? 0, item]).sort(([a], [b]) => a - b).map(([, item]) => item);
        const names = Array.from({ length: count }, (_, at) => named(at));
        const pairs = edges.map(([a, b]): [string, string] => [named(a), named(b)]);
        const one = shapeOf(names, pairs);
        const other = shapeOf(shuffled(names), shuffled(pairs));
        expect(other).toEqual(one);
        expect(layout(other)).toEqual(layout(one));
      }),
    );
  });

  test("of the same shape keeps every place of the layout before", () => {
    fc.assert(
      fc.property(edgeLists({ nodes: 30 }), (graph) => {
        const before = layout(shapeFrom(graph));
        expect(layout(shapeFrom(graph), before).places).toEqual(before.places);
      }),
    );
  });

  test("moves nothing whose column is the same when one more release arrives", () => {
    fc.assert(
      fc.property(edgeLists({ nodes: 30, edges: 60 }), fc.uniqueArray(fc.nat(29), { maxLength: 3 }), ({ count, edges }, causes) => {
        const before = layout(shapeFrom({ count, edges }));
        const links = causes.filter((at) => at < count).map((at): [number, number] => [at, count]);
        const shape = shapeFrom({ count: count + 1, edges: [...edges, ...links] });
        const [fresh, after] = [layout(shape), layout(shape, before)];
        expectNoOverlap(after);
        expectEdgesToGoRight(after);
        const same = [...before.places].filter(([name, { x }]) => fresh.places.get(name)!.x === x);
        if (same.length < 0.75 * (count + 1)) return;
        for (const [name, place] of same) expect(after.places.get(name)).toEqual(place);
      }),
    );
  });

  test("leaves the places of what is gone empty", () => {
    const before = layout(large(60, 90, 3));
    const shape = shapeOf(
      [...before.places.keys()].filter((name) => name !== named(59)),
      before.edges.filter(({ to }) => to !== named(59)).map(({ from, to }): [string, string] => [from, to]),
    );
    const after = layout(shape, before);
    for (const [name, { x }] of after.places) if (x === before.places.get(name)!.x) expect(after.places.get(name)).toEqual(before.places.get(name));
  });

  test("of what is connected to nothing is a block, not one endless column", () => {
    const { width, height } = layout(shapeFrom({ count: 300, edges: [] }));
    expect(width / height).toBeGreaterThan(1);
    expect(width / height).toBeLessThan(2.5);
  });

  test("above the limit is plain columns that still go right, in a readable block", () => {
    const laid = layout(large(PLAIN_ABOVE + 1, 800, 5));
    expectNoOverlap(laid);
    expectEdgesToGoRight(laid);
    const huge = layout(large(5000, 8000, 11));
    expect(huge.places.size).toBe(5000);
    expectNoOverlap(huge);
    expect(huge.width / huge.height).toBeLessThan(6);
  });

  test("of nothing is empty, of a path of 5,000 is a path", () => {
    expect(layout(shapeOf([], []))).toMatchObject({ width: 0, height: 0, edges: [] });
    const path = layout(shapeFrom({ count: 5000, edges: Array.from({ length: 4999 }, (_, at): [number, number] => [at, at + 1]) }));
    expectEdgesToGoRight(path);
  });
});

test("a curve to a box further left goes around and comes in from the left", () => {
  const path = edgePath({ x: 440, y: 0 }, { x: 0, y: 100 });
  expect(path.slice(0, 2)).toEqual([440 + BOX_WIDTH, 13]);
  expect(path[2]).toBeGreaterThan(440 + BOX_WIDTH);
  expect(path.at(-4)).toBeLessThan(0);
  expect(path.slice(-2)).toEqual([0, 113]);
});

describe("shapes", () => {
  test("regions with the same releases and dependencies have one shape, a missing release leaves its place empty", () => {
    const full = shapeOf(["a", "b", "c"], [["a", "b"], ["b", "c"]]);
    const groups = shapeGroups([
      ["fsn1", full],
      ["hel1", shapeOf(["c", "b", "a"], [["b", "c"], ["a", "b"]])],
      ["nbg1", shapeOf(["a", "c"], [["a", "c"]])],
      ["zrh1", shapeOf(["x", "y"], [])],
    ]);
    expect(groups.map(({ lanes }) => lanes)).toEqual([["fsn1", "hel1", "nbg1"], ["zrh1"]]);
    expect(groups[0]!.shape.names).toEqual(["a", "b", "c"]);
    expect(groups[0]!.shape.edges).toEqual([[0, 1], [0, 2], [1, 2]]);
  });

  test("what a box contains stands after it, and a container that only groups is in no shape", () => {
    const { nodes, graph } = flowOf(
      ["region", "before", "stage", "unit", "e2e"].map((id) => node(id)),
      [...waits("stage", "before"), ...inside("stage", "unit", "e2e"), ...inside("region", "before", "stage")],
    );
    const [lane] = [...laneShapes(graph, nodes).values()];
    expect(lane!.shape.names).toEqual(["before", "e2e", "stage", "unit"]);
    expect(lane!.drawn.filter(({ type }) => type === "contains").map(({ from, to }) => [idInKey(from), idInKey(to)]).sort()).toEqual([
      ["stage", "e2e"],
      ["stage", "unit"],
    ]);
    const { places } = layout(lane!.shape);
    expect(places.get("unit")!.x).toBeGreaterThan(places.get("stage")!.x);
  });

  test("a region that has only just begun joins the others", () => {
    const names = Array.from({ length: 50 }, (_, at) => named(at));
    const groups = shapeGroups([
      ["ash", shapeOf(names.slice(0, 2), [])],
      ["fsn1", shapeOf(names, [])],
    ]);
    expect(groups).toHaveLength(1);
  });

  test("whatever the flow, every drawn node has a place of its own in its group's layout", () => {
    fc.assert(
      fc.property(anyFlow, ({ nodes, graph }) => {
        const shapes = laneShapes(graph, nodes);
        const groups = shapeGroups([...shapes].map(([name, { shape }]): [string, Shape] => [name, shape]));
        expect(groups.flatMap(({ lanes }) => lanes).sort()).toEqual([...shapes.keys()].sort());
        for (const { shape, lanes } of groups) {
          const laid = layout(shape);
          expectNoOverlap(laid);
          for (const name of lanes) {
            const names = [...shapes.get(name)!.nameOfKey.values()];
            expect(new Set(names).size).toBe(names.length);
            for (const each of names) expect(laid.places.has(each)).toBe(true);
          }
        }
      }),
    );
  });

  const otherThan = (condition: "always" | "on-failure") => (condition === "always" ? "on-failure" : "always");

  test("lanes of one pattern are reduced once, and each draws its own links", () => {
    const edges = edgeLists({ nodes: 8, edges: 20, rings: true });
    fc.assert(
      fc.property(edges, fc.array(fc.constantFrom("always" as const, "on-failure" as const), { minLength: 1 }), (graphOfOne, conditions) => {
        // Four regions of one kit; in the last two the first relationship says something else.
        const regions = ["a", "b", "c", "d"];
        const nodes = regions.flatMap((region) =>
          Array.from({ length: graphOfOne.count }, (_, at) => node(`${region}/${at}`, { region })),
        );
        const relationships = regions.flatMap((region) =>
          graphOfOne.edges.map(([a, b], at): Relationship => ({
            fromId: `${region}/${a}`,
            toId: `${region}/${b}`,
            type: region === "d" && at === 0 ? "triggers" : "finish-to-start",
            condition: region === "c" && at === 0 ? otherThan(conditions[0]!) : conditions[at % conditions.length]!,
          })),
        );
        const flow = flowOf(nodes, relationships);
        const shapes = laneShapes(flow.graph, flow.nodes);
        for (const { name, keys } of flow.graph.lanes) {
          const alone = keys.flatMap((key) => linksAfter(flow.graph, key).filter(({ to }) => keys.includes(to)));
          expect(shapes.get(name)!.drawn).toEqual(reduction(alone).drawn);
        }
        expect(shapes.get("b")!.shape).toBe(shapes.get("a")!.shape);
      }),
    );
  });
});
