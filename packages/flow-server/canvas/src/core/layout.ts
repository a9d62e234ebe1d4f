/**
 * Where the boxes of a shape stand and how its edges run. Layered: what waits for nothing in the first column,
 * everything else one column right of the last thing it waits for (Sugiyama, Tagawa, Toda 1981).
 *
 * The same shape always gives the same layout; statuses play no part. With the layout before at hand, what
 * stood keeps its place wherever its column is still the same.
 */

import { orderColumns } from "./crossings";
import type { Shape } from "./shape";

/** Box and gaps in pixels at zoom 1. */
export const BOX_WIDTH = 150;
export const BOX_HEIGHT = 26;
/** From one column's left edge to the next one's. */
export const COLUMN_PITCH = BOX_WIDTH + 70;
/** From one box's top to the next one's. */
export const ROW_PITCH = BOX_HEIGHT + 10;
/** Above so many names: columns in order of rank only, wrapped into a readable block. */
export const PLAIN_ABOVE = 400;

/** Room of an edge that passes a column, as a part of a box's. */
const LINE_PITCH = 12;
/** Width to height that a block of unconnected boxes, and a plain layout, aims for. */
const ASPECT = 1.6;
/** The layout before is kept when at least this part of the names stands as it did. */
const WORTH_KEEPING = 0.75;

export type Place = {
  /** Left edge, at least 0. */
  readonly x: number;
  /** Top edge, at least 0. */
  readonly y: number;
};

export type Edge = {
  /** Names. */
  readonly from: string;
  readonly to: string;
  /**
   * Where to begin, then cubic curves: x, y, then any number of six: both control points and the end.
   * `moveTo(p[0], p[1])`, `bezierCurveTo(p[2], ..., p[7])`, ...
   */
  readonly path: readonly number[];
};

export type Layout = {
  /** The shape's key. */
  readonly key: string;
  /** Name -> place, in the shape's order. */
  readonly places: ReadonlyMap<string, Place>;
  /** In the shape's order. */
  readonly edges: readonly Edge[];
  /** Right edge of the last column, 0 when nothing is there. */
  readonly width: number;
  /** Lower edge of the lowest box. */
  readonly height: number;
};

/** What the columns are made of: boxes first, then the points where an edge passes a column. */
export type Columns = {
  /** Item -> column. */
  readonly column: number[];
  /** Pairs of items in neighbouring columns, left to right. */
  readonly segments: [number, number][];
  /** Edge -> the items that it passes, from its box to its box. */
  readonly routes: number[][];
};

/** O(edges * columns) up to `PLAIN_ABOVE` names, O(edges + names log names) above. Never throws. */
export function layout(shape: Shape, before?: Layout): Layout {
  const count = shape.names.length;
  const forward = withoutCycles(count, shape.edges);
  const rank = longestPaths(count, forward);
  const alone = new Uint8Array(count).fill(1);
  for (const [from, to] of shape.edges) alone[from] = alone[to] = 0;
  const places = count > PLAIN_ABOVE ? plain(rank, forward, alone) : layered(rank, forward, alone);
  if (before !== undefined) keepPlaces(shape, before, places.xs, places.ys);
  return finish(shape, places);
}

type Places = {
  /** Of the boxes, then of the points on the way. */
  readonly xs: number[];
  readonly ys: number[];
  /** Edge in `forward` order -> items; empty: straight. */
  readonly routes: readonly number[][];
};

/**
 * The edges, those that would close a ring turned around; each keeps its number. Depth first in order of name, so
 * the same ring is always opened at the same place.
 */
function withoutCycles(count: number, edges: Shape["edges"]): [number, number][] {
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
function longestPaths(count: number, edges: readonly (readonly [number, number])[]): number[] {
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

/** Columns with the least crossings found; what is connected to nothing stands in rows below. */
function layered(rank: readonly number[], edges: readonly [number, number][], alone: Uint8Array): Places {
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

/**
 * Tops of the items: each as near to the middle of its neighbours as its column's order and sizes allow. One column
 * at a time, exactly (isotonic regression by pooling neighbours that would overlap), left and right in turn.
 */
function straighten(columns: Columns, order: readonly (readonly number[])[], size: readonly number[], boxes: number): number[] {
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

/** Ranks in order, each as many columns as it needs, rows in the order of what they wait for. */
function plain(rank: readonly number[], edges: readonly [number, number][], alone: Uint8Array): Places {
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

/**
 * Puts what stood back where it stood, as far as its column is the same, and the rest onto the nearest free place
 * of its column. When too little stays as it was, nothing is kept: a fresh layout is then easier to read.
 */
function keepPlaces(shape: Shape, before: Layout, xs: number[], ys: number[]): void {
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

function finish(shape: Shape, { xs, ys, routes }: Places): Layout {
  const places = new Map<string, Place>();
  let width = 0;
  let height = 0;
  shape.names.forEach((name, item) => {
    const place = { x: xs[item]!, y: ys[item]! };
    places.set(name, place);
    width = Math.max(width, place.x + BOX_WIDTH);
    height = Math.max(height, place.y + BOX_HEIGHT);
  });
  const edges = shape.edges.map(([from, to], at): Edge => {
    const route = routes[at] ?? [];
    const on = (route[0] === to ? route.toReversed() : route).slice(1, -1);
    return {
      from: shape.names[from]!,
      to: shape.names[to]!,
      path: edgePath(
        { x: xs[from]!, y: ys[from]! },
        { x: xs[to]!, y: ys[to]! },
        on.map((item) => ({ x: xs[item]!, y: ys[item]! })),
      ),
    };
  });
  return { key: shape.key, places, edges, width, height };
}

/**
 * The curve from the right side of one box to the left side of another, past the points given (left edges of
 * columns that it crosses level). To a box that is not further right: out, around and in from the left.
 * Also for an edge that is in no layout, such as an implied one of the selected box.
 */
export function edgePath(from: Place, to: Place, past: readonly Place[] = []): number[] {
  let x = from.x + BOX_WIDTH;
  let y = from.y + BOX_HEIGHT / 2;
  const path = [x, y];
  const curve = (toX: number, toY: number): void => {
    const bend = toX > x ? (toX - x) / 2 : COLUMN_PITCH / 3;
    path.push(x + bend, y, toX - bend, toY, toX, toY);
    [x, y] = [toX, toY];
  };
  if (to.x > from.x) {
    for (const point of past) {
      curve(point.x, point.y);
      curve(point.x + BOX_WIDTH, point.y);
    }
  }
  curve(to.x, to.y + BOX_HEIGHT / 2);
  return path;
}
