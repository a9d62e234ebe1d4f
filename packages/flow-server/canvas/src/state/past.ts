/** A flow's past: read when somebody asks for it, then shown at any moment of it by all views. */

import { effect, signal, untracked } from "@preact/signals";
import { entriesOf, History } from "../core/history";
import { show } from "./picture";
import { flowPath } from "../stream/request";
import { get } from "./token";
import { flowId, moment } from "./view";

/** The server's own limit of lines in one answer. */
const PAGE = 4096;
/** So much is read at most: a flow of weeks must not fill the browser's memory. */
const MOST_ENTRIES = 200_000;
/** Playing takes so long, whatever the length of the past. */
const PLAY_MS = 20_000;

export type PastState = "none" | "reading" | "ready" | "away";

export const pastState = signal<PastState>("none");
/** First and last moment of what was read, Unix milliseconds. */
export const pastSpan = signal<{ start: number; end: number } | undefined>(undefined);
/** Moments at which something happened. */
export const pastMoments = signal<readonly number[]>([]);
export const playing = signal(false);

let history = new History();
let historyOf: string | undefined;
let reading: Promise<void> | undefined;

/** Reads what is not known yet; what was read stays. */
export function readPast(): Promise<void> {
  const id = flowId.peek();
  if (id === undefined) return Promise.resolve();
  if (historyOf !== id) {
    history = new History();
    historyOf = id;
    reading = undefined;
  }
  reading ??= readAll(id).finally(() => (reading = undefined));
  return reading;
}

async function readAll(id: string): Promise<void> {
  if (pastState.peek() !== "ready") pastState.value = "reading";
  const own = history;
  try {
    while (own.size < MOST_ENTRIES) {
      const after = own.lastSeq;
      const answer = await get(flowPath(id, `/events?limit=${PAGE}${after === undefined ? "" : `&after=${after}`}`), {
        accept: "application/x-ndjson",
      });
      if (!answer.ok) throw new Error(`the past was answered ${answer.status}`);
      const entries = entriesOf(await answer.text());
      if (own !== history) return;
      const before = own.size;
      own.append(entries);
      if (own.size === before || entries.length < PAGE) break;
    }
    const known = own.span;
    pastSpan.value = known && { start: known.start, end: known.end };
    pastMoments.value = own.moments();
    pastState.value = "ready";
  } catch {
    if (own === history) pastState.value = "away";
  }
}

/** Shows the flow as it was at `at`, or as it is now. */
export function travel(at: number | undefined): void {
  moment.value = at;
}

export function play(): void {
  if (playing.peek()) {
    playing.value = false;
    return;
  }
  const span = pastSpan.peek();
  if (span === undefined) return;
  const from = moment.peek() ?? span.start;
  const start = from >= span.end ? span.start : from;
  const rate = Math.max((span.end - span.start) / PLAY_MS, 1);
  const began = performance.now();
  playing.value = true;
  const step = (): void => {
    if (!playing.peek()) return;
    const at = start + (performance.now() - began) * rate;
    if (at >= span.end) {
      playing.value = false;
      travel(undefined);
      return;
    }
    travel(Math.round(at));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

effect(() => {
  const id = flowId.value;
  untracked(() => {
    if (id === historyOf) return;
    history = new History();
    historyOf = undefined;
    pastState.value = "none";
    pastSpan.value = undefined;
    pastMoments.value = [];
    playing.value = false;
  });
});

let shownAt: number | undefined;

effect(() => {
  const at = moment.value;
  const id = flowId.value;
  const state = pastState.value;
  untracked(() => {
    if (at === undefined || id === undefined) {
      if (shownAt !== undefined) show(undefined);
      shownAt = undefined;
      return;
    }
    // A link into the past brings its reader there before anything was read.
    if (state === "none") void readPast();
    if (state === "ready" && historyOf === id) {
      shownAt = at;
      show({ state: history.stateAt(at), at });
    }
  });
});
