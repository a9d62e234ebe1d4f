/** Generated flows for the tests of this folder: any graph the contract allows, and plain layered ones. */

import fc from "fast-check";
import { type FlowNode, nodeKey, type Relationship, type RelationshipType } from "./contract";
import { type Graph, graphOf, type Nodes } from "./graph";

export const FLOW = "f";

export type Flow = { readonly nodes: Nodes; readonly relationships: readonly Relationship[]; readonly graph: Graph };

export const key = (id: string): string => nodeKey(FLOW, id);

export const node = (id: string, more: Partial<FlowNode> = {}): FlowNode => ({
  id,
  flowId: FLOW,
  label: id.slice(id.indexOf("/") + 1),
  status: "pending",
  ...more,
});

export const waits = (toId: string, ...fromIds: string[]): Relationship[] =>
  fromIds.map((fromId) => ({ fromId, toId, type: "finish-to-start", condition: "on-success" }));

export const inside = (parentId: string, ...childIds: string[]): Relationship[] =>
  childIds.map((fromId) => ({ fromId, toId: parentId, type: "contains" }));

export function flowOf(nodes: readonly FlowNode[], relationships: readonly Relationship[]): Flow {
  const byKey = new Map(nodes.map((each) => [nodeKey(each.flowId, each.id), each]));
  return { nodes: byKey, relationships, graph: graphOf(FLOW, byKey, relationships) };
}

const TYPES: readonly RelationshipType[] = [
  "contains",
  "finish-to-start",
  "start-to-start",
  "finish-to-finish",
  "start-to-finish",
  "triggers",
];

const anyStatus = fc.constantFrom("pending", "running", "succeeded", "failed", "odd", "__proto__");
const anyMeta = fc.record(
  {
    suspended: fc.boolean(),
    stalled: fc.boolean(),
    reason: fc.constantFrom<string>("InstallFailed", "DependencyNotReady", ""),
    message: fc.string(),
    attempts: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.string()),
    waitingFor: fc.oneof(
      fc.array(fc.oneof(fc.constantFrom("n0", "n1", "r0/n2", "gone"), fc.integer(), fc.constant(null)), { maxLength: 3 }),
      fc.string(),
    ),
  },
  { requiredKeys: [] },
);

/** Anything: rings, self references, absent ends, other flows, containment rings, unknown statuses, odd `meta`. */
export const anyFlow: fc.Arbitrary<Flow> = fc
  .tuple(
    fc.uniqueArray(
      fc.record(
        {
          id: fc.oneof(
            fc.integer({ min: 0, max: 12 }).map((n) => `n${n}`),
            fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 8 })).map(([r, n]) => `r${r}/n${n}`),
            fc.string({ minLength: 1, maxLength: 3 }),
          ),
          flowId: fc.constantFrom(FLOW, FLOW, FLOW, "other"),
          label: fc.string({ minLength: 1, maxLength: 4 }),
          status: anyStatus,
          family: fc.constantFrom("a", "b"),
          region: fc.constantFrom("r0", "r1", "r2"),
          startedAt: fc.integer({ min: 0, max: 1000 }),
          endedAt: fc.integer({ min: 0, max: 1000 }),
          meta: anyMeta,
        },
        { requiredKeys: ["id", "flowId", "label", "status"] },
      ),
      { selector: ({ flowId, id }) => nodeKey(flowId, id), maxLength: 25 },
    ),
    fc.array(
      fc.tuple(
        fc.nat(30),
        fc.nat(30),
        fc.constantFrom(...TYPES),
        fc.constantFrom(undefined, "on-success" as const, "on-failure" as const, "always" as const),
        fc.constantFrom(undefined, undefined, undefined, "other"),
      ),
      { maxLength: 50 },
    ),
  )
  .map(([nodes, pairs]) => {
    const idAt = (at: number): string => nodes[at]?.id ?? `absent${at}`;
    const relationships = pairs.map(
      ([from, to, type, condition, fromFlowId]): Relationship => ({
        fromId: idAt(from),
        toId: idAt(to),
        type,
        ...(condition ? { condition } : {}),
        ...(fromFlowId ? { fromFlowId } : {}),
      }),
    );
    return flowOf(nodes as FlowNode[], relationships);
  });

/** Edges between `count` items without a cycle (unless `rings`), as index pairs. */
export const edgeLists = ({ nodes = 20, edges = 50, rings = false } = {}): fc.Arbitrary<{ count: number; edges: [number, number][] }> =>
  fc.integer({ min: 1, max: nodes }).chain((count) =>
    fc
      .array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: edges })
      .map((pairs) => ({
        count,
        edges: rings ? pairs : pairs.filter(([a, b]) => a !== b).map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a])),
      })),
  );

/** Repeatable numbers in [0, 1), for graphs too large to shrink. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
