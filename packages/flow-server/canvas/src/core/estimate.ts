/**
 * The time left, as a range: what the same releases took in other regions and in flows that are over, along what still
 * has to happen one after the other. Says nothing rather than guess. Pure.
 *
 * What is learnt is not how long a release works but its *lead*: from the moment when the last thing before it was
 * ready to the moment when it was. That has the waiting for a free slot and for the next look in it.
 */

import { isSuspended, type Time } from "./contract";
import { type Graph, linksAfter, linksBefore, listAt, nameOf, type Nodes } from "./graph";
import { between, quantile } from "./times";

/** Name -> leads seen, milliseconds. */
export type Knowledge = ReadonlyMap<string, readonly number[]>;

export type TimeLeft = { readonly lowMs: number; readonly highMs: number };

/** Fewer leads than these say nothing. */
const ENOUGH_LEADS = 5;
/** At least this part of what is left must be known by name. */
const ENOUGH_NAMES = 0.7;
/** Leads of one name from which their spread is believed; below it the range is widened. */
const ENOUGH_SAMPLES = 3;
const WIDER = 0.25;

/** When all that a node starts after was ready; the lane's start where that is nothing. Undefined: not known. */
function releasedAt(graph: Graph, nodes: Nodes, key: string, laneStart: Time | undefined): Time | undefined {
  let at = laneStart;
  for (const { from, type } of linksBefore(graph, key)) {
    const before = nodes.get(from);
    const end = type.startsWith("finish") ? before?.endedAt : before?.startedAt;
    if (end !== undefined && (at === undefined || end > at)) at = end;
  }
  return at;
}

/** The earliest start of each lane. */
function laneStarts(graph: Graph, nodes: Nodes): Map<string, Time> {
  const starts = new Map<string, Time>();
  for (const [key, lane] of graph.laneOf) {
    const at = nodes.get(key)?.startedAt;
    if (at !== undefined) starts.set(lane, Math.min(at, starts.get(lane) ?? at));
  }
  return starts;
}

/** What a flow teaches: the lead of every node that is ready. Added to `known` from other flows. O(nodes + links). */
export function learn(graph: Graph, nodes: Nodes, known: Knowledge = new Map()): Knowledge {
  const leads = new Map([...known].map(([name, values]) => [name, [...values]]));
  const starts = laneStarts(graph, nodes);
  for (const [key, lane] of graph.laneOf) {
    const node = nodes.get(key);
    if (node?.status !== "succeeded" || node.endedAt === undefined || isSuspended(node)) continue;
    const from = releasedAt(graph, nodes, key, starts.get(lane));
    if (from !== undefined) listAt(leads, nameOf(node)).push(between(from, node.endedAt));
  }
  return leads;
}

/**
 * How long until everything that can still get ready is: of all lanes, or of the nodes in `within`. Leaves out what
 * waits for something failed, suspended, missing or for itself; undefined when nothing else is left, or when
 * too little is known about it. Never negative. O(nodes + links).
 */
export function timeLeft(
  graph: Graph,
  nodes: Nodes,
  nowMs: Time,
  known: Knowledge,
  within: Iterable<string> = graph.laneOf.keys(),
): TimeLeft | undefined {
  const all = [...known.values()].flat();
  if (all.length < ENOUGH_LEADS) return undefined;
  const starts = laneStarts(graph, nodes);
  const usual = rangeOf(all);
  // The same names come again in every region.
  const ranges = new Map<string, TimeLeft | undefined>();
  const rangeFor = (name: string): TimeLeft | undefined => {
    if (!ranges.has(name)) {
      const samples = known.get(name);
      ranges.set(name, samples && rangeOf(samples));
    }
    return ranges.get(name);
  };
  const asked = new Set(within);
  const finish = new Map<string, TimeLeft>();
  let lowMs = 0;
  let highMs = 0;
  let open = 0;
  let named = 0;
  for (const key of inOrder(graph, nodes)) {
    const node = nodes.get(key)!;
    const own = rangeFor(nameOf(node));
    const lead = own ?? usual;
    // What runs already, or could: its time runs since then. Everything else starts when the last before it ends.
    const before = linksBefore(graph, key).flatMap(({ from }) => finish.get(from) ?? []);
    const since = releasedAt(graph, nodes, key, starts.get(graph.laneOf.get(key) ?? "")) ?? nowMs;
    const passed = before.length > 0 ? 0 : between(since, nowMs);
    const left: TimeLeft = {
      lowMs: Math.max(0, ...before.map((each) => each.lowMs)) + between(passed, lead.lowMs),
      highMs: Math.max(0, ...before.map((each) => each.highMs)) + between(passed, lead.highMs),
    };
    finish.set(key, left);
    if (!asked.has(key)) continue;
    open++;
    if (own) named++;
    lowMs = Math.max(lowMs, left.lowMs);
    highMs = Math.max(highMs, left.highMs);
  }
  // Everything took longer than ever seen: what was learnt does not apply here.
  if (open === 0 || named < ENOUGH_NAMES * open || highMs === 0) return undefined;
  return { lowMs, highMs };
}

/** The middle half of what was seen, wider when that was little. */
function rangeOf(leads: readonly number[]): TimeLeft {
  const wider = leads.length < ENOUGH_SAMPLES ? WIDER : 0;
  return { lowMs: (quantile(leads, 0.25) ?? 0) * (1 - wider), highMs: (quantile(leads, 0.75) ?? 0) * (1 + wider) };
}

/**
 * What can still get ready by itself, each after everything open that it waits for. Whatever waits for a failure, for
 * something suspended or missing, or in a ring, never comes up.
 */
function inOrder(graph: Graph, nodes: Nodes): string[] {
  const open = new Map<string, number>();
  for (const key of graph.laneOf.keys()) {
    const node = nodes.get(key);
    if (!node || node.status === "succeeded" || node.status === "failed" || isSuspended(node)) continue;
    const waits = linksBefore(graph, key).filter(({ from }) => nodes.get(from)?.status !== "succeeded");
    open.set(key, waits.length);
  }
  const order = [...open].filter(([, waits]) => waits === 0).map(([key]) => key);
  for (const key of order) {
    for (const { to } of linksAfter(graph, key)) {
      const waits = open.get(to);
      if (waits === undefined) continue;
      open.set(to, waits - 1);
      if (waits === 1) order.push(to);
    }
  }
  return order;
}
