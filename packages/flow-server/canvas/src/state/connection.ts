/** The one open stream of the page, and what is known about it. */

import { effect, signal } from "@preact/signals";
import { FlowStream, type Phase } from "../stream/flowStream";
import { learnServerTime, serverNow } from "./clock";
import { forget, take } from "./picture";
import { flowPath } from "../stream/request";
import { takeOpening } from "../stream/opening";
import { token } from "./token";

export const phase = signal<Phase>({ name: "connecting" });
/** When the last frame came, Unix milliseconds; 0: none yet. */
export const heardAt = signal(0);
/** Set while notices are on: a hidden page then keeps its stream. */
export const keepWhenHidden = signal(false);

/** A browser opens six connections to one origin: a page that nobody sees for so long gives its own back. */
const HIDDEN_FOR_MS = 5 * 60_000;

let stream: FlowStream | undefined;
let hiddenTimer: ReturnType<typeof setTimeout> | undefined;

/** Leaves the flow before and follows this one; undefined: follows none. */
export function follow(flowId: string | undefined): void {
  stream?.stop();
  stream = undefined;
  heardAt.value = 0;
  forget(flowId ?? "");
  if (flowId === undefined) return;
  stream = new FlowStream(flowPath(flowId, "/stream"), () => token.peek(), {
    message: take,
    phase: (next) => {
      if (next.name !== phase.peek().name || next.name === "reconnecting") phase.value = next;
    },
    heard: () => {
      heardAt.value = serverNow();
    },
    serverTime: learnServerTime,
    opening: takeOpening,
  });
  stream.start();
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiddenTimer);
  if (document.visibilityState === "visible") stream?.start();
  else if (!keepWhenHidden.peek()) hiddenTimer = setTimeout(() => stream?.pause(), HIDDEN_FOR_MS);
});

addEventListener("online", () => stream?.start());

// A token that was just entered is tried at once.
effect(() => {
  if (token.value !== undefined && phase.peek().name === "unauthorized") stream?.start();
});
