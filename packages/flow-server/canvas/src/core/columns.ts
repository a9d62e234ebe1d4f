/**
 * Boxes and passing edges in columns: who stands where in a layered layout, and in the plain one for many boxes.
 * Items are numbers: boxes first, then the points where an edge passes a column. Pure.
 */

import { COLUMN_PITCH, ROW_PITCH } from "./box";
import { orderColumns } from "./crossings";
import { straighten } from "./straighten";

/** Width to height that a block of unconnected boxes, and a plain layout, aims for. */
const ASPECT = 1.6;
/** Height that an edge which passes a column needs in it, in pixels. */
const LINE_PITCH = 12;

/** What the columns are made of: boxes first, then the points where an edge passes a column. */
export type Columns = {
  /** Item -> column. */
  readonly column: number[];
  /** Pairs of items in neighbouring columns, left to right. */
  readonly segments: [number, number][];
  /** Edge -> the items that it passes, from its box to its box. */
  readonly routes: number[][];
};

export type Places = {
  /** Of the boxes, then of the points on the way. */
  readonly xs: number[];
  readonly ys: number[];
  /** Edge in `forward` order -> items; empty: straight. */
  readonly routes: readonly number[][];
};

/** Columns with the least crossings found; what is connected to nothing stands in rows below. */
export function layered(rank: readonly number[], edges: readonly [number, number][], alone: Uint8Array): Places {
  const columns = columnsOf(rank, edges);
  const boxes = rank.length;
  const items = columns.column.length;
  const members = Array.from(columns.column.keys()).filter((item) => item >= boxes || !alone[item]);
  const order = orderColumns(columns, members);
  const size = Array.from({ length: items }, (_, item) => (item < boxes ? ROW_PITCH : LINE_PITCH));
  const ys = straighten(columns, order, size, boxes);
  const xs = columns.column.map((column) => column * COLUMN_PITCH);
  let bottom = 0;
  for (const item of members) if (item < boxes) bottom = Math.max(bottom, ys[item]! + ROW_PITCH);
  const single = Array.from(alone.keys()).filter((item) => alone[item]);
  if (single.length > 0) {
    const wide = Math.max(order.length, blockWidth(single.length));
    const gap = bottom > 0 ? ROW_PITCH / 2 : 0;
    single.forEach((item, at) => {
      xs[item] = (at % wide) * COLUMN_PITCH;
      ys[item] = bottom + gap + Math.floor(at / wide) * ROW_PITCH;
    });
  }
  return { xs, ys, routes: columns.routes };
}

/** How many columns make a block of so many boxes look like a screen. */
const blockWidth = (count: number): number =>
  Math.max(1, Math.ceil(Math.sqrt((count * ROW_PITCH * ASPECT) / COLUMN_PITCH)));

/**
 * Columns for boxes, and points where an edge passes a column between its ends. All edges out of one box share
 * their points: they run as one trunk and branch off one column before their ends.
 */
function columnsOf(rank: readonly number[], edges: readonly [number, number][]): Columns {
  const column = [...rank];
  const segments: [number, number][] = [];
  const trunks = new Map<number, number[]>();
  const routes = edges.map(([from, to]) => {
    const route = [from];
    const trunk = trunks.get(from) ?? [];
    trunks.set(from, trunk);
    for (let at = rank[from]! + 1, step = 0; at < rank[to]!; at++, step++) {
      let point = trunk[step];
      if (point === undefined) {
        trunk.push((point = column.push(at) - 1));
        segments.push([route.at(-1)!, point]);
      }
      route.push(point);
    }
    segments.push([route.at(-1)!, to]);
    route.push(to);
    return route;
  });
  return { column, segments, routes };
}

/** Ranks in order, each as many columns as it needs, rows in the order of what they wait for. */
export function plain(rank: readonly number[], edges: readonly [number, number][], alone: Uint8Array): Places {
  const count = rank.length;
  // In steps, so that one more release does not make every column anew.
  const rows = Math.ceil(Math.sqrt((count * COLUMN_PITCH) / (ROW_PITCH * ASPECT)) / 20) * 20;
  const before: number[][] = Array.from({ length: count }, () => []);
  for (const [from, to] of edges) before[to]!.push(from);
  const byRank: number[][] = [];
  const single: number[] = [];
  rank.forEach((at, item) => (alone[item] ? single : (byRank[at] ??= [])).push(item));
  const xs = new Array<number>(count).fill(0);
  const ys = new Array<number>(count).fill(0);
  let column = 0;
  for (const members of [...byRank, single]) {
    if (!members || members.length === 0) continue;
    const wanted = new Map(
      members.map((item) => [item, before[item]!.reduce((sum, other) => sum + ys[other]!, 0) / (before[item]!.length || 1)]),
    );
    members.sort((a, b) => wanted.get(a)! - wanted.get(b)! || a - b);
    const wide = Math.ceil(members.length / rows);
    const high = Math.ceil(members.length / wide);
    members.forEach((item, at) => {
      xs[item] = (column + Math.floor(at / high)) * COLUMN_PITCH;
      ys[item] = (at % high) * ROW_PITCH;
    });
    column += wide;
  }
  return { xs, ys, routes: [] };
}
