/** Places that glide: when a new layout moves a box it takes 200 ms, and none at all for readers who want no motion. */

import type { Layout, Place } from "../core/layout";

const GLIDE_MS = 200;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Glide {
  #from: ReadonlyMap<string, Place> = new Map();
  #to: ReadonlyMap<string, Place> = new Map();
  #start = -Infinity;

  /** Goes to the places of a layout, from wherever things are at `nowMs`. A name that is new stands at once. */
  to(layout: Layout, nowMs: number): void {
    const here = new Map<string, Place>();
    let moves = false;
    for (const [name, place] of layout.places) {
      const at = this.place(name, nowMs);
      if (at === undefined) continue;
      here.set(name, at);
      moves ||= at.x !== place.x || at.y !== place.y;
    }
    this.#from = here;
    this.#to = layout.places;
    this.#start = moves && !still.matches ? nowMs : -Infinity;
  }

  isMoving(nowMs: number): boolean {
    return nowMs - this.#start < GLIDE_MS;
  }

  place(name: string, nowMs: number): Place | undefined {
    const to = this.#to.get(name);
    const part = (nowMs - this.#start) / GLIDE_MS;
    if (to === undefined || part >= 1) return to;
    const from = this.#from.get(name);
    if (from === undefined) return to;
    const eased = 1 - (1 - Math.max(part, 0)) ** 3;
    return { x: from.x + (to.x - from.x) * eased, y: from.y + (to.y - from.y) * eased };
  }
}

/** Whether everything stands where it stood, as in a layout with another edge. */
export function samePlaces(before: Layout, after: Layout): boolean {
  if (before === after) return true;
  if (before.places.size !== after.places.size) return false;
  for (const [name, { x, y }] of after.places) {
    const old = before.places.get(name);
    if (old === undefined || old.x !== x || old.y !== y) return false;
  }
  return true;
}
