/** The timeline's bars and its axis. */

import { ticks, type TimeScale } from "../core/timeScale";
import { duration, shown } from "../core/text";
import type { Look } from "../core/look";
import { type Bar, type Line, TRACKS_MARGIN_PX, trackPx } from "../state/timelineRows";
import type { Palette } from "./palette";

export type TimelineMarks = {
  readonly selected: string | undefined;
  readonly critical: ReadonlySet<string>;
  readonly origin: number;
  /** What all names begin with, and bars leave out. */
  readonly prefix: string;
  /** Where bars without an end stop. */
  readonly now: number;
};

const ALPHA: Readonly<Record<Look, number>> = {
  succeeded: 0.45,
  suspended: 0.3,
  pending: 0.6,
  waiting: 0.6,
  other: 0.8,
  running: 1,
  stalled: 1,
  failed: 1,
};

const LEAST_PX = 2;
/** What failed at once is to be seen all the same. */
const LEAST_FAILED_PX = 6;

export function barSpan(bar: Bar, scale: TimeScale, now: number): { x: number; width: number } {
  const x = scale.x(bar.from);
  return { x, width: Math.max(bar.look === "failed" ? LEAST_FAILED_PX : LEAST_PX, scale.x(bar.to ?? Math.max(now, bar.from)) - x) };
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
  const track = trackPx.value;
  for (const line of lines) {
    const y = line.top - scrollTop;
    if (line.kind === "lane") {
      context.globalAlpha = 0.6;
      context.fillStyle = colors.line;
      context.fillRect(0, Math.round(y), scale.width, 1);
      line.tracks.forEach((bars, at) => {
        for (const bar of bars) paintBar(context, bar, scale, y + TRACKS_MARGIN_PX + at * track, track - 2, colors, marks, track >= NAMED_PX);
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
  named = false,
): void {
  const { x, width } = barSpan(bar, scale, marks.now);
  if (x > scale.width || x + width < 0) return;
  context.globalAlpha = ALPHA[bar.look];
  context.fillStyle = colors[bar.look];
  if (bar.look === "waiting" || bar.look === "pending") context.fillRect(x, y + height / 2 - 0.5, width, 1);
  else context.fillRect(x, y, Math.max(width - 1, 1), height);
  if (named) paintName(context, bar, x, width, y + height / 2, scale.width, colors, marks.prefix);
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

/** Tracks from this height on have room for names. */
const NAMED_PX = 16;
/** About the width of a letter: measuring a thousand names takes longer than painting them. */
const LETTER_PX = 6.6;
/** Fewer of a longer name say nothing. */
const LEAST_LETTERS = 4;
const FULL: ReadonlySet<Look> = new Set(["failed", "stalled", "running", "other"]);

/** A bar's name in it, as much of it as there is room for. */
function paintName(context: CanvasRenderingContext2D, { node, look }: Bar, x: number, width: number, middle: number, end: number, colors: Palette, prefix: string): void {
  const left = Math.max(x, 0) + 4;
  const room = Math.min(x + width, end) - left - 3;
  const letters = Math.floor(room / LETTER_PX);
  const text = shown(node.label.slice(prefix.length));
  if (letters < Math.min(text.length, LEAST_LETTERS)) return;
  context.globalAlpha = 1;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = FULL.has(look) ? colors.ground : colors.text;
  context.fillText(text.length <= letters ? text : `${text.slice(0, letters - 1)}…`, left, middle + 0.5, room);
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
