/** What the reader chose to see. All of it is in the URL, so that a colleague sees the same. */

import { batch, computed, signal } from "@preact/signals";
import { type FlowNode, nodeKey } from "../core/contract";
import { keyOfId } from "../core/graph";
import { type Filter, passes as passing, type Row, rowsOf, type Sort, sorted } from "../core/table";
import { FIRST_VIEW, type Seen, type ViewName, type ViewState } from "../core/urlState";
import { graph, shownTime, steady } from "./picture";

export const flowId = signal(FIRST_VIEW.flow);
export const view = signal<ViewName>(FIRST_VIEW.view);
/** The region opened in the graph; undefined: all of them as small multiples. */
export const openLane = signal(FIRST_VIEW.region);
/** Where somebody looks in the graph of one region; the other regions are seen whole. */
const look = signal<{ readonly lane: string | undefined; readonly seen: Seen } | undefined>(undefined);
/** Where the reader looks in the graph that is open; undefined: at all of it. */
export const seen = computed<Seen | undefined>(() => (look.value?.lane === openLane.value ? look.value?.seen : undefined));
/** Id of the selected node, as its emitter wrote it. */
export const selectedId = signal(FIRST_VIEW.node);
export const query = signal(FIRST_VIEW.search);
/** Looks to keep; empty: all. So with regions and families. */
export const looks = signal(FIRST_VIEW.looks);
export const lanes = signal(FIRST_VIEW.regions);
export const families = signal(FIRST_VIEW.families);
export const sort = signal<Sort>(FIRST_VIEW.sort);
/** The moment of the past that is shown, Unix milliseconds; undefined: now. */
export const moment = signal(FIRST_VIEW.at);
export const compareFlow = signal(FIRST_VIEW.compareFlow);
export const compareLane = signal(FIRST_VIEW.compareRegion);
export const urlTheme = signal(FIRST_VIEW.theme);
/** For a wall screen: no controls. */
export const embed = signal(FIRST_VIEW.embed);

/** All of it, as the URL has it. */
export const viewState = computed<ViewState>(() => ({
  flow: flowId.value,
  view: view.value,
  region: openLane.value,
  seen: seen.value,
  node: selectedId.value,
  search: query.value,
  looks: looks.value,
  regions: lanes.value,
  families: families.value,
  sort: sort.value,
  at: moment.value,
  compareFlow: compareFlow.value,
  compareRegion: compareLane.value,
  theme: urlTheme.value,
  embed: embed.value,
}));

/** Looks there, in the graph that is open; undefined: at all of it. */
export function lookAt(place: Seen | undefined): void {
  look.value = place && { lane: openLane.peek(), seen: place };
}

export function apply(state: ViewState): void {
  batch(() => {
    flowId.value = state.flow;
    view.value = state.view;
    openLane.value = state.region;
    lookAt(state.seen);
    selectedId.value = state.node;
    query.value = state.search;
    looks.value = state.looks;
    lanes.value = state.regions;
    families.value = state.families;
    sort.value = state.sort;
    moment.value = state.at;
    compareFlow.value = state.compareFlow;
    compareLane.value = state.compareRegion;
    urlTheme.value = state.theme;
    embed.value = state.embed;
  });
}

export const selectedKey = computed<string | undefined>(() => {
  const id = selectedId.value;
  if (id === undefined) return undefined;
  const { flowId: flow, state } = steady.value;
  return keyOfId(flow, state.nodes, id);
});

export const selectedNode = computed(() => {
  const key = selectedKey.value;
  return key === undefined ? undefined : steady.value.state.nodes.get(key);
});

export const isFiltering = computed(
  () => query.value.trim() !== "" || looks.value.size > 0 || lanes.value.size > 0 || families.value.size > 0,
);

const filter = computed<Filter>(() => ({
  search: query.value,
  looks: looks.value,
  lanes: lanes.value,
  families: families.value,
}));

/** All rows, whatever is filtered. */
export const allRows = computed(() => {
  const { state } = steady.value;
  return rowsOf(state.nodes, graph.value, shownTime.peek());
});

/** What passes the filters, in the table's order. */
export const rows = computed<readonly Row[]>(() => sorted(allRows.value.filter(passing(filter.value)), sort.value));

/** The keys that pass the filters; undefined: nothing is filtered. */
export const passingKeys = computed<ReadonlySet<string> | undefined>(() =>
  isFiltering.value ? new Set(rows.value.map(({ key }) => key)) : undefined,
);

/** Selects a node, or nothing. Where one region is open up close, that of the node opens. */
export function select(node: FlowNode | undefined): void {
  batch(() => {
    selectedId.value = node?.id;
    const lane = node && graph.peek().laneOf.get(nodeKey(node.flowId, node.id));
    if (lane !== undefined && openLane.peek() !== undefined && compareLane.peek() === undefined) openLane.value = lane;
  });
}

export function clearFilters(): void {
  batch(() => {
    query.value = "";
    looks.value = new Set();
    lanes.value = new Set();
    families.value = new Set();
  });
}

/** The same set with `value` in it if it was not, without it if it was. */
export function toggled<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}

