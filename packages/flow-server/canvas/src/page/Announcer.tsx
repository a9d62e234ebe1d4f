/** The one polite live region: failures, the end, and answers to what somebody just did. One message in 5 s at most. */

import { signal } from "@preact/signals";

const PAUSE_MS = 5000;
const message = signal("");
let last = -Infinity;
let next: { text: string; timer: ReturnType<typeof setTimeout> } | undefined;

/** Says `text` to a screen reader. What is said within 5 s of something else waits; of several, the last counts. */
export function announce(text: string): void {
  const since = performance.now() - last;
  clearTimeout(next?.timer);
  next = undefined;
  if (since >= PAUSE_MS) say(text);
  else next = { text, timer: setTimeout(() => say(text), PAUSE_MS - since) };
}

function say(text: string): void {
  last = performance.now();
  message.value = text;
}

export function Announcer() {
  return (
    <p class="offscreen" role="status" aria-live="polite">
      {message}
    </p>
  );
}
