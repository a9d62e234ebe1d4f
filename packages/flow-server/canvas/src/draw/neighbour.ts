/** Where an arrow key leads: left and right along dependencies, up and down within a column. Pure. */

import type { LaneScene } from "../state/scene";

export type Way = "left" | "right" | "up" | "down";

/** The key one step further; from nowhere the first in the layout. Undefined where there is nothing further. */
export function neighbour(scene: LaneScene, from: string | undefined, way: Way): string | undefined {
  const placeOf = (key: string): { x: number; y: number } | undefined =>
    scene.layout.places.get(scene.nameOf.get(key) ?? "");
  const here = from === undefined ? undefined : placeOf(from);
  if (from === undefined || here === undefined) return first([...scene.nameOf.keys()], (key) => placeOf(key), { x: 0, y: 0 });
  if (way === "left" || way === "right") {
    const linked = scene.edges.flatMap((edge) => {
      if (way === "left") return edge.to === from ? [edge.from] : [];
      return edge.from === from ? [edge.to] : [];
    });
    return first(linked, placeOf, here);
  }
  const column = [...scene.nameOf.keys()].filter((key) => {
    const place = placeOf(key);
    return place !== undefined && place.x === here.x && (way === "up" ? place.y < here.y : place.y > here.y);
  });
  return first(column, placeOf, here);
}

/** The nearest of these, by height first; of two equally near ones the one that is first. */
function first(
  keys: readonly string[],
  placeOf: (key: string) => { x: number; y: number } | undefined,
  here: { x: number; y: number },
): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const key of keys) {
    const place = placeOf(key);
    if (place === undefined) continue;
    const far = Math.abs(place.y - here.y) + Math.abs(place.x - here.x) / 4;
    if (far < least) [best, least] = [key, far];
  }
  return best;
}
