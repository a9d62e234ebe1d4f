import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyState, type FlowMessage, type FlowState, type Relationship, type Snapshot } from "./contract";
import { fold, snapshotOf } from "./fold";
import { graphOf } from "./graph";

type Vector = { name: string; flowId: string; at: number; messages: FlowMessage[]; state: Snapshot };

const files = import.meta.glob<Vector[]>("../../../../flow-contract/vectors/fold/*.json", {
  eager: true,
  import: "default",
});
const vectors = Object.values(files).flat();

const after = ({ flowId, at }: Vector, messages: FlowMessage[]): Snapshot => {
  const state = emptyState();
  for (const message of messages) fold(state, message);
  return snapshotOf(state, { flowId, at });
};

describe("fold", () => {
  test("there are vectors to run against", () => expect(vectors.length).toBeGreaterThanOrEqual(40));

  test.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    expect(JSON.parse(JSON.stringify(after(vector, vector.messages)))).toEqual(vector.state);
    const ids = (nodes: Snapshot["nodes"]) => nodes.map(({ id }) => id);
    expect(ids(after(vector, vector.messages).nodes)).toEqual(ids(vector.state.nodes));
  });

  test.each(vectors.map((vector) => [vector.name, vector] as const))("%s: the last message twice is once", (_, vector) => {
    const last = vector.messages.slice(-1);
    expect(after(vector, [...vector.messages, ...last])).toEqual(after(vector, vector.messages));
  });

  test.each(vectors.map((vector) => [vector.name, vector] as const))("%s: going on from a snapshot is the same", (_, vector) => {
    for (let cut = 0; cut <= vector.messages.length; cut++) {
      const base = after(vector, vector.messages.slice(0, cut));
      const declared = base.flow.meta?.["derived"] !== true;
      const rest = vector.messages.slice(cut);
      // A derived header that a reader was given stays derived: only its start may differ from one never seen.
      const resumed = after(vector, [base, ...rest]);
      const whole = after(vector, vector.messages);
      expect({ ...resumed, flow: declared ? resumed.flow : resumed.flow.status }).toEqual({
        ...whole,
        flow: declared ? whole.flow : whole.flow.status,
      });
    }
  });
});

describe("what a message changed", () => {
  const node = (status: string) => ({ id: "a", flowId: "f", label: "a", status });
  const rel: Relationship = { fromId: "a", toId: "b", type: "finish-to-start", condition: "on-success" };
  const upsert = (...relationships: Relationship[]): FlowMessage => ({ type: "upsert-rels", relationships });

  test("a relationship that is said again is no change of shape, one that says something else is", () => {
    const state = emptyState();
    expect(fold(state, upsert(rel)).shape).toBe(true);
    expect(fold(state, upsert({ ...rel })).shape).toBe(false);
    expect(fold(state, upsert({ ...rel, lag: 0 })).shape).toBe(false);
    for (const said of [{ lag: 5 }, { condition: "always" }, { toFlowId: "g" }, { fromFlowId: "g" }, { type: "triggers" }] as const) {
      expect(fold(state, upsert({ ...rel, ...said })).shape, JSON.stringify(said)).toBe(true);
      fold(state, upsert(rel));
    }
  });

  test("of many only one needs to be new, wherever it stands", () => {
    const others = ["c", "d", "e"].map((toId): Relationship => ({ ...rel, toId }));
    for (let at = 0; at <= others.length; at++) {
      const state = emptyState();
      fold(state, upsert(...others));
      expect(fold(state, upsert(...others)).shape).toBe(false);
      expect(fold(state, upsert(...others.slice(0, at), rel, ...others.slice(at))).shape).toBe(true);
      expect([...state.relationships.values()]).toEqual([...others, rel]);
    }
  });

  test("deleting what is not there is no change of shape", () => {
    const state = emptyState();
    fold(state, { type: "upsert-nodes", nodes: [node("pending")] });
    fold(state, upsert(rel));
    expect(fold(state, { type: "delete-nodes", ids: ["z"] }).shape).toBe(false);
    expect(fold(state, { type: "delete-rels", pairs: [{ ...rel, type: "triggers" }] }).shape).toBe(false);
    expect(fold(state, { type: "delete-rels", pairs: [rel, { ...rel, type: "triggers" }] }).shape).toBe(true);
    fold(state, upsert(rel));
    expect(fold(state, { type: "delete-nodes", ids: ["b"] }).shape, "its relationship goes").toBe(true);
    expect(fold(state, { type: "delete-nodes", ids: ["a"] }).shape).toBe(true);
  });

  test("whenever the structure is another one, the shape was said to change", () => {
    const id = fc.constantFrom("a", "b", "c");
    const nodes = fc.array(
      fc.record({ id, flowId: fc.constantFrom("f", "g"), label: id, status: fc.constantFrom("pending", "failed"), region: fc.constantFrom("r", "s") }),
      { minLength: 1, maxLength: 3 },
    );
    const pair = { fromId: id, toId: id, type: fc.constantFrom("contains" as const, "finish-to-start" as const) };
    const relationships = fc.array(
      fc.record(
        { ...pair, toFlowId: fc.constant("g"), condition: fc.constantFrom("always" as const, "on-failure" as const), lag: fc.constantFrom(0, 3) },
        { requiredKeys: ["fromId", "toId", "type"] },
      ),
      { minLength: 1, maxLength: 3 },
    );
    const message: fc.Arbitrary<FlowMessage> = fc.oneof(
      nodes.map((list) => ({ type: "upsert-nodes" as const, nodes: list })),
      relationships.map((list) => ({ type: "upsert-rels" as const, relationships: list })),
      fc.array(id, { minLength: 1, maxLength: 2 }).map((ids) => ({ type: "delete-nodes" as const, ids })),
      fc.array(fc.record(pair), { minLength: 1, maxLength: 2 }).map((pairs) => ({ type: "delete-rels" as const, pairs })),
      fc.tuple(nodes, relationships).map(([some, rels]) => ({
        type: "snapshot" as const,
        flow: { id: "f", status: "running", startedAt: 1 },
        nodes: some,
        relationships: rels,
      })),
    );
    const structure = (state: FlowState) => {
      const { lanes, ...graph } = graphOf("f", state.nodes, state.relationships.values());
      return JSON.stringify([lanes, graph], (_, value) => (value instanceof Map || value instanceof Set ? [...value] : value));
    };
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
        const state = emptyState();
        let before = structure(state);
        for (const each of messages) {
          const { shape } = fold(state, each);
          const after = structure(state);
          if (after !== before) expect(shape).toBe(true);
          before = after;
        }
      }),
    );
  });

  test("a status change is no change of shape", () => {
    const state = emptyState();
    expect(fold(state, { type: "upsert-nodes", nodes: [node("pending")] }).shape).toBe(true);
    expect(fold(state, { type: "upsert-nodes", nodes: [node("failed")] }).shape).toBe(false);
  });

  test("a snapshot of what is known already is no change of shape", () => {
    const state = emptyState();
    const flow = { id: "f", status: "running", startedAt: 1 };
    const nodes = [node("pending"), { ...node("pending"), id: "b" }];
    expect(fold(state, { type: "snapshot", flow, nodes, relationships: [] }).shape).toBe(true);
    expect(fold(state, { type: "snapshot", flow, nodes: nodes.map((n) => ({ ...n, status: "failed" })), relationships: [] }).shape).toBe(false);
    expect(fold(state, { type: "snapshot", flow, nodes: nodes.reverse(), relationships: [] }).shape).toBe(true);
    const relationships = [rel, { ...rel, toId: "c" }];
    expect(fold(state, { type: "snapshot", flow, nodes, relationships }).shape).toBe(true);
    expect(fold(state, { type: "snapshot", flow, nodes, relationships: relationships.map((one) => ({ ...one })) }).shape).toBe(false);
    expect(fold(state, { type: "snapshot", flow, nodes, relationships: [rel, { ...rel, toId: "c", lag: 9 }] }).shape).toBe(true);
    expect(fold(state, { type: "snapshot", flow, nodes, relationships: relationships.reverse() }).shape).toBe(true);
  });
});
