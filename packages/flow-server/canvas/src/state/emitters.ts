/**
 * Which emitters have fallen silent. An adapter sends nothing when nothing changes, so a dead one looks like a calm
 * region: the server knows when it last heard from each.
 */

import { computed, effect, signal } from "@preact/signals";
import { type Emitter, type Habit, learned, silentOnes } from "../core/silence";
import { now } from "./clock";
import { loaded, steady } from "./picture";
import { flowPath } from "../stream/request";
import { get } from "./token";
import { flowId } from "./view";

const ASK_EVERY_MS = 30_000;
/** Two looks that are further apart have missed one: the page was hidden, or the server away. */
const WATCHED_MS = 2.5 * ASK_EVERY_MS;

/** By the emitter's name, which is a region's. */
const habits = signal<ReadonlyMap<string, Habit>>(new Map());

export const silentEmitters = computed<readonly { name: string; silentMs: number }[]>(() =>
  // The clock ticks each second; the list only matters in whole ones.
  steady.value.at === undefined ? silentOnes(habits.value, now.value) : [],
);

export const silentLanes = computed(() => new Set(silentEmitters.value.map(({ name }) => name)));

async function ask(id: string, signalOfEnd: AbortSignal): Promise<void> {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await get(flowPath(id), { signal: signalOfEnd });
    if (!answer.ok) return;
    const { emitters: list } = (await answer.json()) as { emitters?: Emitter[] };
    const asked = { askedAt: Date.now(), watchedMs: WATCHED_MS };
    habits.value = new Map(
      (list ?? []).map(({ name, lastHeardAt }) => [name, learned(habits.peek().get(name), lastHeardAt, asked)]),
    );
  } catch {
    // The stream's own state says that the server is away; what was known stays.
  }
}

effect(() => {
  const id = flowId.value;
  habits.value = new Map();
  if (id === undefined || !loaded.value) return undefined;
  const end = new AbortController();
  void ask(id, end.signal);
  const timer = setInterval(() => void ask(id, end.signal), ASK_EVERY_MS);
  return () => {
    end.abort();
    clearInterval(timer);
  };
});

