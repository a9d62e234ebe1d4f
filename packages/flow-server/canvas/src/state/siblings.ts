/** The same release in every region, found by its name. */

import { computed } from "@preact/signals";
import type { FlowNode } from "../core/contract";
import { lookOf } from "../core/look";
import { median, tookMs } from "../core/times";
import { graph, picture, shownTime } from "./picture";
import { scenes } from "./scene";

export type Sibling = {
  readonly lane: string;
  /** Undefined: this region has none of that name. */
  readonly node: FlowNode | undefined;
  readonly took: number | undefined;
  /** How it is unlike the others; undefined when it is not. */
  readonly outlier: string | undefined;
};

/** So much longer than the middle of all of them, and longer by so many milliseconds, is worth a word. */
const SLOWER = 2;
const SLOWER_BY_MS = 20_000;

const byName = computed(() => {
  void graph.value;
  const found = new Map<string, Map<string, string>>();
  for (const scene of scenes.value) {
    for (const [key, name] of scene.nameOf) {
      let lanes = found.get(name);
      if (lanes === undefined) found.set(name, (lanes = new Map()));
      lanes.set(scene.name, key);
    }
  }
  return found;
});

/** In order of region; empty when no other region has one of that name. */
export function siblings(key: string): readonly Sibling[] {
  const own = scenes.value.find((scene) => scene.nameOf.has(key));
  const lanes = byName.value.get(own?.nameOf.get(key) ?? "");
  if (lanes === undefined || lanes.size < 2) return [];
  const { nodes } = picture.value.state;
  const nowMs = shownTime.value;
  const all = scenes.value.map(({ name }) => {
    const node = nodes.get(lanes.get(name) ?? "");
    return { lane: name, node, took: node && tookMs(node, nowMs) };
  });
  const ready = all.filter(({ node }) => node?.status === "succeeded");
  const middle = median(ready.flatMap(({ took }) => took ?? []));
  return all.map((one) => ({ ...one, outlier: outlierOf(one, middle, ready.length * 2 > all.length) }));
}

function outlierOf(
  { node, took }: { node: FlowNode | undefined; took: number | undefined },
  middle: number | undefined,
  mostAreReady: boolean,
): string | undefined {
  if (node === undefined) return undefined;
  const look = lookOf(node);
  if (look === "failed" && mostAreReady) return "only here";
  if (took === undefined || middle === undefined || look === "failed") return undefined;
  return took > SLOWER * middle && took - middle > SLOWER_BY_MS ? `${(took / Math.max(middle, 1)).toFixed(1)}× slower` : undefined;
}
