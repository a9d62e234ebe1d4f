/**
 * Where the boxes of a shape stand and how its edges run. Layered: what waits for nothing in the first column,
 * everything else one column right of the last thing it waits for (Sugiyama, Tagawa, Toda 1981).
 *
 * The same shape always gives the same layout; statuses play no part. With the layout before at hand, what
 * stood keeps its place wherever its column is still the same.
 */

import { BOX_HEIGHT, BOX_WIDTH, edgePath, type Place } from "./box";
import { layered, plain, type Places } from "./columns";
import { keepPlaces } from "./kept";
import { longestPaths, withoutCycles } from "./ranks";
import type { Shape } from "./shape";

export { BOX_HEIGHT, BOX_WIDTH, COLUMN_PITCH, edgePath, type Place, ROW_PITCH } from "./box";

/** Above so many names: columns in order of rank only, wrapped into a readable block. */
export const PLAIN_ABOVE = 400;

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
