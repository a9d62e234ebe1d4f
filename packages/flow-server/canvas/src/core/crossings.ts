/**
 * The order of the items in each column, so that few edges cross: sweeps that put every item at the median, or the
 * mean, of its neighbours, then exchanges of neighbours as long as they help (Gansner et al. 1993, "A Technique for Drawing
 * Directed Graphs", section 3). The best order seen is kept. Deterministic.
 */

import type { Columns } from "./columns";

/** From each of the four starts. */
const SWEEPS = 8;
/** Rounds of exchanges after each sweep; they nearly always end by themselves before. */
const EXCHANGES = 8;

/** Column -> its items from top to bottom. Only `members` are placed. O(segments log segments) a sweep but for the exchanges. */
export function orderColumns({ column, segments }: Columns, members: readonly number[]): number[][] {
  const left: number[][] = column.map(() => []);
  const right: number[][] = column.map(() => []);
  for (const [from, to] of segments) {
    right[from]!.push(to);
    left[to]!.push(from);
  }
  let width = 0;
  for (const item of members) width = Math.max(width, column[item]! + 1);
  const order: number[][] = Array.from({ length: width }, () => []);
  for (const item of members) order[column[item]!]!.push(item);
  const at = new Int32Array(column.length);
  const number = (items: readonly number[]): void => items.forEach((item, index) => (at[item] = index));
  order.forEach(number);

  let best = order.map((items) => [...items]);
  let fewest = crossingsOf(order, right, at);
  const keepBest = (): void => {
    const crossings = crossingsOf(order, right, at);
    if (crossings >= fewest) return;
    fewest = crossings;
    best = order.map((items) => [...items]);
  };
  const start = best;
  for (let attempt = 0; attempt < 4; attempt++) {
    // From the order of names and from its reverse, by median and by mean: they end in different valleys.
    order.forEach((items, index) => {
      items.splice(0, items.length, ...(attempt & 1 ? start[index]!.toReversed() : start[index]!));
      number(items);
    });
    for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
      const towardsRight = sweep % 2 === (attempt & 1);
      for (let step = 0; step < width; step++) {
        const items = order[towardsRight ? step : width - 1 - step]!;
        sortBySide(items, towardsRight ? left : right, at, attempt > 1);
        number(items);
      }
      exchange(order, left, right, at);
      keepBest();
    }
  }
  return best;
}

/** Items without a neighbour on that side keep their index, the others fill the remaining ones in order of what is there. */
function sortBySide(items: number[], side: readonly number[][], at: Int32Array, mean: boolean): void {
  const middleOf = new Map<number, number>();
  for (const item of items) {
    const around = side[item]!.map((other) => at[other]!).sort((a, b) => a - b);
    if (around.length === 0) continue;
    if (mean) {
      middleOf.set(item, around.reduce((sum, index) => sum + index, 0) / around.length);
      continue;
    }
    const middle = around.length >> 1;
    middleOf.set(item, around.length % 2 ? around[middle]! : (around[middle - 1]! + around[middle]!) / 2);
  }
  const sorted = items.filter((item) => middleOf.has(item));
  sorted.sort((a, b) => middleOf.get(a)! - middleOf.get(b)! || at[a]! - at[b]!);
  let next = 0;
  items.forEach((item, index) => {
    if (middleOf.has(item)) items[index] = sorted[next++]!;
  });
}

/** Exchanges neighbours in a column wherever that saves crossings. */
function exchange(order: readonly number[][], left: readonly number[][], right: readonly number[][], at: Int32Array): void {
  for (let round = 0, better = true; better && round < EXCHANGES; round++) {
    better = false;
    for (const items of order) {
      for (let index = 0; index + 1 < items.length; index++) {
        const [a, b] = [items[index]!, items[index + 1]!];
        const gain =
          crossed(left[a]!, left[b]!, at) - crossed(left[b]!, left[a]!, at) +
          crossed(right[a]!, right[b]!, at) - crossed(right[b]!, right[a]!, at);
        if (gain <= 0) continue;
        better = true;
        items[index] = b;
        items[index + 1] = a;
        at[a] = index + 1;
        at[b] = index;
      }
    }
  }
}

/** How many edges to the neighbours of an upper item cross edges to those of a lower one. */
function crossed(upper: readonly number[], lower: readonly number[], at: Int32Array): number {
  let count = 0;
  for (const a of upper) for (const b of lower) if (at[a]! > at[b]!) count++;
  return count;
}

/** Crossings between neighbouring columns: inversions, counted with a Fenwick tree. */
function crossingsOf(order: readonly number[][], right: readonly number[][], at: Int32Array): number {
  let count = 0;
  for (const [index, items] of order.entries()) {
    const size = order[index + 1]?.length ?? 0;
    const tree = new Int32Array(size + 1);
    let placed = 0;
    for (const item of items) {
      const ends = right[item]!.map((other) => at[other]!);
      for (const end of ends) {
        let notBelow = 0;
        for (let i = end + 1; i > 0; i -= i & -i) notBelow += tree[i]!;
        count += placed - notBelow;
      }
      for (const end of ends) for (let i = end + 1; i <= size; i += i & -i) tree[i]!++;
      placed += ends.length;
    }
  }
  return count;
}
