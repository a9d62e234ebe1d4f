/** What the reader chose to see. All of it is in the URL, so that a colleague sees the same. */

import { computed, signal } from "@preact/signals";
import { type Look, lookOf } from "../core/look";
import { keyOfId } from "../core/graph";
import type { FlowNode } from "../core/contract";
import { graph, picture } from "./picture";

export type ViewName = "graph" | "timeline" | "table";

export const flowId = signal<string | undefined>(undefined);
export const view = signal<ViewName>("graph");
/** The region opened in the graph; undefined: all of them as small multiples. */
export const openLane = signal<string | undefined>(undefined);
/** Id of the selected node, as its emitter wrote it. */
export const selectedId = signal<string | undefined>(undefined);
export const query = signal("");
/** Looks to keep; empty: all. */
export const looks = signal<ReadonlySet<Look>>(new Set());
/** Regions to keep; empty: all. */
export const lanes = signal<ReadonlySet<string>>(new Set());
/** The moment of the past that is shown, Unix milliseconds. */
export const moment = signal<number | undefined>(undefined);
/** The other flow to compare with. */
export const compareFlow = signal<string | undefined>(undefined);
/** For a wall screen: no controls. */
export const embed = signal(false);
/** Narrow: the table stands in for the graph until somebody asks for it. */
export const narrow = signal(false);

export const selectedKey = computed<string | undefined>(() => {
  const id = selectedId.value;
  if (id === undefined) return undefined;
  const { flowId: flow, state } = picture.value;
  return keyOfId(flow, state.nodes, id);
});

export const isFiltering = computed(() => query.value !== "" || looks.value.size > 0 || lanes.value.size > 0);

/** Whether a node passes the filters. */
export const passes = computed<(key: string, node: FlowNode) => boolean>(() => {
  const wanted = query.value.trim().toLowerCase();
  const keepLooks = looks.value;
  const keepLanes = lanes.value;
  const { laneOf } = graph.value;
  return (key, node) =>
    (keepLooks.size === 0 || keepLooks.has(lookOf(node))) &&
    (keepLanes.size === 0 || keepLanes.has(laneOf.get(key) ?? "")) &&
    (wanted === "" ||
      node.label.toLowerCase().includes(wanted) ||
      node.id.toLowerCase().includes(wanted) ||
      (node.family ?? "").toLowerCase().includes(wanted));
});

export function select(node: FlowNode | undefined): void {
  selectedId.value = node?.id;
}

export function toggle<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}
