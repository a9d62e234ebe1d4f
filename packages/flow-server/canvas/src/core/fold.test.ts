import { describe, expect, test } from "vitest";
import { emptyState, type FlowMessage, type Snapshot } from "./contract";
import { fold, snapshotOf } from "./fold";

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
  });
});
