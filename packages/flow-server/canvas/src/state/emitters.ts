/**
 * Which emitters have fallen silent. An adapter sends nothing when nothing changes, so a dead one looks like a calm
 * region: the server knows when it last heard from each.
 */

import { computed, effect, signal } from "@preact/signals";
import { now } from "./clock";
import { loaded, steady } from "./picture";
import { flowPath, get } from "./token";
import { flowId } from "./view";

type Emitter = { readonly name: string; readonly lastHeardAt: number };

const ASK_EVERY_MS = 30_000;
/** Three of the adapter's signs of life, which come every 60 s. */
const SILENT_AFTER_MS = 180_000;

const emitters = signal<readonly Emitter[]>([]);

export const silentEmitters = computed<readonly { name: string; silentMs: number }[]>(() => {
  if (steady.value.at !== undefined) return [];
  // The clock ticks each second; the list only matters in whole ones.
  const at = now.value;
  return emitters.value
    .map(({ name, lastHeardAt }) => ({ name, silentMs: at - lastHeardAt }))
    .filter(({ silentMs }) => silentMs > SILENT_AFTER_MS)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
});

export const silentLanes = computed(() => new Set(silentEmitters.value.map(({ name }) => name)));

async function ask(id: string, signalOfEnd: AbortSignal): Promise<void> {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await get(flowPath(id), { signal: signalOfEnd });
    if (!answer.ok) return;
    const { emitters: list } = (await answer.json()) as { emitters?: Emitter[] };
    emitters.value = list ?? [];
  } catch {
    // The stream's own state says that the server is away; what was known stays.
  }
}

effect(() => {
  const id = flowId.value;
  emitters.value = [];
  if (id === undefined || !loaded.value) return undefined;
  const end = new AbortController();
  void ask(id, end.signal);
  const timer = setInterval(() => void ask(id, end.signal), ASK_EVERY_MS);
  return () => {
    end.abort();
    clearInterval(timer);
  };
});

