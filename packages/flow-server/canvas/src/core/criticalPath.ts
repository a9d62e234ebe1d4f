/**
 * The critical path: of everything that ran, the chain of nodes that decided how long it took. From what ended last
 * (or still runs), back to whatever it had to wait for longest, and so on to the beginning. Pure.
 */

import type { FlowNode, Time } from "./contract";
import { byText, type Graph, type Link, linksBefore, type Nodes } from "./graph";
import { between, isOver, tookMs } from "./times";

export type Step = {
  readonly key: string;
  readonly startedAt: Time;
  /** Absent: still at work. */
  readonly endedAt: Time | undefined;
  readonly tookMs: number;
  /** From the moment when the step before let it start to its start; 0 for the first. */
  readonly waitedMs: number;
};

export type CriticalPath = {
  /** In order of time. Empty when no node has times. */
  readonly steps: readonly Step[];
  /** From the start of the first step to the end of the last, or to now. */
  readonly totalMs: number;
};

type Timed = { readonly key: string; readonly start: Time; readonly end: Time; readonly over: boolean };

/**
 * The critical path through the nodes of a flow, or of `within` (one region). Nodes without times are passed
 * through; each node comes at most once, so cycles end; where clocks disagree a wait is 0. O(nodes + links).
 */
export function criticalPath(graph: Graph, nodes: Nodes, nowMs: Time, within: Iterable<string> = graph.laneOf.keys()): CriticalPath {
  let last: Timed | undefined;
  const allowed = new Set(within);
  for (const key of allowed) {
    const timed = timedOf(key, nodes.get(key), nowMs);
    if (timed && (last === undefined || decides(timed, last))) last = timed;
  }
  const backwards: Step[] = [];
  const seen = new Set<string>();
  for (let at = last; at !== undefined; ) {
    seen.add(at.key);
    const before = latestBefore(graph, nodes, nowMs, at.key, allowed, seen);
    backwards.push({
      key: at.key,
      startedAt: at.start,
      endedAt: at.over ? at.end : undefined,
      tookMs: between(at.start, at.end),
      waitedMs: before ? between(before.released, at.start) : 0,
    });
    at = before?.timed;
  }
  const steps = backwards.reverse();
  return { steps, totalMs: last ? between(steps[0]!.startedAt, last.end) : 0 };
}

function timedOf(key: string, node: FlowNode | undefined, nowMs: Time): Timed | undefined {
  const took = node && tookMs(node, nowMs);
  if (node?.startedAt === undefined || took === undefined) return undefined;
  return { key, start: node.startedAt, end: node.startedAt + took, over: node.endedAt !== undefined || isOver(node) };
}

/** Later end; of those that end together (all that still run do) the one that began first; else by key. */
const decides = (a: Timed, b: Timed): boolean =>
  (a.end - b.end || b.start - a.start || byText(b.key, a.key)) > 0;

/** What let a node go last, looked for behind nodes that have no times too. */
function latestBefore(
  graph: Graph,
  nodes: Nodes,
  nowMs: Time,
  key: string,
  allowed: ReadonlySet<string>,
  seen: Set<string>,
): { timed: Timed; released: Time } | undefined {
  let latest: { timed: Timed; released: Time } | undefined;
  const links: Link[] = [...linksBefore(graph, key)];
  for (let link = links.pop(); link !== undefined; link = links.pop()) {
    if (seen.has(link.from) || !allowed.has(link.from)) continue;
    const timed = timedOf(link.from, nodes.get(link.from), nowMs);
    if (timed === undefined) {
      // Passed once for the whole path: whoever comes by again finds nothing later behind it.
      seen.add(link.from);
      links.push(...linksBefore(graph, link.from));
      continue;
    }
    const released = (link.type.startsWith("finish") ? timed.end : timed.start) + link.lag * 1000;
    const order = latest ? released - latest.released || (decides(timed, latest.timed) ? 1 : -1) : 1;
    if (order > 0) latest = { timed, released };
  }
  return latest;
}
