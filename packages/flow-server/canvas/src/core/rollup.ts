/** One status for many nodes, the worst wins. Source: the contract, "Rollup". */

import { type FlowNode, isSuspended } from "./contract";

/** Suspended nodes count only when there is nothing else; no node at all is `pending`. */
export function rollup(nodes: Iterable<FlowNode>): string {
  const awake = new Set<string>();
  const all = new Set<string>();
  for (const node of nodes) {
    all.add(node.status);
    if (!isSuspended(node)) awake.add(node.status);
  }
  const counted = awake.size > 0 ? awake : all;
  if (counted.has("failed")) return "failed";
  for (const status of counted) if (status !== "pending" && status !== "succeeded") return "running";
  return counted.size === 0 || counted.has("pending") ? "pending" : "succeeded";
}
