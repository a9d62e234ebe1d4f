/** How long to wait before the next attempt to reach the server. Pure: the random part is passed in. */

/** The longest an operator waits to see the server come back. */
export const LONGEST_WAIT_MS = 10_000;
const FIRST_WAIT_MS = 500;


/**
 * Milliseconds before attempt `failures` + 1, `failures` counted since the last frame. `spread` in [0, 1) is drawn by
 * the caller, so that a thousand pages do not come back in the same instant. `askedMs` (Retry-After, `retry:`) is a
 * floor, but never one above the longest wait.
 */
export function waitMs({ failures, spread, askedMs = 0 }: { failures: number; spread: number; askedMs?: number }): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(Math.max(failures - 1, 0), 10));
  const jittered = ceiling * (0.5 + spread / 2);
  return Math.min(LONGEST_WAIT_MS, Math.max(jittered, askedMs > 0 ? askedMs * (1 + spread / 4) : 0));
}
