/** The timeline's bars and its axis. */

import { ticks, type TimeScale } from "../core/timeScale";
import { duration } from "../core/text";
import type { Look } from "../core/look";
import { type Bar, type Line, trackPx } from "../state/timelineRows";
import type { Palette } from "./palette";

export type TimelineMarks = {
  readonly selected: string | undefined;
  readonly critical: ReadonlySet<string>;
  readonly origin: number;
  /** Where bars without an end stop. */
  readonly now: number;
};

const ALPHA: Readonly<Record<Look, number>> = {
  succeeded: 0.55,
  suspended: 0.3,
  pending: 0.6,
  waiting: 0.6,
  other: 0.8,
  running: 1,
  stalled: 1,
  failed: 1,
};

const LEAST_PX = 2;

export function barSpan(bar: Bar, scale: TimeScale, now: number): { x: number; width: number } {
  const x = scale.x(bar.from);
  return { x, width: Math.max(LEAST_PX, scale.x(bar.to ?? Math.max(now, bar.from)) - x) };
}

export function paintTimeline(
  context: CanvasRenderingContext2D,
  lines: readonly Line[],
  scale: TimeScale,
  scrollTop: number,
  height: number,
  colors: Palette,
  marks: TimelineMarks,
): void {
  paintGrid(context, scale, height, colors, marks.origin);
  const track = trackPx();
  for (const line of lines) {
    const y = line.top - scrollTop;
    if (line.kind === "lane") {
      context.globalAlpha = 0.6;
      context.fillStyle = colors.line;
      context.fillRect(0, Math.round(y), scale.width, 1);
      line.tracks.forEach((bars, at) => {
        for (const bar of bars) paintBar(context, bar, scale, y + 5 + at * track, track - 2, colors, marks);
      });
    } else {
      if (line.bar.key === marks.selected) {
        context.globalAlpha = 1;
        context.fillStyle = colors.raised;
        context.fillRect(0, y, scale.width, line.height);
      }
      paintBar(context, line.bar, scale, y + 4, line.height - 8, colors, marks);
    }
  }
  context.globalAlpha = 1;
}

function paintBar(
  context: CanvasRenderingContext2D,
  bar: Bar,
  scale: TimeScale,
  y: number,
  height: number,
  colors: Palette,
  marks: TimelineMarks,
): void {
  const { x, width } = barSpan(bar, scale, marks.now);
  if (x > scale.width || x + width < 0) return;
  context.globalAlpha = ALPHA[bar.look];
  context.fillStyle = colors[bar.look];
  if (bar.look === "waiting" || bar.look === "pending") context.fillRect(x, y + height / 2 - 0.5, width, 1);
  else context.fillRect(x, y, Math.max(width - 1, 1), height);
  const isSelected = bar.key === marks.selected;
  if (marks.critical.has(bar.key)) {
    context.globalAlpha = 1;
    context.fillStyle = colors.text;
    context.fillRect(x, y + height, width, height > 6 ? 2 : 1);
  }
  if (isSelected) {
    context.globalAlpha = 1;
    context.strokeStyle = colors.focus;
    context.lineWidth = 1.5;
    context.strokeRect(x - 1.5, y - 1.5, width + 3, height + 3);
  }
}

function paintGrid(context: CanvasRenderingContext2D, scale: TimeScale, height: number, colors: Palette, origin: number): void {
  context.fillStyle = colors.line;
  context.globalAlpha = 0.7;
  for (const time of ticks(scale, origin, 80)) context.fillRect(Math.round(scale.x(time)), 0, 1, height);
  context.globalAlpha = 0.5;
  for (const fold of scale.folds) {
    const [from, to] = [scale.x(fold.from), scale.x(fold.to)];
    for (let x = from + 3; x < to - 1; x += 4) context.fillRect(Math.round(x), 0, 1, height);
  }
  context.globalAlpha = 1;
}

/** The axis: times since the beginning, what is folded, and the part that is being chosen. */
export function paintAxis(
  context: CanvasRenderingContext2D,
  scale: TimeScale,
  height: number,
  colors: Palette,
  origin: number,
  chosen: { from: number; to: number } | undefined,
): void {
  if (chosen !== undefined) {
    context.fillStyle = colors.running;
    context.globalAlpha = 0.3;
    context.fillRect(Math.min(chosen.from, chosen.to), 0, Math.abs(chosen.to - chosen.from), height);
    context.globalAlpha = 1;
  }
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const time of ticks(scale, origin, 80)) {
    const x = Math.round(scale.x(time));
    context.fillStyle = colors.line;
    context.fillRect(x, height - 5, 1, 5);
    context.fillStyle = colors.muted;
    const said = time < origin ? `−${duration(origin - time)}` : duration(time - origin).replace(/^(\d+[mhd])0+[smh]$/, "$1");
    if (x + 30 < scale.width) context.fillText(said, x + 4, height / 2 - 1);
  }
  context.fillStyle = colors.muted;
  context.textAlign = "center";
  for (const fold of scale.folds) context.fillText("⋯", (scale.x(fold.from) + scale.x(fold.to)) / 2, height / 2 - 1);
  context.textAlign = "start";
}
