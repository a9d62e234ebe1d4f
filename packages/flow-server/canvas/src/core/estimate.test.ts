import fc from "fast-check";
import { expect, test } from "vitest";
import type { FlowNode } from "./contract";
import { learn, timeLeft } from "./estimate";
import { anyFlow, flowOf, key, node, waits } from "./flows.testing";

const NAMES = ["a", "b", "c", "d", "e"];

/** A region in which each release waits for the one before it and takes ten seconds; `done` of them are ready. */
const chain = (region: string, done: number, more: (name: string, at: number) => Partial<FlowNode> = () => ({})): FlowNode[] =>
  NAMES.map((name, at) =>
    node(`${region}/${name}`, {
      region,
      ...(at < done ? { status: "succeeded", startedAt: at * 10_000, endedAt: (at + 1) * 10_000 } : {}),
      ...more(name, at),
    }),
  );
const links = (region: string) => NAMES.slice(1).flatMap((name, at) => waits(`${region}/${name}`, `${region}/${NAMES[at]}`));

test("a region takes as long as the others did, in a range around it", () => {
  const flow = flowOf([...chain("r0", 5), ...chain("r1", 5), ...chain("r2", 5), ...chain("r3", 2)], ["r0", "r1", "r2", "r3"].flatMap(links));
  const left = timeLeft(flow.graph, flow.nodes, 20_000, learn(flow.graph, flow.nodes));
  expect(left).toEqual({ lowMs: 30_000, highMs: 30_000 });
  expect(timeLeft(flow.graph, flow.nodes, 26_000, learn(flow.graph, flow.nodes))).toEqual({ lowMs: 24_000, highMs: 24_000 });
});

test("one region to learn from gives a wider range than three", () => {
  const flow = flowOf([...chain("r0", 5), ...chain("r1", 1)], ["r0", "r1"].flatMap(links));
  const { lowMs, highMs } = timeLeft(flow.graph, flow.nodes, 10_000, learn(flow.graph, flow.nodes))!;
  expect(lowMs).toBe(30_000);
  expect(highMs).toBe(50_000);
});

test("a flow that is over teaches the next one", () => {
  const over = flowOf(chain("r0", 5), links("r0"));
  const next = flowOf(chain("other", 0), links("other"));
  expect(timeLeft(next.graph, next.nodes, 0, new Map())).toBeUndefined();
  expect(timeLeft(next.graph, next.nodes, 0, learn(over.graph, over.nodes))).toEqual({ lowMs: 37_500, highMs: 62_500 });
});

test("says nothing about releases that nobody has seen, a finished flow, or one that is later than all before", () => {
  const over = flowOf(chain("r0", 5), links("r0"));
  const known = learn(over.graph, over.nodes);
  const strange = flowOf(["x", "y", "a"].map((id) => node(id)), []);
  expect(timeLeft(strange.graph, strange.nodes, 0, known)).toBeUndefined();
  expect(timeLeft(over.graph, over.nodes, 99_000, known)).toBeUndefined();
  const late = flowOf(chain("r1", 4), links("r1"));
  expect(timeLeft(late.graph, late.nodes, 9_000_000, known)).toBeUndefined();
});

test("leaves out what waits for a failure, for something suspended or missing, and for itself", () => {
  const over = flowOf(chain("r0", 5), links("r0"));
  const known = learn(over.graph, over.nodes);
  const stuck = [{ status: "failed" }, { meta: { suspended: true } }];
  for (const more of stuck) {
    const flow = flowOf(chain("r1", 2, (_, at) => (at === 2 ? more : {})), links("r1"));
    expect(timeLeft(flow.graph, flow.nodes, 20_000, known)).toBeUndefined();
  }
  const missing = flowOf([node("a"), node("b")], [...waits("a", "gone"), ...waits("b", "b")]);
  expect(timeLeft(missing.graph, missing.nodes, 0, known)).toBeUndefined();
});

test("the range of one region is not that of another", () => {
  const flow = flowOf([...chain("r0", 5), ...chain("r1", 1), ...chain("r2", 3)], ["r0", "r1", "r2"].flatMap(links));
  const known = learn(flow.graph, flow.nodes);
  const leftOf = (region: string) => timeLeft(flow.graph, flow.nodes, 30_000, known, NAMES.map((name) => key(`${region}/${name}`)))!;
  expect(leftOf("r2").highMs).toBeLessThan(leftOf("r1").highMs);
});

test("is never negative and never upside down, whatever the graph", () => {
  fc.assert(
    fc.property(anyFlow, anyFlow, fc.nat(2000), (flow, other, nowMs) => {
      const left = timeLeft(flow.graph, flow.nodes, nowMs, learn(other.graph, other.nodes, learn(flow.graph, flow.nodes)));
      if (left === undefined) return;
      expect(left.lowMs).toBeGreaterThanOrEqual(0);
      expect(left.highMs).toBeGreaterThanOrEqual(left.lowMs);
    }),
  );
});

test("never grows when something that could finish has finished", () => {
  const plain = fc.tuple(
    fc.array(fc.constantFrom("pending", "running", "succeeded"), { minLength: 2, maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 16 }),
    fc.array(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 4 }), { minLength: 8, maxLength: 8 }),
    fc.nat(200),
    fc.nat(7),
  );
  let compared = 0;
  fc.assert(
    fc.property(plain, ([states, pairs, leads, nowMs, pick]) => {
      const relationships = pairs.flatMap(([a, b]) => (a < b && b < states.length ? waits(`n${b}`, `n${a}`) : []));
      const made = (finished?: number) =>
        flowOf(
          states.map((status, at) => {
            const over = status === "succeeded" || at === finished;
            const times = over ? { startedAt: 0, endedAt: at === finished ? nowMs : 0 } : status === "running" ? { startedAt: 0 } : {};
            return node(`n${at}`, { status: over ? "succeeded" : status, ...times });
          }),
          relationships,
        );
      const known = new Map(leads.map((values, at) => [`n${at}`, values]));
      const before = made();
      const at = pick % states.length;
      // Only what waits for nothing open can finish.
      if (states[at] === "succeeded" || relationships.some(({ fromId, toId }) => toId === `n${at}` && states[Number(fromId.slice(1))] !== "succeeded")) return;
      const after = made(at);
      const [first, second] = [timeLeft(before.graph, before.nodes, nowMs, known), timeLeft(after.graph, after.nodes, nowMs, known)];
      if (first === undefined || second === undefined) return;
      compared++;
      expect(second.lowMs).toBeLessThanOrEqual(first.lowMs + 1e-6);
      expect(second.highMs).toBeLessThanOrEqual(first.highMs + 1e-6);
    }),
    { numRuns: 500 },
  );
  expect(compared).toBeGreaterThan(20);
});
