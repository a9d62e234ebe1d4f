/** How many nodes are how far. What contains others is not counted, nor what is suspended on purpose. Pure. */

import { type FlowNode, isSuspended } from "./contract";
import { type Look, lookOf } from "./look";

export type Tally = {
  /** Counted nodes: all but containers and suspended ones. */
  total: number;
  ready: number;
  running: number;
  failed: number;
  /** Pending, or held up by something before them. */
  waiting: number;
  suspended: number;
};

export const emptyTally = (): Tally => ({ total: 0, ready: 0, running: 0, failed: 0, waiting: 0, suspended: 0 });

/** Counts one node into `tally`. */
export function count(tally: Tally, node: FlowNode, look: Look = lookOf(node)): void {
  if (isSuspended(node)) {
    tally.suspended += 1;
    return;
  }
  tally.total += 1;
  if (look === "succeeded") tally.ready += 1;
  else if (look === "failed") tally.failed += 1;
  else if (look === "waiting" || look === "pending") tally.waiting += 1;
  else tally.running += 1;
}

/** Over, one way or the other: nothing is left that could still become ready by itself. */
export const isDone = (tally: Tally): boolean => tally.total > 0 && tally.ready === tally.total;
