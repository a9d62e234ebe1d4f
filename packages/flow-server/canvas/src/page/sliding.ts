/** Choosing the moment that is shown, by slider or on the timeline: one moment, two handles. */

import { computed } from "@preact/signals";
import { duration } from "../core/text";
import { now } from "../state/clock";
import { pastMoments, pastSpan, pastState, playing, readPast, travel } from "../state/past";
import { span } from "../state/picture";
import { moment } from "../state/view";

/** From the first moment that is known to the last, which is now while nobody looks at the past. Unix milliseconds. */
export const range = computed(() => {
  const known = pastSpan.value;
  const start = known?.start ?? span.value.start;
  return { start, end: Math.max(moment.value === undefined ? now.value : (known?.end ?? now.value), start + 1000) };
});

/** What a screen reader says of the moment. */
export const momentWords = computed(() =>
  moment.value === undefined ? "now" : `${duration(moment.value - range.value.start)} after the beginning`,
);

/** Shows this moment; the end, and all beyond it, is now. */
export function slideTo(at: number): void {
  const { start, end } = range.peek();
  playing.value = false;
  travel(at >= end ? undefined : Math.round(Math.max(at, start)));
}

/** Reads the past when somebody takes hold of a handle. */
export function wake(): void {
  if (pastState.peek() === "none" || pastState.peek() === "away") void readPast();
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -20,
  PageUp: 20,
  Home: -Infinity,
  End: Infinity,
};

/** A key goes from one happening to the next, not by milliseconds; the first one reads what happened. */
export function slideByKey(event: KeyboardEvent): void {
  const steps = STEPS[event.key];
  if (steps === undefined) return;
  event.preventDefault();
  if (pastMoments.peek().length > 0) slideBy(steps);
  else void readPast().then(() => slideBy(steps));
}

function slideBy(steps: number): void {
  const { start, end } = range.peek();
  const moments = pastMoments.peek();
  const at = moment.peek() ?? end;
  const before = moments.filter((one) => one < at).length;
  const here = moments[before] === at ? before : before - (steps > 0 ? 1 : 0);
  const next = here + steps;
  if (next >= moments.length) slideTo(Infinity);
  else slideTo(moments[Math.max(0, next)] ?? start);
}
