import fc from "fast-check";
import { expect, test } from "vitest";
import { compare, isDifferent, siblingsOf } from "./compare";
import { anyFlow, flowOf, node } from "./flows.testing";
import { type Row, rowsOf } from "./table";

const release = (region: string, name: string, took: number | undefined, status = "succeeded") =>
  node(`${region}/${name}`, { region, status, ...(took === undefined ? {} : { startedAt: 1000, endedAt: 1000 + took }) });
const rows = (...nodes: ReturnType<typeof release>[]): Row[] => {
  const flow = flowOf(nodes, []);
  return rowsOf(flow.nodes, flow.graph, 0);
};

test("two regions are compared by name: missing first, then the slowest down to the fastest", () => {
  const found = compare(
    rows(release("fsn1", "a", 10_000), release("fsn1", "b", 10_000), release("fsn1", "c", 5000), release("fsn1", "gone", 1)),
    rows(release("hel1", "a", 9000), release("hel1", "b", 70_000), release("hel1", "c", undefined, "failed"), release("hel1", "new", 1)),
  );
  expect(found.map(({ name, slowerMs }) => [name, slowerMs])).toEqual([
    ["gone", undefined],
    ["new", undefined],
    ["b", 60_000],
    ["a", -1000],
    ["c", undefined],
  ]);
  expect(found.filter(({ otherStatus }) => otherStatus).map(({ name }) => name)).toEqual(["c"]);
  expect(found.every(isDifferent)).toBe(true);
});

test("two flows with the same regions are compared region by region, others by name alone", () => {
  const before = rows(release("fsn1", "a", 1000), release("hel1", "a", 2000));
  const same = compare(before, rows(release("fsn1", "a", 5000), release("hel1", "a", 2000)));
  expect(same.map(({ lane, slowerMs }) => [lane, slowerMs])).toEqual([["fsn1", 4000], ["hel1", 0]]);
  expect(isDifferent(same[1]!)).toBe(false);
  const other = compare(before, rows(release("x", "a", 5000), release("y", "a", 6000)));
  expect(other.map(({ lane, slowerMs }) => [lane, slowerMs])).toEqual([["", 4000]]);
});

test("nothing differs from itself, and turning the sides around turns the times around", () => {
  fc.assert(
    fc.property(anyFlow, anyFlow, (one, other) => {
      const [a, b] = [rowsOf(one.nodes, one.graph, 2000), rowsOf(other.nodes, other.graph, 2000)];
      expect(compare(a, a).filter(isDifferent)).toEqual([]);
      const names = (list: Row[]): Set<string> => new Set(list.map(({ name }) => name));
      expect(new Set(compare(a, b).map(({ name }) => name))).toEqual(names([...a, ...b]));
    }),
  );
});

test("a release that takes far longer, or stands otherwise, than in most regions is marked", () => {
  const all = rows(
    ...["r1", "r2", "r3", "r4"].map((region, at) => release(region, "a", 60_000 + at * 1000)),
    release("r5", "a", 200_000),
    release("r6", "a", 10_000),
    release("r7", "a", undefined, "failed"),
    release("r8", "b", 1),
  );
  const found = siblingsOf(all, "a", ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"]);
  expect(found.map(({ outlier }) => outlier)).toEqual([undefined, undefined, undefined, undefined, "slow", "fast", undefined, undefined]);
  expect(found.map(({ odd }) => odd)).toEqual([false, false, false, false, false, false, true, false]);
  expect(found[7]!.row).toBeUndefined();
});

test("with two regions nobody is an outlier", () => {
  const found = siblingsOf(rows(release("r1", "a", 1), release("r2", "a", 900_000)), "a", ["r1", "r2"]);
  expect(found.map(({ outlier, odd }) => [outlier, odd])).toEqual([[undefined, false], [undefined, false]]);
});
