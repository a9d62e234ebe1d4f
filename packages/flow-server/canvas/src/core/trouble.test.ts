import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concernsOf } from "./attention";
import type { Meta } from "./contract";
import { flowOf, inside, node, waits } from "./flows.testing";
import { chartProblemOf, mistakesOf, troubleOf } from "./trouble";
import { waitsIn } from "./waiting";

const RING = "Its dependencies form a ring, so none in it can ever start: a → b → a.";
const PULL = { reason: "ChartPullError", message: "no such chart\nlooked in two places", since: 5 };

const one = (meta: Meta, status = "running") => node("r/a", { region: "r", status, meta });

describe("what an emitter says in meta is read as it means it, or not at all", () => {
  test("mistakes are sentences", () => {
    expect(mistakesOf(one({ mistakes: [RING, "", 7, null, "  ", "Another."] }))).toEqual([RING, "Another."]);
    expect(mistakesOf(one({ mistakes: RING }))).toEqual([]);
  });

  test("a chart's trouble has a reason or a message", () => {
    expect(chartProblemOf(one({ chartProblem: PULL }))).toEqual(PULL);
    expect(chartProblemOf(one({ chartProblem: { reason: "X" } }))).toEqual({ reason: "X", message: undefined, since: undefined });
    for (const odd of [null, "text", 5, [], {}, { since: 5 }, { reason: "", message: 4 }]) {
      expect(chartProblemOf(one({ chartProblem: odd })), JSON.stringify(odd)).toBeUndefined();
    }
    expect(chartProblemOf(one({ chartProblem: { ...PULL, since: "yesterday" } }))?.since).toBeUndefined();
  });

  test("whatever meta holds, nothing throws", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (mistakes, chartProblem, waitingFor) => {
        const flow = flowOf([one({ mistakes, chartProblem, waitingFor } as Meta)], []);
        const said = waitsIn(flow.graph, flow.nodes);
        for (const [key, each] of flow.nodes) {
          troubleOf(each);
          said.said(key);
        }
        concernsOf(flow.nodes, flow.graph, () => 0);
      }),
    );
  });
});

describe("what an operator should look at", () => {
  const kinds = (...nodes: ReturnType<typeof node>[]) => {
    const { graph, nodes: byKey } = flowOf(nodes, []);
    return concernsOf(byKey, graph, () => 0).map((concern) => [concern.node.label, concern.kind]);
  };

  test("a mistake keeps its node from starting for good, a missing chart is tried again", () => {
    expect(
      kinds(
        node("pulling", { meta: { chartProblem: PULL } }),
        node("stuck", { status: "running", meta: { mistakes: [RING], reason: "DependencyNotReady" } }),
        node("bad", { status: "failed", meta: { stalled: true, mistakes: [RING] } }),
        node("well", { status: "succeeded", meta: { chartProblem: PULL } }),
        node("asleep", { meta: { suspended: true, mistakes: [RING] } }),
      ),
    ).toEqual([
      ["bad", "failed"],
      ["stuck", "stuck"],
      ["pulling", "trying"],
    ]);
  });

  test("the mistake comes first, the chart in one line", () => {
    expect(troubleOf(one({ mistakes: [RING], chartProblem: PULL }))).toEqual({ kind: "mistake", why: RING });
    expect(troubleOf(one({ chartProblem: PULL }))).toEqual({ kind: "chart", why: "no chart: ChartPullError: no such chart" });
    expect(troubleOf(one({ chartProblem: PULL }, "succeeded"))).toBeUndefined();
  });
});

test("what is waited for is told by id, also by a name of the region, also what nobody reported, also afterwards", () => {
  const nodes = [
    node("r", { region: "r" }),
    node("r/a", { region: "r", status: "succeeded", meta: { waitingFor: ["r/b", "c", "r/gone", "r/b", ""] } }),
    node("r/b", { region: "r" }),
    node("r/c", { region: "r" }),
  ];
  const flow = flowOf(nodes, [...inside("r", "r/a", "r/b", "r/c"), ...waits("r/a", "r/b")]);
  const [, a, b, c] = [...flow.nodes.keys()];
  const all = waitsIn(flow.graph, flow.nodes);
  expect(all.said(a!)).toEqual([b, c, "1:f6:r/gone"]);
  expect(all.blockers(a!)).toEqual([]);
  expect(all.said(b!)).toEqual([]);
});
