/** What the times say: the critical path, and how long it still takes. Once a second at most: it looks at everything. */

import { computed, effect, signal, untracked } from "@preact/signals";
import type { FlowInstance, FlowState, Snapshot } from "../core/contract";
import { criticalPath } from "../core/criticalPath";
import { type Knowledge, learn, timeLeft } from "../core/estimate";
import { emptyState } from "../core/contract";
import { fold } from "../core/fold";
import { graphOf, linksBefore } from "../core/graph";
import { linkKey } from "../draw/region";
import { graph, loaded, type Picture, shownTime, steady, tallies } from "./picture";
import { flowPath } from "../stream/request";
import { get } from "./token";
import { flowId } from "./view";

const EVERY_MS = 1000;

/** The picture, at most once a second; at once when another flow or another moment is shown. */
export const calm = signal<Picture>(steady.peek());
let last = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  const next = steady.value;
  untracked(() => {
    clearTimeout(timer);
    const since = performance.now() - last;
    const moved = next.at !== calm.peek().at || next.flowId !== calm.peek().flowId || calm.peek().state.nodes.size === 0;
    const publish = (): void => {
      last = performance.now();
      calm.value = steady.peek();
    };
    if (moved || since >= EVERY_MS) publish();
    else timer = setTimeout(publish, EVERY_MS - since);
  });
});

export const critical = computed(() => {
  const { state } = calm.value;
  return criticalPath(graph.value, state.nodes, shownTime.peek());
});

export const criticalKeys = computed<ReadonlySet<string>>(() => new Set(critical.value.steps.map(({ key }) => key)));

/** The links of the critical path, as `linkKey` names them. */
export const criticalLinks = computed<ReadonlySet<string>>(() => {
  const found = new Set<string>();
  critical.value.steps.forEach(({ key }, at) => {
    const before = critical.value.steps[at - 1]?.key;
    for (const link of before === undefined ? [] : linksBefore(graph.value, key)) {
      if (link.from === before) found.add(linkKey(link));
    }
  });
  return found;
});

/** What flows that are over have taught; of this flow's own regions it learns as they go. */
const taught = signal<Knowledge>(new Map());
/** So many finished flows say what is usual. */
const TEACHERS = 3;

export const left = computed(() => {
  const { state } = calm.value;
  const { all } = tallies.value;
  if (all.total === 0 || all.ready === all.total) return undefined;
  const links = graph.value;
  return timeLeft(links, state.nodes, shownTime.peek(), learn(links, state.nodes, taught.value));
});

async function study(own: string, end: AbortSignal): Promise<void> {
  const answer = await get("v1/flows", { signal: end });
  if (!answer.ok) return;
  const { flows } = (await answer.json()) as { flows: (Pick<FlowInstance, "id" | "status" | "startedAt"> & { changedAt: number })[] };
  const over = flows.filter(({ id, status }) => id !== own && status === "succeeded");
  over.sort((a, b) => b.changedAt - a.changedAt);
  let known: Knowledge = new Map();
  for (const { id } of over.slice(0, TEACHERS)) {
    const flow = await snapshotOfFlow(id, end);
    if (flow !== undefined) known = learn(graphOf(id, flow.nodes, flow.relationships.values()), flow.nodes, known);
  }
  taught.value = known;
}

/** Another flow's state as it is now; undefined when it cannot be had. */
export async function snapshotOfFlow(id: string, signalOfEnd: AbortSignal): Promise<FlowState | undefined> {
  const answer = await get(flowPath(id, "/snapshot"), { signal: signalOfEnd });
  if (!answer.ok) return undefined;
  const state = emptyState();
  fold(state, (await answer.json()) as Snapshot);
  return state;
}

effect(() => {
  const id = flowId.value;
  taught.value = new Map();
  if (id === undefined || !loaded.value) return undefined;
  const end = new AbortController();
  study(id, end.signal).catch(() => undefined); // Then the other regions alone say how long it takes, or nobody.
  return () => end.abort();
});
