import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyFlow, flowOf, inside, node } from "./flows.testing";
import type { Look } from "./look";
import { whyOf } from "./meta";
import { COLUMNS, FAILURES_FIRST, NO_FILTER, passes, type Row, rowsOf, sorted, sortedBy, step } from "./table";

const NOW = 100_000;
const { nodes, graph } = flowOf(
  [
    node("fsn1", { region: "fsn1", status: "failed" }),
    node("fsn1/ok", { region: "fsn1", status: "succeeded", startedAt: 1000, endedAt: 3000, family: "Base" }),
    node("fsn1/bad", { region: "fsn1", status: "failed", startedAt: 5000, endedAt: 4000, meta: { reason: "InstallFailed", attempts: 3 } }),
    node("fsn1/busy", { region: "fsn1", status: "running", startedAt: 40_000 }),
    node("ash/bad", { region: "ash", status: "failed" }),
    node("ash/odd", { region: "ash", status: "cooking" }),
    node("ash/off", { region: "ash", meta: { suspended: true } }),
  ],
  inside("fsn1", "fsn1/ok", "fsn1/bad", "fsn1/busy"),
);
const rows = rowsOf(nodes, graph, NOW);
const ids = (some: Iterable<Row>): string[] => [...some].map((row) => row.node.id);
const kept = (filter: object): string[] => ids(rows.filter(passes({ ...NO_FILTER, ...filter })));

test("there is a row for everything but containers, with durations that are never negative", () => {
  expect(ids(rows)).toEqual(["fsn1/ok", "fsn1/bad", "fsn1/busy", "ash/bad", "ash/odd", "ash/off"]);
  expect(rows.map((row) => row.tookMs)).toEqual([2000, 0, 60_000, undefined, undefined, undefined]);
});

test("failures come first, then what runs, and what is done last; equals by region and name", () => {
  expect(ids(sorted(rows, FAILURES_FIRST))).toEqual(["ash/bad", "fsn1/bad", "fsn1/busy", "ash/odd", "ash/off", "fsn1/ok"]);
});

test("what has no value in a column stands last, whichever way it is sorted", () => {
  for (const descending of [false, true]) {
    const took = sorted(rows, { column: "took", descending }).map((row) => row.tookMs);
    expect(took.slice(3)).toEqual([undefined, undefined, undefined]);
    expect(took.slice(0, 3)).toEqual(descending ? [60_000, 2000, 0] : [0, 2000, 60_000]);
  }
});

test("any order of the rows sorts to the same, every row kept, by any column", () => {
  fc.assert(
    fc.property(anyFlow, fc.constantFrom(...COLUMNS), fc.boolean(), (flow, column, descending) => {
      const all = rowsOf(flow.nodes, flow.graph, NOW);
      const once = sorted(all, { column, descending });
      expect(new Set(ids(once))).toEqual(new Set(ids(all)));
      expect(sorted(all.toReversed(), { column, descending })).toEqual(once);
      expect(sorted(once, { column, descending })).toEqual(once);
    }),
  );
});

describe("filters", () => {
  test("search finds all words, in any case, in id, family, region, status word and reason", () => {
    expect(kept({ search: " BAD fsn1 " })).toEqual(["fsn1/bad"]);
    expect(kept({ search: "base" })).toEqual(["fsn1/ok"]);
    expect(kept({ search: "ready" })).toEqual(["fsn1/ok"]);
    expect(kept({ search: "cooking" })).toEqual(["ash/odd"]);
    expect(kept({ search: "installfailed" })).toEqual(["fsn1/bad"]);
    expect(kept({ search: "nowhere" })).toEqual([]);
  });

  test("statuses, regions and families are each any of, and all together", () => {
    expect(kept({ looks: new Set<Look>(["failed", "running"]) })).toEqual(["fsn1/bad", "fsn1/busy", "ash/bad"]);
    expect(kept({ looks: new Set<Look>(["failed"]), lanes: new Set(["ash"]) })).toEqual(["ash/bad"]);
    expect(kept({ families: new Set(["Base"]) })).toEqual(["fsn1/ok"]);
    expect(kept({ families: new Set([""]) })).toHaveLength(5);
  });
});

test("a second click on a column turns it around, another column starts the usual way", () => {
  const once = sortedBy(FAILURES_FIRST, "took");
  expect(once).toEqual({ column: "took", descending: false });
  expect(sortedBy(once, "took")).toEqual({ column: "took", descending: true });
  expect(sortedBy(sortedBy(once, "took"), "name")).toEqual({ column: "name", descending: false });
});

test("j and k walk the rows and stop at the ends", () => {
  const order = sorted(rows, FAILURES_FIRST);
  expect(step(order, undefined, 1)).toBe(order[0]);
  expect(step(order, undefined, -1)).toBe(order.at(-1));
  expect(step(order, order[0]!.key, 1)).toBe(order[1]);
  expect(step(order, order[0]!.key, -1)).toBe(order[0]);
  expect(step(order, order.at(-1)!.key, 1)).toBe(order.at(-1));
  expect(step(order, "gone", 1)).toBe(order[0]);
  expect(step([], undefined, 1)).toBeUndefined();
});

test("what waits says for what, whatever else its emitter said", () => {
  const meta = { reason: "DependencyNotReady", message: "not ready", waitingFor: ["bp-b", "bp-c"] };
  expect(whyOf(node("a", { status: "running", meta }))).toBe("waits for bp-b, bp-c");
  expect(whyOf(node("a", { status: "failed", meta }))).toBe("DependencyNotReady: not ready");
  expect(whyOf(node("a", { status: "running", meta: { ...meta, waitingFor: [] } }))).toBe("DependencyNotReady: not ready");
});
