import fc from "fast-check";
import { expect, test } from "vitest";
import { anyFlow, type Flow, flowOf, key, node, waits } from "./flows.testing";
import { criticalPath } from "./criticalPath";
import { idInKey, linksBefore } from "./graph";

const done = (id: string, startedAt: number, endedAt: number) => node(id, { status: "succeeded", startedAt, endedAt });
const pathOf = ({ graph, nodes }: Flow, nowMs = 1_000): string[] => criticalPath(graph, nodes, nowMs).steps.map((step) => idInKey(step.key));

test("goes back from what ended last to what held it up longest, with the waits between", () => {
  const { graph, nodes } = flowOf(
    [done("a", 0, 100), done("b", 0, 40), done("c", 110, 200), done("d", 50, 150)],
    [...waits("c", "a", "b"), ...waits("d", "b")],
  );
  expect(criticalPath(graph, nodes, 1_000)).toEqual({
    steps: [
      { key: key("a"), startedAt: 0, endedAt: 100, tookMs: 100, waitedMs: 0 },
      { key: key("c"), startedAt: 110, endedAt: 200, tookMs: 90, waitedMs: 10 },
    ],
    totalMs: 200,
  });
});

test("of a running flow ends at what has run longest, up to now", () => {
  const flow = flowOf(
    [done("a", 0, 100), node("b", { status: "running", startedAt: 120 }), node("c", { status: "running", startedAt: 500 }), node("d")],
    [...waits("b", "a"), ...waits("d", "b")],
  );
  expect(pathOf(flow)).toEqual(["a", "b"]);
  const { steps, totalMs } = criticalPath(flow.graph, flow.nodes, 1_000);
  expect(steps[1]).toMatchObject({ endedAt: undefined, tookMs: 880, waitedMs: 20 });
  expect(totalMs).toBe(1_000);
});

test("passes through what has no times, and stays in the region asked for", () => {
  const flow = flowOf(
    [done("a", 0, 100), node("quiet", { status: "succeeded" }), done("c", 200, 300)],
    [...waits("quiet", "a"), ...waits("c", "quiet")],
  );
  expect(pathOf(flow)).toEqual(["a", "c"]);
  expect(criticalPath(flow.graph, flow.nodes, 1_000, [key("c"), key("quiet")]).steps.map((step) => idInKey(step.key))).toEqual(["c"]);
});

test("is empty when nothing has times", () => {
  const { graph, nodes } = flowOf([node("a"), node("b", { status: "succeeded", endedAt: 5 })], waits("b", "a"));
  expect(criticalPath(graph, nodes, 1_000)).toEqual({ steps: [], totalMs: 0 });
});

test("a start that follows a start, and a lag, count from there", () => {
  const { graph, nodes } = flowOf(
    [done("a", 0, 100), done("b", 60, 300)],
    [{ fromId: "a", toId: "b", type: "start-to-start", lag: 0.05 }],
  );
  expect(criticalPath(graph, nodes, 1_000).steps[1]?.waitedMs).toBe(10);
});

test("whatever the graph: no time is negative, no node comes twice, and every step was waited for", () => {
  fc.assert(
    fc.property(anyFlow, fc.nat(1000), ({ graph, nodes }, nowMs) => {
      const { steps, totalMs } = criticalPath(graph, nodes, nowMs);
      expect(new Set(steps.map((step) => step.key)).size).toBe(steps.length);
      expect(totalMs).toBeGreaterThanOrEqual(0);
      steps.forEach((step, at) => {
        expect(step.tookMs).toBeGreaterThanOrEqual(0);
        expect(step.waitedMs).toBeGreaterThanOrEqual(0);
        if (at > 0) expect(reaches(step.key, steps[at - 1]!.key)).toBe(true);
      });
      const timed = [...nodes.values()].filter((each) => each.startedAt !== undefined && each.endedAt !== undefined);
      if (timed.some((each) => graph.laneOf.has([...nodes].find(([, other]) => other === each)![0]))) expect(steps.length).toBeGreaterThan(0);

      function reaches(from: string, to: string, seen = new Set<string>()): boolean {
        return linksBefore(graph, from).some((link) => {
          if (link.from === to) return true;
          if (seen.has(link.from)) return false;
          return reaches(link.from, to, seen.add(link.from));
        });
      }
    }),
  );
});

test("on plain chains it is the longest one, as an independent search finds it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 16 }),
      (takes, pairs) => {
        const before = takes.map((_, to) => pairs.filter(([a, b]) => Math.max(a, b) === to && a !== b && Math.max(a, b) < takes.length).map(([a, b]) => Math.min(a, b)));
        // Everything starts the moment that the last thing before it ends.
        const starts: number[] = [];
        takes.forEach((_, at) => starts.push(Math.max(0, ...before[at]!.map((from) => starts[from]! + takes[from]!))));
        const { graph, nodes } = flowOf(
          takes.map((take, at) => done(`n${at}`, starts[at]!, starts[at]! + take)),
          before.flatMap((froms, at) => waits(`n${at}`, ...froms.map((from) => `n${from}`))),
        );
        const { steps, totalMs } = criticalPath(graph, nodes, 1_000);
        const longest = (at: number): number => takes[at]! + Math.max(0, ...before[at]!.map(longest));
        expect(totalMs).toBe(Math.max(...takes.map((_, at) => longest(at))));
        expect(steps.reduce((sum, step) => sum + step.tookMs + step.waitedMs, 0)).toBe(totalMs);
      },
    ),
  );
});
