/** The look of a node: one of seven, from its status and what `meta` says. Shape and word carry it, never colour alone. */

import { type FlowNode, isSuspended } from "./contract";

export type Look = "failed" | "stalled" | "running" | "waiting" | "pending" | "succeeded" | "suspended" | "other";

/** Worst first: the order in which legends, bars and sorted lists show them. */
export const LOOKS: readonly Look[] = ["failed", "stalled", "running", "other", "waiting", "pending", "suspended", "succeeded"];

export const GLYPHS: Readonly<Record<Look, string>> = {
  failed: "✕",
  stalled: "▲",
  running: "◐",
  waiting: "⧗",
  pending: "○",
  succeeded: "✓",
  suspended: "Ⅱ",
  other: "◇",
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
