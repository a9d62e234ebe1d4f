/**
 * Which dependencies are drawn: the transitive reduction. `a -> c` is not, when `a -> b -> c` says it already.
 *
 * Only finish-to-start relationships that wait for an end that went well (or any end) imply one another.
 * Other types, and what waits for a failure, are always drawn. Inside a cycle everything is drawn: there no
 * reduction is the right one, and an operator looks for exactly that ring.
 */

import type { Link } from "./graph";

export type Reduction = {
  /** In the order given, one per pair of nodes and type, no self references. */
  readonly drawn: readonly Link[];
  /** Declared, but said already by a path of drawn ones. */
  readonly implied: ReadonlySet<Link>;
};

const canImply = (link: Link): boolean => link.type === "finish-to-start" && link.condition !== "on-failure";

/**
 * The reduction of the links of one region (or of any set of links).
 *
 * Source: Aho, Garey, Ullman 1972, on the graph of strongly connected components. For each component its
 * successors are looked at nearest first; one that was reached from a nearer one is implied. The search
 * never goes beyond the farthest successor in topological order, which keeps real graphs near O(links),
 * the worst case O(nodes * links).
 */
export const reduction = (links: Iterable<Link>): Reduction => {
  const drawn: Link[] = [];
  const implied = new Set<Link>();
  const seen = new Set<string>();
  const index = new Map<string, number>();
  const numberOf = (key: string): number => {
    let at = index.get(key);
    if (at === undefined) index.set(key, (at = index.size));
    return at;
  };
  const kept: Link[] = [];
  for (const link of links) {
    const from = numberOf(link.from);
    const pair = `${from} ${numberOf(link.to)} ${link.type}`;
    if (link.from === link.to || seen.has(pair)) continue;
    seen.add(pair);
    kept.push(link);
  }
  const out: number[][] = Array.from(index, () => []);
  const candidates = kept.filter(canImply);
  for (const { from, to } of candidates) out[numberOf(from)]!.push(numberOf(to));

  const rank = components(out);
  // Between components; `rank` falls along every edge, so a nearer successor has the higher rank.
  const next = new Map<number, Set<number>>();
  for (const { from, to } of candidates) {
    const [a, b] = [rank[numberOf(from)]!, rank[numberOf(to)]!];
    if (a === b) continue;
    const targets = next.get(a);
    if (targets) targets.add(b);
    else next.set(a, new Set([b]));
  }
  const impliedPairs = new Set<string>();
  const mark = new Int32Array(index.size).fill(-1);
  for (const [source, targets] of next) {
    if (targets.size < 2) continue;
    const nearestFirst = [...targets].sort((a, b) => b - a);
    const farthest = nearestFirst.at(-1)!;
    for (const target of nearestFirst) {
      if (mark[target] === source) {
        impliedPairs.add(`${source} ${target}`);
        continue;
      }
      mark[target] = source;
      const stack = [target];
      while (stack.length > 0) {
        for (const further of next.get(stack.pop()!) ?? []) {
          if (further < farthest || mark[further] === source) continue;
          mark[further] = source;
          stack.push(further);
        }
      }
    }
  }
  for (const link of kept) {
    const pair = `${rank[numberOf(link.from)]} ${rank[numberOf(link.to)]}`;
    if (canImply(link) && impliedPairs.has(pair)) implied.add(link);
    else drawn.push(link);
  }
  return { drawn, implied };
};

/**
 * Strongly connected components: node -> component, numbered against the direction of the edges (an edge
 * between two components goes to a lower number). Tarjan 1972, without recursion: paths may be 20,000 long.
 */
export const components = (out: readonly (readonly number[])[]): Int32Array => {
  const count = out.length;
  const component = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const order = new Int32Array(count).fill(-1);
  const cursor = new Int32Array(count);
  const open: number[] = [];
  let clock = 0;
  let made = 0;
  for (let root = 0; root < count; root++) {
    if (order[root] !== -1) continue;
    const path = [root];
    while (path.length > 0) {
      const at = path.at(-1)!;
      if (order[at] === -1) {
        order[at] = low[at] = clock++;
        open.push(at);
      }
      const to = out[at]![cursor[at]!++];
      if (to !== undefined) {
        if (order[to] === -1) path.push(to);
        else if (component[to] === -1) low[at] = Math.min(low[at]!, order[to]!);
        continue;
      }
      path.pop();
      const back = path.at(-1);
      if (back !== undefined) low[back] = Math.min(low[back]!, low[at]!);
      if (low[at] !== order[at]) continue;
      for (let member = -1; member !== at; ) component[(member = open.pop()!)] = made;
      made++;
    }
  }
  return component;
};
