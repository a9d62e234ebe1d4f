/** A canvas that is as sharp as the screen: its size in device pixels, drawn in CSS pixels. */

export function surfaceOf(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | undefined {
  const context = canvas.getContext("2d");
  if (context === null) return undefined;
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  // Setting the size clears it, even to the same value: only when it changes.
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A layout's path of an edge, in its own coordinates. */
export function addPath(path: Path2D | CanvasRenderingContext2D, points: readonly number[]): void {
  path.moveTo(points[0] ?? 0, points[1] ?? 0);
  for (let at = 2; at + 5 < points.length; at += 6) {
    path.bezierCurveTo(
      points[at] ?? 0,
      points[at + 1] ?? 0,
      points[at + 2] ?? 0,
      points[at + 3] ?? 0,
      points[at + 4] ?? 0,
      points[at + 5] ?? 0,
    );
  }
}
