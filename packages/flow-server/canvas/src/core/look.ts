/** The look of a node: one of seven, from its status and what `meta` says. Shape and word carry it, never colour alone. */

import { type FlowNode, isSuspended } from "./contract";

export type Look = "failed" | "stalled" | "running" | "waiting" | "pending" | "succeeded" | "suspended" | "other";

/** Worst first: the order in which legends, bars and sorted lists show them. */
export const LOOKS: readonly Look[] = ["failed", "stalled", "running", "other", "waiting", "pending", "suspended", "succeeded"];

/** Drawn on a grid of 12 by 12: lines of 1.6, and areas. One source for the page, the painter and the SVG export. */
export const GLYPHS: Readonly<Record<Look, { readonly line?: string; readonly area?: string }>> = {
  failed: { line: "M3 3L9 9M9 3L3 9" },
  stalled: { area: "M6 1.6L10.8 10.2H1.2Z" },
  running: { line: "M6 1.7a4.3 4.3 0 1 1 0 8.6a4.3 4.3 0 1 1 0-8.6", area: "M6 1.7a4.3 4.3 0 0 1 0 8.6z" },
  waiting: { line: "M3.2 1.8H8.8M3.2 10.2H8.8M4 1.8C4 5 8 7 8 10.2M8 1.8C8 5 4 7 4 10.2" },
  pending: { line: "M6 2.2a3.8 3.8 0 1 1 0 7.6a3.8 3.8 0 1 1 0-7.6" },
  succeeded: { line: "M2.4 6.4L5 9L9.8 3.4" },
  suspended: { line: "M4.2 2.6V9.4M7.8 2.6V9.4" },
  other: { line: "M6 1.8L10.2 6L6 10.2L1.8 6Z" },
};

/** What an operator calls it. An unknown status keeps its own word (`wordOf`). */
export const WORDS: Readonly<Record<Look, string>> = {
  failed: "failed",
  stalled: "stalled",
  running: "running",
  waiting: "waiting",
  pending: "pending",
  succeeded: "ready",
  suspended: "suspended",
  other: "other",
};

export function lookOf(node: FlowNode): Look {
  if (isSuspended(node)) return "suspended";
  const { status, meta } = node;
  if (status === "failed") return "failed";
  if (status === "succeeded") return "succeeded";
  if (meta?.["stalled"] === true) return "stalled";
  if (isWaiting(node)) return "waiting";
  if (status === "running") return "running";
  return status === "pending" ? "pending" : "other";
}

/** Not at work on its own: something before it is not ready yet. */
export function isWaiting({ status, meta }: FlowNode): boolean {
  if (status !== "running" && status !== "pending") return false;
  const waitingFor = meta?.["waitingFor"];
  return (Array.isArray(waitingFor) && waitingFor.length > 0) || meta?.["reason"] === "DependencyNotReady";
}

export const wordOf = (node: FlowNode, look: Look = lookOf(node)): string => (look === "other" ? node.status : WORDS[look]);
