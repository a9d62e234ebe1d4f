/** Which column a box belongs to: rings opened, then the longest path. Pure. */

import type { Shape } from "./shape";

/**
 * The edges, those that would close a ring turned around; each keeps its number. Depth first in order of name, so
 * the same ring is always opened at the same place.
 */
export function withoutCycles(count: number, edges: Shape["edges"]): [number, number][] {
  const out: number[][] = Array.from({ length: count }, () => []);
  edges.forEach(([from], at) => out[from]!.push(at));
  // 0: not seen, 1: on the path, 2: done.
  const state = new Uint8Array(count);
  const cursor = new Int32Array(count);
  const back = new Uint8Array(edges.length);
  for (let root = 0; root < count; root++) {
    if (state[root] !== 0) continue;
    const path = [root];
    while (path.length > 0) {
      const at = path.at(-1)!;
      state[at] = 1;
      const edge = out[at]![cursor[at]!++];
      if (edge === undefined) {
        state[at] = 2;
        path.pop();
        continue;
      }
      const to = edges[edge]![1];
      if (state[to] === 1) back[edge] = 1;
      else if (state[to] === 0) path.push(to);
    }
  }
  return edges.map(([from, to], at) => (back[at] ? [to, from] : [from, to]));
}

/** Item -> length of the longest path to it. The edges must not have a cycle. */
export function longestPaths(count: number, edges: readonly (readonly [number, number])[]): number[] {
  const out: number[][] = Array.from({ length: count }, () => []);
  const open = new Int32Array(count);
  for (const [from, to] of edges) {
    out[from]!.push(to);
    open[to]!++;
  }
  const rank = new Array<number>(count).fill(0);
  const ready: number[] = [];
  open.forEach((left, at) => left === 0 && ready.push(at));
  for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
    for (const to of out[at]!) {
      rank[to] = Math.max(rank[to]!, rank[at]! + 1);
      if (--open[to]! === 0) ready.push(to);
    }
  }
  return rank;
}
