/** The wire types, schema version 1, exactly as the contract has them. Ids are opaque: never parsed, always encoded in URLs. */

/** Unix milliseconds. */
export type Time = number;
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Meta = { readonly [key: string]: Json };

export type Trigger = { readonly flowId: string; readonly when: "success" | "failure" | "always" };

export type FlowInstance = {
  readonly id: string;
  readonly definitionId?: string;
  readonly parentFlowId?: string;
  readonly triggeredBy?: readonly Trigger[];
  readonly status: string;
  readonly startedAt: Time;
  readonly endedAt?: Time;
  readonly meta?: Meta;
};

export type FlowNode = {
  readonly id: string;
  readonly flowId: string;
  readonly label: string;
  /** An open vocabulary; `pending`, `running`, `succeeded`, `failed` are the ones with a look of their own. */
  readonly status: string;
  readonly family?: string;
  readonly region?: string;
  readonly startedAt?: Time;
  readonly endedAt?: Time;
  readonly meta?: Meta;
};

export type RelationshipType =
  | "contains"
  | "finish-to-start"
  | "start-to-start"
  | "finish-to-finish"
  | "start-to-finish"
  | "triggers";

export type Relationship = {
  /** For `contains`: the child. */
  readonly fromId: string;
  /** For `contains`: the parent. */
  readonly toId: string;
  /** Absent: the flow at hand. */
  readonly fromFlowId?: string;
  /** Absent: the flow at hand. */
  readonly toFlowId?: string;
  readonly type: RelationshipType;
  readonly condition?: "on-success" | "on-failure" | "always";
  /** Seconds. */
  readonly lag?: number;
};

export type Pair = { readonly fromId: string; readonly toId: string; readonly type: RelationshipType };

export type Snapshot = {
  readonly type: "snapshot";
  readonly flow: FlowInstance;
  readonly nodes: readonly FlowNode[];
  readonly relationships: readonly Relationship[];
};
export type UpsertFlow = { readonly type: "upsert-flow"; readonly flow: FlowInstance };
export type UpsertNodes = { readonly type: "upsert-nodes"; readonly nodes: readonly FlowNode[] };
export type UpsertRels = { readonly type: "upsert-rels"; readonly relationships: readonly Relationship[] };
export type DeleteNodes = { readonly type: "delete-nodes"; readonly ids: readonly string[] };
export type DeleteRels = { readonly type: "delete-rels"; readonly pairs: readonly Pair[] };

export type FlowMessage = Snapshot | UpsertFlow | UpsertNodes | UpsertRels | DeleteNodes | DeleteRels;

/** Everything known about one flow. The maps are in order of first appearance; an update keeps its place. */
export type FlowState = {
  flow?: FlowInstance;
  /** By `nodeKey(flowId, id)`. */
  readonly nodes: Map<string, FlowNode>;
  /** By `relationshipKey(relationship)`. */
  readonly relationships: Map<string, Relationship>;
};

export const emptyState = (): FlowState => ({ nodes: new Map(), relationships: new Map() });

// Keys are several opaque texts as one, unambiguously: each goes with its length before it, where another follows.

/** The natural key of a node: the flow it belongs to and its id. */
export const nodeKey = (flowId: string, id: string): string => `${flowId.length}:${flowId}${id.length}:${id}`;

/** The natural key of a relationship: its ends and its type, which is one word; whichever flows the ends are in. */
export const relationshipKey = ({ fromId, toId, type }: Pair): string => `${type} ${fromId.length} ${fromId}${toId}`;

/** Suspended on purpose: not counted, it is never going to be ready. */
export const isSuspended = (node: FlowNode): boolean => node.meta?.["suspended"] === true;
