/** The size of a box, the grid it stands on, and the curve from one box to another. Pure. */

/** Box and gaps in pixels at zoom 1. */
export const BOX_WIDTH = 168;
export const BOX_HEIGHT = 26;
/** From one column's left edge to the next one's. */
export const COLUMN_PITCH = BOX_WIDTH + 36;
/** From one box's top to the next one's. */
export const ROW_PITCH = BOX_HEIGHT + 10;
export type Place = {
  /** Left edge, at least 0. */
  readonly x: number;
  /** Top edge, at least 0. */
  readonly y: number;
};

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
    const bend = (toX - x) / 2;
    path.push(x + bend, y, toX - bend, toY, toX, toY);
    [x, y] = [toX, toY];
  };
  if (to.x > from.x) {
    for (const point of past) {
      curve(point.x, point.y);
      curve(point.x + BOX_WIDTH, point.y);
    }
  }
  const endY = to.y + BOX_HEIGHT / 2;
  if (to.x > from.x) curve(to.x, endY);
  else {
    // Above the higher of the two: straight back it would run behind both boxes.
    const top = Math.min(from.y, to.y) - (ROW_PITCH - BOX_HEIGHT) / 2;
    const [bend, middle] = [COLUMN_PITCH / 8, (x + to.x) / 2];
    path.push(x + bend, y, x + bend, top, middle, top, to.x - bend, top, to.x - bend, endY, to.x, endY);
  }
  return path;
}
