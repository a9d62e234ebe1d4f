import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyState, type FlowMessage, type FlowState } from "./contract";
import { node, seeded } from "./flows.testing";
import { fold } from "./fold";
import { entriesOf, type Entry, History } from "./history";

const flow = { id: "f", status: "running", startedAt: 0 };
const base: Entry = {
  seq: 10,
  message: { type: "snapshot", flow, nodes: [node("a"), node("b")], relationships: [{ fromId: "a", toId: "b", type: "finish-to-start" }] },
};
const upsert = (id: string, status: string): FlowMessage => ({ type: "upsert-nodes", nodes: [node(id, { status })] });
const statuses = (state: FlowState): string => [...state.nodes.values()].map(({ id, status }) => `${id} ${status}`).join(", ");

test("shows the base before the first message, then what each message made of it", () => {
  const history = new History();
  history.append([base, { seq: 11, at: 1000, message: upsert("a", "running") }, { seq: 15, at: 2000, message: upsert("a", "succeeded") }]);
  expect(history.span).toEqual({ start: 1000, end: 2000 });
  expect(history.moments()).toEqual([1000, 2000]);
  expect(history.lastSeq).toBe(15);
  expect(statuses(history.stateAt(0))).toBe("a pending, b pending");
  expect(statuses(history.stateAt(999))).toBe("a pending, b pending");
  expect(statuses(history.stateAt(1000))).toBe("a running, b pending");
  expect(statuses(history.stateAt(5000))).toBe("a succeeded, b pending");
});

test("a page asked for twice changes nothing, and what the caller does to a state stays the caller's", () => {
  const history = new History();
  const page = [base, { seq: 11, at: 1000, message: upsert("a", "running") }];
  history.append(page);
  history.append(page);
  expect(history.size).toBe(2);
  history.stateAt(1000).nodes.clear();
  expect(history.stateAt(1000).nodes.size).toBe(2);
});

test("without an entry there is nothing, and no span", () => {
  const history = new History();
  expect(history.stateAt(5)).toEqual(emptyState());
  expect(history.span).toBeUndefined();
  expect(history.lastSeq).toBeUndefined();
});

test("a clock that went back hides nothing", () => {
  const history = new History();
  history.append([base, { seq: 11, at: 5000, message: upsert("a", "running") }, { seq: 12, at: 3000, message: upsert("b", "failed") }]);
  expect(statuses(history.stateAt(4000))).toBe("a pending, b pending");
  expect(statuses(history.stateAt(5000))).toBe("a running, b failed");
});

const anyMessage: fc.Arbitrary<FlowMessage> = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 9 }), fc.constantFrom("pending", "running", "failed")).map(([n, status]) => upsert(`n${n}`, status)),
  fc.integer({ min: 0, max: 9 }).map((n): FlowMessage => ({ type: "delete-nodes", ids: [`n${n}`] })),
  fc.tuple(fc.nat(9), fc.nat(9)).map(([a, b]): FlowMessage => ({
    type: "upsert-rels",
    relationships: [{ fromId: `n${a}`, toId: `n${b}`, type: "finish-to-start" }],
  })),
  fc.constant<FlowMessage>({ type: "snapshot", flow, nodes: [node("n0")], relationships: [] }),
  fc.constantFrom("running", "failed").map((status): FlowMessage => ({ type: "upsert-flow", flow: { ...flow, status } })),
);

test("at any moment it is what folding everything from the start gives", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), anyMessage), { maxLength: 400, size: "max" }), fc.array(fc.nat(2000), { maxLength: 5 }), (steps, moments) => {
      let clock = 0;
      const entries = steps.map(([pause, message], at): Entry => ({ seq: 11 + at, at: (clock += pause), message }));
      const history = new History();
      history.append([base, ...entries.slice(0, steps.length >> 1)]);
      history.append(entries.slice(steps.length >> 1));
      for (const at of moments) {
        const expected = emptyState();
        for (const entry of [base, ...entries.filter((each) => each.at! <= at)]) fold(expected, entry.message);
        expect(history.stateAt(at)).toEqual(expected);
        expect([...history.stateAt(at).nodes.keys()]).toEqual([...expected.nodes.keys()]);
      }
    }),
    { numRuns: 60 },
  );
});

test("20,000 messages keep few copies, and each moment is right", () => {
  const random = seeded(3);
  const history = new History();
  const entries = Array.from({ length: 20_000 }, (_, at): Entry => ({
    seq: 11 + at,
    at: at * 10,
    message: upsert(`n${Math.floor(random() * 50)}`, String(at)),
  }));
  history.append([base, ...entries]);
  const expected = emptyState();
  fold(expected, base.message);
  entries.forEach((entry, at) => {
    fold(expected, entry.message);
    if (at % 997 === 0) expect(history.stateAt(at * 10)).toEqual(expected);
  });
});

test("lines that are no entries are left out", () => {
  const good = JSON.stringify({ seq: 11, at: 1, message: upsert("a", "running") });
  expect(entriesOf(`${good}\n\n{"seq":12,"at":2,"mess\nnull\n7\n{"seq":"13","message":{"type":"x"}}\n`)).toHaveLength(1);
  expect(entriesOf("")).toEqual([]);
});
