import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyFlow, edgeLists, seeded } from "./flows.testing";
import type { Link } from "./graph";
import { reduction } from "./reduction";

const link = (from: string | number, to: string | number, more: Partial<Link> = {}): Link => ({
  from: String(from),
  to: String(to),
  type: "finish-to-start",
  lag: 0,
  ...more,
});

/** Item -> everything that can be reached from it, by a plain search of its own. */
function reach(count: number, edges: Iterable<readonly [number, number]>): boolean[][] {
  const can = Array.from({ length: count }, () => new Array<boolean>(count).fill(false));
  for (const [a, b] of edges) can[a]![b] = true;
  for (let k = 0; k < count; k++)
    for (let i = 0; i < count; i++)
      for (let j = 0; j < count; j++) if (can[i]![k] && can[k]![j]) can[i]![j] = true;
  return can;
}

const numbers = (links: Iterable<Link>): [number, number][] => [...links].map(({ from, to }) => [Number(from), Number(to)]);

describe("what is drawn", () => {
  test("a dependency that a longer way says already is implied", () => {
    const { drawn, implied } = reduction([link("a", "b"), link("a", "c"), link("b", "c")]);
    expect(drawn.map(({ from, to }) => from + to)).toEqual(["ab", "bc"]);
    expect([...implied].map(({ from, to }) => from + to)).toEqual(["ac"]);
  });

  test("without cycles it is the one smallest set of edges with the same reach", () => {
    fc.assert(
      fc.property(edgeLists(), ({ count, edges }) => {
        const { drawn } = reduction(edges.map(([a, b]) => link(a, b)));
        const kept = numbers(drawn);
        expect(reach(count, kept)).toEqual(reach(count, edges));
        for (const edge of kept) {
          const without = reach(count, kept.filter((other) => other !== edge));
          expect(without[edge[0]]![edge[1]]).toBe(false);
        }
      }),
    );
  });

  test("with cycles the reach stays, and every edge inside a ring is drawn", () => {
    fc.assert(
      fc.property(edgeLists({ nodes: 10, rings: true }), ({ count, edges }) => {
        const { drawn, implied } = reduction(edges.map(([a, b]) => link(a, b)));
        const before = reach(count, edges);
        const after = reach(count, numbers(drawn));
        for (let a = 0; a < count; a++) for (let b = 0; b < count; b++) if (a !== b) expect(after[a]![b]).toBe(before[a]![b]);
        for (const [a, b] of numbers(implied)) expect(before[b]![a]).toBe(false);
      }),
    );
  });

  test("the order of the links changes nothing", () => {
    fc.assert(
      fc.property(edgeLists({ rings: true }), ({ edges }) => {
        const texts = (links: readonly Link[]): string[] => links.map(({ from, to }) => `${from}-${to}`).sort();
        const links = edges.map(([a, b]) => link(a, b));
        expect(texts(reduction(links).drawn)).toEqual(texts(reduction(links.toReversed()).drawn));
      }),
    );
  });

  test("self references and doubles are not drawn, other types and waits for a failure always are", () => {
    const { drawn, implied } = reduction([
      link("a", "b"),
      link("b", "c"),
      link("a", "a"),
      link("a", "b"),
      link("a", "c", { type: "start-to-start" }),
      link("b", "d", { condition: "on-failure" }),
      link("c", "d"),
    ]);
    expect(drawn).toHaveLength(5);
    expect(implied.size).toBe(0);
  });
});

test("whatever the graph, each declared link between two nodes is either drawn or implied", () => {
  fc.assert(
    fc.property(anyFlow, ({ graph }) => {
      const links = [...graph.after.values()].flat();
      const { drawn, implied } = reduction(links);
      const pairs = new Set(links.filter(({ from, to }) => from !== to).map(({ from, to, type }) => JSON.stringify([from, to, type])));
      expect(drawn.length + implied.size).toBe(pairs.size);
    }),
  );
});

test("a path of 20,000 and a dense graph of 2,000 end well", () => {
  const path = Array.from({ length: 20_000 }, (_, at) => link(at, at + 1));
  expect(reduction([...path, link(0, 20_000)]).drawn).toHaveLength(20_000);
  const random = seeded(7);
  const dense = Array.from({ length: 20_000 }, () => {
    const [a, b] = [Math.floor(random() * 2000), Math.floor(random() * 2000)];
    return link(Math.min(a, b), Math.max(a, b));
  });
  expect(reduction(dense).drawn.length).toBeGreaterThan(0);
});
