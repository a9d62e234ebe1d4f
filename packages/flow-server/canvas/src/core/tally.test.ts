import fc from "fast-check";
import { expect, test } from "vitest";
import { anyFlow, type Flow, flowOf, inside, node } from "./flows.testing";
import { rollup } from "./rollup";
import { count, emptyTally, isDone, type Tally } from "./tally";

function tallyOf({ nodes, graph }: Flow): Tally {
  const tally = emptyTally();
  for (const [key, each] of nodes) if (!graph.holding.has(key)) count(tally, each);
  return tally;
}

test("what contains others is not counted, what is suspended is counted apart", () => {
  const flow = flowOf(
    [
      node("fsn1", { status: "running" }),
      node("ready", { status: "succeeded" }),
      node("bad", { status: "failed" }),
      node("odd", { status: "cooking" }),
      node("held", { status: "running", meta: { reason: "DependencyNotReady" } }),
      node("new"),
      node("off", { status: "failed", meta: { suspended: true } }),
    ],
    inside("fsn1", "ready", "bad"),
  );
  expect(tallyOf(flow)).toEqual({ total: 5, ready: 1, running: 1, failed: 1, waiting: 2, suspended: 1 });
});

test("the parts add up, whatever the flow, and nothing at all is not done", () => {
  fc.assert(
    fc.property(anyFlow, (flow) => {
      const { total, ready, running, failed, waiting, suspended } = tallyOf(flow);
      expect(ready + running + failed + waiting).toBe(total);
      expect(total + suspended + [...flow.graph.holding].filter((key) => flow.nodes.has(key)).length).toBe(flow.nodes.size);
    }),
  );
  expect(isDone(emptyTally())).toBe(false);
});

test("one status for many: the contract's table, the worst wins", () => {
  const off = { meta: { suspended: true } };
  const cases: [string, ReturnType<typeof node>[]][] = [
    ["pending", []],
    ["failed", [node("a", { status: "failed" }), node("b", { status: "running" })]],
    ["running", [node("a", { status: "cooking" }), node("b")]],
    ["pending", [node("a", { status: "succeeded" }), node("b")]],
    ["succeeded", [node("a", { status: "succeeded" }), node("b", { status: "failed", ...off })]],
    ["failed", [node("a", { status: "failed", ...off }), node("b", { status: "pending", ...off })]],
  ];
  for (const [status, nodes] of cases) {
    expect(rollup(nodes)).toBe(status);
    expect(rollup(nodes.toReversed())).toBe(status);
  }
});
