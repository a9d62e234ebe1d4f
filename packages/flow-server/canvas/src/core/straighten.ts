/** Heights of the items of columns whose order is decided. Pure. */

import { BOX_HEIGHT } from "./box";
import type { Columns } from "./columns";

/**
 * Tops of the items: each as near to the middle of its neighbours as its column's order and sizes allow. One column
 * at a time, exactly (isotonic regression by pooling neighbours that would overlap), left and right in turn.
 */
export function straighten(columns: Columns, order: readonly (readonly number[])[], size: readonly number[], boxes: number): number[] {
  const items = columns.column.length;
  const left: number[][] = Array.from({ length: items }, () => []);
  const right: number[][] = Array.from({ length: items }, () => []);
  for (const [from, to] of columns.segments) {
    right[from]!.push(to);
    left[to]!.push(from);
  }
  /** Middles. */
  const middle = new Array<number>(items).fill(0);
  for (const column of order) {
    let top = 0;
    for (const item of column) {
      middle[item] = top + size[item]! / 2;
      top += size[item]!;
    }
  }
  const mean = (around: readonly number[], own: number): number => {
    if (around.length === 0) return own;
    let sum = 0;
    for (const item of around) sum += middle[item]!;
    return sum / around.length;
  };
  const settle = (column: readonly number[], side: readonly number[][] | undefined): void => {
    const wanted = column.map((item) =>
      side ? mean(side[item]!, middle[item]!) : mean([...left[item]!, ...right[item]!], middle[item]!),
    );
    const weight = column.map((item) => (item < boxes ? 1 : 4));
    spread(column, wanted, weight, size, middle);
  };
  for (let round = 0; round < 4; round++) {
    for (const column of order) settle(column, left);
    for (const column of order.toReversed()) settle(column, right);
  }
  for (let round = 0; round < 4; round++) for (const column of order) settle(column, undefined);
  let top = Infinity;
  for (const item of order.flat()) top = Math.min(top, middle[item]! - (item < boxes ? BOX_HEIGHT / 2 : 0));
  // Whole pixels: text stays sharp at zoom 1. Of a box that is its top, of a point on the way its height.
  return middle.map((at, item) => Math.max(0, Math.round(at - top - (item < boxes ? BOX_HEIGHT / 2 : 0))));
}

/** Least squares with a minimum distance: blocks of items that touch share the mean of what they want. */
function spread(
  column: readonly number[],
  wanted: readonly number[],
  weight: readonly number[],
  size: readonly number[],
  middle: number[],
): void {
  // With each item moved up by what stands above it, keeping the distance is keeping the order.
  const blocks: { sum: number; weight: number; count: number }[] = [];
  const above: number[] = [];
  let offset = 0;
  column.forEach((item, at) => {
    offset += at > 0 ? (size[column[at - 1]!]! + size[item]!) / 2 : 0;
    above.push(offset);
    let block = { sum: (wanted[at]! - offset) * weight[at]!, weight: weight[at]!, count: 1 };
    for (let last = blocks.at(-1); last && last.sum / last.weight >= block.sum / block.weight; last = blocks.at(-1)) {
      blocks.pop();
      block = { sum: last.sum + block.sum, weight: last.weight + block.weight, count: last.count + block.count };
    }
    blocks.push(block);
  });
  let at = 0;
  for (const block of blocks) {
    for (let end = at + block.count; at < end; at++) middle[column[at]!] = block.sum / block.weight + above[at]!;
  }
}
