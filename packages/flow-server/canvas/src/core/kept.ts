/** A layout that stays as it was as far as it can, when releases come and go. Pure. */

import { ROW_PITCH } from "./box";
import type { Layout } from "./layout";
import type { Shape } from "./shape";

/** The layout before is kept when at least this part of the names stands as it did. */
const WORTH_KEEPING = 0.75;

/**
 * Puts what stood back where it stood, as far as its column is the same, and the rest onto the nearest free place
 * of its column. When too little stays as it was, nothing is kept: a fresh layout is then easier to read.
 */
export function keepPlaces(shape: Shape, before: Layout, xs: number[], ys: number[]): void {
  const kept: number[] = [];
  const moved: number[] = [];
  shape.names.forEach((name, item) => (before.places.get(name)?.x === xs[item] ? kept : moved).push(item));
  if (kept.length < WORTH_KEEPING * Math.max(shape.names.length, before.places.size)) return;
  const taken = new Map<number, number[]>();
  const tops = (x: number): number[] => {
    const list = taken.get(x) ?? [];
    taken.set(x, list);
    return list;
  };
  // Where the fresh layout would put a newcomer, seen from what it stands next to, in the old picture.
  const shift = new Map<number, number>();
  for (const item of kept) {
    const y = before.places.get(shape.names[item]!)!.y;
    shift.set(item, y - ys[item]!);
    tops(xs[item]!).push(y);
  }
  const wishes = moved.map((item) => {
    let nearest: number | undefined;
    for (const other of kept) {
      if (xs[other] !== xs[item]) continue;
      if (nearest === undefined || Math.abs(ys[other]! - ys[item]!) < Math.abs(ys[nearest]! - ys[item]!)) nearest = other;
    }
    return ys[item]! + (nearest === undefined ? 0 : shift.get(nearest)!);
  });
  for (const item of kept) ys[item] = ys[item]! + shift.get(item)!;
  moved.forEach((item, at) => {
    const column = tops(xs[item]!);
    ys[item] = freeTop(column, Math.max(0, wishes[at]!));
    column.push(ys[item]!);
  });
}

/** The top nearest to the one wanted, not above 0, at which a box touches none of these. */
function freeTop(tops: readonly number[], wanted: number): number {
  const free = (y: number): boolean => y >= 0 && tops.every((top) => Math.abs(top - y) >= ROW_PITCH);
  if (free(wanted)) return wanted;
  return tops
    .flatMap((top) => [top - ROW_PITCH, top + ROW_PITCH])
    .filter(free)
    .reduce((best, y) => (Math.abs(y - wanted) < Math.abs(best - wanted) ? y : best), Infinity);
}
