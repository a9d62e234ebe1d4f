/** How long things took. Clocks differ and times are missing: nothing here is ever negative. Pure. */

import { type FlowNode, isSuspended, type Time } from "./contract";

/** Milliseconds from one moment to another, 0 when clocks disagree. */
export const between = (from: Time, to: Time): number => Math.max(0, to - from);

/** Whether a node is over: nothing changes any more by itself. */
export const isOver = ({ status }: FlowNode): boolean => status === "succeeded" || status === "failed";

/**
 * Milliseconds that a node took, or has taken up to `nowMs` while it is at work; undefined when nobody said when it
 * began, or when it ended and is over.
 */
export function tookMs(node: FlowNode, nowMs: Time): number | undefined {
  const { startedAt, endedAt, status } = node;
  if (startedAt === undefined) return undefined;
  if (endedAt !== undefined) return between(startedAt, endedAt);
  return isOver(node) || status === "pending" || isSuspended(node) ? undefined : between(startedAt, nowMs);
}

/** Middle of the values; of an even number, the mean of the two in the middle. Undefined for none. */
export function median(values: readonly number[]): number | undefined {
  return quantile(values, 0.5);
}

/** The value below which a part (0..1) of the values lies, interpolated. Undefined for none. */
export function quantile(values: readonly number[], part: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  return low === undefined || high === undefined ? undefined : low + (high - low) * (at - Math.floor(at));
}
