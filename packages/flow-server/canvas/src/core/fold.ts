/**
 * The effect of each message on a flow's state. Pure but for the state that is handed in, which is changed in place:
 * at a thousand messages a second a copy of twenty thousand entries each time would be all the page does.
 */

import {
  type FlowInstance,
  type FlowMessage,
  type FlowNode,
  type FlowState,
  nodeKey,
  type Pair,
  type Relationship,
  relationshipKey,
  type Snapshot,
  type Time,
} from "./contract";
import { rollup } from "./rollup";

/**
 * What a message changed. `shape` covers everything that the structure of a flow depends on: which nodes and
 * relationships there are, what they are called, where they stand, and what a relationship says. An emitter that says
 * again what is known (as one does to heal a lost message) changes nothing.
 */
export type Changed = { shape: boolean; header: boolean };

/** Applies `message` to `state`. Nodes and relationships are replaced, never changed, so identity tells what is new. */
export function fold(state: FlowState, message: FlowMessage): Changed {
  switch (message.type) {
    case "snapshot":
      return replaceAll(state, message);
    case "upsert-flow":
      state.flow = message.flow;
      return { shape: false, header: true };
    case "upsert-nodes": {
      let shape = false;
      for (const node of message.nodes) {
        const key = nodeKey(node.flowId, node.id);
        shape = !standsAs(state.nodes.get(key), node) || shape;
        state.nodes.set(key, node);
      }
      return { shape, header: false };
    }
    case "upsert-rels": {
      let shape = false;
      for (const relationship of message.relationships) {
        const key = relationshipKey(relationship);
        shape = !saysAs(state.relationships.get(key), relationship) || shape;
        state.relationships.set(key, relationship);
      }
      return { shape, header: false };
    }
    case "delete-nodes": {
      const gone = new Set(message.ids);
      const before = state.nodes.size + state.relationships.size;
      for (const [key, node] of state.nodes) if (gone.has(node.id)) state.nodes.delete(key);
      for (const [key, { fromId, toId }] of state.relationships) {
        if (gone.has(fromId) || gone.has(toId)) state.relationships.delete(key);
      }
      return { shape: state.nodes.size + state.relationships.size < before, header: false };
    }
    case "delete-rels": {
      let shape = false;
      for (const pair of message.pairs) shape = state.relationships.delete(relationshipKey(pair)) || shape;
      return { shape, header: false };
    }
    default:
      return message satisfies never;
  }
}

function replaceAll(state: FlowState, message: Snapshot): Changed {
  const shape = !sameShape(state, message);
  state.flow = message.flow;
  state.nodes.clear();
  state.relationships.clear();
  for (const node of message.nodes) state.nodes.set(nodeKey(node.flowId, node.id), node);
  for (const relationship of message.relationships) {
    state.relationships.set(relationshipKey(relationship), relationship);
  }
  return { shape, header: true };
}

/** Whether a node of this key stands where it stood, under the same name. */
const standsAs = (before: FlowNode | undefined, { region, label }: FlowNode): boolean =>
  before !== undefined && before.region === region && before.label === label;

/** Whether a relationship of this key says what it said. */
const saysAs = (before: Relationship | undefined, { fromFlowId, toFlowId, condition, lag = 0 }: Relationship): boolean =>
  before !== undefined &&
  before.fromFlowId === fromFlowId &&
  before.toFlowId === toFlowId &&
  before.condition === condition &&
  (before.lag ?? 0) === lag;

const samePair = (a: Pair, b: Pair): boolean => a.fromId === b.fromId && a.toId === b.toId && a.type === b.type;

/** Whether a snapshot says what is known already, so that a resync need not lay anything out again. */
function sameShape(state: FlowState, { nodes, relationships }: Snapshot): boolean {
  if (state.nodes.size !== nodes.length || state.relationships.size !== relationships.length) return false;
  const keys = state.nodes.keys();
  for (const node of nodes) {
    const key = nodeKey(node.flowId, node.id);
    if (keys.next().value !== key || !standsAs(state.nodes.get(key), node)) return false;
  }
  const known = state.relationships.values();
  return relationships.every((relationship) => {
    const before = known.next().value;
    return before !== undefined && samePair(before, relationship) && saysAs(before, relationship);
  });
}

/** Whether the server made this header up because no emitter has declared one. */
export const isDerived = (flow: FlowInstance | undefined): boolean => flow?.meta?.["derived"] === true;

/** The header as readers see it: a derived one's status follows the nodes, since no message announces its changes. */
export function headerOf(state: FlowState, { flowId, at }: { flowId: string; at: Time }): FlowInstance {
  const declared = state.flow;
  if (declared !== undefined && !isDerived(declared)) return declared;
  const status = rollup(state.nodes.values());
  return declared === undefined ? { id: flowId, status, startedAt: at, meta: { derived: true } } : { ...declared, status };
}

/** The state as the one message that brings a reader to it; `at` is the start of a flow that nobody has declared. */
export function snapshotOf(state: FlowState, context: { flowId: string; at: Time }): Snapshot {
  return {
    type: "snapshot",
    flow: headerOf(state, context),
    nodes: [...state.nodes.values()],
    relationships: [...state.relationships.values()],
  };
}
