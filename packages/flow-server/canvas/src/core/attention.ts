/** What an operator should look at, the most urgent first. The only list on the page that reorders by itself. Pure. */

import type { FlowNode } from "./contract";
import type { Graph } from "./graph";
import { lookOf } from "./look";
import { isTrue, numberIn, textIn } from "./meta";
import { troubleOf } from "./trouble";

export type Concern = {
  readonly key: string;
  readonly node: FlowNode;
  /** `failed` for good; `stuck`: can never start; `stalled`; `trying`: not well, and at it again by itself. */
  readonly kind: "failed" | "stuck" | "stalled" | "trying";
  /** How many nodes cannot get ready before this one. */
  readonly blocks: number;
};

const RANK = { failed: 0, stuck: 1, stalled: 2, trying: 3 } as const;

/** Reasons with which Flux tries again by itself; whoever waits for another release is not among them. */
const TRYING = new Set([
  "SourceNotReady",
  "ArtifactFailed",
  "ChartPullError",
  "ValuesError",
  "ChartMutateError",
  "RESTClientError",
  "ResourceManagerError",
  "FactoryError",
  "StateError",
  "ReconcileError",
  "HealthCheckCanceled",
  "PendingRelease",
]);

export function concernsOf(
  nodes: ReadonlyMap<string, FlowNode>,
  graph: Graph,
  blocks: (key: string) => number,
): Concern[] {
  const concerns: Concern[] = [];
  for (const [key, node] of nodes) {
    if (graph.containers.has(key)) continue;
    const kind = kindOf(node);
    if (kind !== undefined) concerns.push({ key, node, kind, blocks: blocks(key) });
  }
  return concerns.sort(
    (a, b) =>
      RANK[a.kind] - RANK[b.kind] ||
      b.blocks - a.blocks ||
      (b.node.endedAt ?? b.node.startedAt ?? 0) - (a.node.endedAt ?? a.node.startedAt ?? 0),
  );
}

function kindOf(node: FlowNode): Concern["kind"] | undefined {
  const look = lookOf(node);
  if (look === "failed" || look === "stalled") return look;
  if (look === "suspended") return undefined;
  const trouble = troubleOf(node);
  if (trouble !== undefined) return trouble.kind === "mistake" ? "stuck" : "trying";
  if (look !== "running" && look !== "waiting") return undefined;
  const again = isTrue(node, "retrying") || (numberIn(node, "failures") ?? 0) > 0;
  return again || TRYING.has(textIn(node, "reason") ?? "") ? "trying" : undefined;
}
