/** What time it is, by the server's clock: clusters and browsers differ, and a duration is never negative. */

import { signal } from "@preact/signals";

let offsetMs = 0;
let known = false;

/** Unix milliseconds, by the server's clock as far as it is known. */
export const serverNow = (): number => Date.now() + offsetMs;

/** Ticks once a second; what shows a duration reads it. */
export const now = signal(Date.now());

/** A `Date` header counts whole seconds: half of one is the best guess, and small differences are no news. */
export function learnServerTime(ms: number): void {
  const offset = ms + 500 - Date.now();
  if (!known || Math.abs(offset - offsetMs) > 1500) offsetMs = offset;
  known = true;
  now.value = serverNow();
}

setInterval(() => {
  now.value = serverNow();
}, 1000);
