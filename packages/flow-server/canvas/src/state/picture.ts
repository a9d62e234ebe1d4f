/**
 * The picture that all views draw: of now, or of a moment in the past. Messages are folded as they arrive; the views
 * see them once per animation frame, however many came.
 */

import { batch, computed, signal } from "@preact/signals";
import { emptyState, type FlowMessage, type FlowState, nodeKey } from "../core/contract";
import { fold, headerOf, isDerived } from "../core/fold";
import { type Graph, graphOf } from "../core/graph";
import { type Look, lookOf } from "../core/look";
import { count, emptyTally, type Tally } from "../core/tally";
import { now, serverNow } from "./clock";

export type Picture = {
  readonly flowId: string;
  readonly state: FlowState;
  /** Grows with every picture. */
  readonly version: number;
  /** Another one means that nodes or relationships came or went. */
  readonly shape: number;
  /** The moment shown, Unix milliseconds; undefined: now. */
  readonly at: number | undefined;
  /** Keys of the nodes that changed since the picture before; undefined: any of them may have. */
  readonly touched: ReadonlySet<string> | undefined;
};

let version = 0;
let shape = 0;
let live: FlowState = emptyState();
let flowId = "";
let past: { state: FlowState; at: number } | undefined;
let drawing = false;
let shapeChanged = false;
/** As in `Picture`, for the next one. */
let touched: Set<string> | undefined = new Set();

/** As of this frame: for the painters, which change little when little changed. */
export const picture = signal<Picture>({ flowId: "", state: live, version: 0, shape: 0, at: undefined, touched: undefined });
/**
 * The same, four times a second at most: for everything that is counted, sorted or read, and would otherwise be made
 * anew sixty times a second. The first change after a pause shows at once.
 */
export const steady = signal<Picture>(picture.peek());
const STEADY_MS = 250;
let steadyAt = -Infinity;
let steadyTimer: ReturnType<typeof setTimeout> | undefined;
/** Whether the first snapshot has come. */
export const loaded = signal(false);
/** The server's word that a flow we saw is gone; until something is sent to it again. */
export const removed = signal(false);
/** Called with every node that a live message changed, before and after: what notices and announcements are made of. */
export type Witness = (before: Look | undefined, after: Look, key: string) => void;
const witnesses = new Set<Witness>();
export const onChange = (witness: Witness): (() => void) => {
  witnesses.add(witness);
  return () => witnesses.delete(witness);
};

/** Starts again with another flow. */
export function forget(nextFlowId: string): void {
  live = emptyState();
  flowId = nextFlowId;
  past = undefined;
  batch(() => {
    loaded.value = false;
    removed.value = false;
    publish(true);
  });
}

export function take(message: FlowMessage): void {
  const before = live.nodes.size;
  const looks = witnesses.size > 0 && loaded.peek() ? looksBefore(message) : undefined;
  const changed = fold(live, message);
  if (looks !== undefined) report(looks, message);
  shapeChanged ||= changed.shape;
  if (message.type === "upsert-nodes") for (const node of message.nodes) touched?.add(nodeKey(node.flowId, node.id));
  else if (message.type === "snapshot" || message.type === "delete-nodes") touched = undefined;
  if (message.type === "snapshot") {
    loaded.value = true;
    if (before > 0 && live.nodes.size === 0 && isDerived(live.flow)) removed.value = true;
  }
  if (live.nodes.size > 0 && removed.peek()) removed.value = false;
  if (past !== undefined) return;
  // The first picture waits for no frame: there is none that it could be too early for.
  if (message.type === "snapshot" && before === 0) publish(shapeChanged);
  else draw();
}

/** Shows a moment of the past, or now again. */
export function show(moment: { state: FlowState; at: number } | undefined): void {
  past = moment;
  publish(true);
}

export const liveState = (): FlowState => live;

function looksBefore(message: FlowMessage): Map<string, Look | undefined> {
  const nodes = message.type === "upsert-nodes" || message.type === "snapshot" ? message.nodes : [];
  return new Map(
    nodes.map((node) => {
      const key = nodeKey(node.flowId, node.id);
      const known = live.nodes.get(key);
      return [key, known && lookOf(known)];
    }),
  );
}

function report(looks: Map<string, Look | undefined>, message: FlowMessage): void {
  for (const [key, look] of looks) {
    const node = live.nodes.get(key);
    if (node === undefined) continue;
    const after = lookOf(node);
    if (after !== look && !(message.type === "snapshot" && look === undefined)) {
      for (const witness of witnesses) witness(look, after, key);
    }
  }
}

/** A hidden page gets no animation frames, yet its title and its notices go on. */
function draw(): void {
  if (drawing) return;
  drawing = true;
  const next = (): void => {
    drawing = false;
    if (past === undefined) publish(shapeChanged);
  };
  if (document.visibilityState === "visible") requestAnimationFrame(next);
  else setTimeout(next, 500);
}

function publish(reshaped: boolean): void {
  version += 1;
  if (reshaped) shape += 1;
  shapeChanged = false;
  const next: Picture = { flowId, state: past?.state ?? live, version, shape, at: past?.at, touched: past === undefined ? touched : undefined };
  touched = new Set();
  const before = steady.peek();
  const moved = reshaped || next.at !== before.at || next.flowId !== before.flowId || next.state !== before.state;
  batch(() => {
    picture.value = next;
    if (moved || performance.now() - steadyAt >= STEADY_MS) settle();
  });
  if (steady.peek() !== next) steadyTimer ??= setTimeout(settle, STEADY_MS - (performance.now() - steadyAt));
}

function settle(): void {
  clearTimeout(steadyTimer);
  steadyTimer = undefined;
  steadyAt = performance.now();
  steady.value = picture.peek();
}

document.addEventListener("visibilitychange", () => {
  // A frame that was asked for while the page went to sleep may never come.
  if (drawing) {
    drawing = false;
    draw();
  }
});

const shapeOfPicture = computed(() => picture.value.shape);

export const graph = computed<Graph>(() => {
  void shapeOfPicture.value;
  const { flowId: id, state } = picture.peek();
  return graphOf(id, state.nodes, state.relationships.values());
});

export type Tallies = { readonly all: Tally; readonly lanes: ReadonlyMap<string, Tally> };

export const tallies = computed<Tallies>(() => {
  const { state } = steady.value;
  const { laneOf, holding } = graph.value;
  const all = emptyTally();
  const lanes = new Map<string, Tally>();
  for (const lane of graph.value.lanes) lanes.set(lane.name, emptyTally());
  for (const [key, node] of state.nodes) {
    if (holding.has(key)) continue;
    const look = lookOf(node);
    count(all, node, look);
    const lane = lanes.get(laneOf.get(key) ?? "");
    if (lane !== undefined) count(lane, node, look);
  }
  return { all, lanes };
});

export const header = computed(() => {
  const { flowId: id, state } = steady.value;
  return headerOf(state, { flowId: id, at: serverNow() });
});

/** The moment that is shown, Unix milliseconds: ticks with the clock, or stands still in the past. */
export const shownTime = computed(() => steady.value.at ?? now.value);

/** When the shown flow began and, when nothing is left to do, ended. Unix milliseconds. */
export const span = computed<{ start: number; end: number | undefined }>(() => {
  const { state } = steady.value;
  const flow = header.value;
  const { all } = tallies.value;
  const { holding } = graph.value;
  let first = Infinity;
  let last = -Infinity;
  for (const [key, node] of state.nodes) {
    if (holding.has(key)) continue;
    if (node.startedAt !== undefined) first = Math.min(first, node.startedAt);
    if (node.endedAt !== undefined) last = Math.max(last, node.endedAt);
  }
  // A derived header starts when the server first heard of the flow, which a restart of the server moves.
  const start = isDerived(flow) ? Math.min(first, flow.startedAt) : flow.startedAt;
  const over = all.total > 0 && all.ready + all.failed === all.total;
  const end = flow.endedAt ?? (over && last > -Infinity ? Math.max(last, start) : undefined);
  return { start, end };
});
