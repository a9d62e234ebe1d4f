/** From time to pixels and back, with stretches in which nothing happened folded to a narrow gap. Pure. */

import type { Time } from "./contract";

export type Span = { readonly from: Time; readonly to: Time };

export type TimeScale = {
  readonly span: Span;
  readonly width: number;
  /** The stretches that are folded, within the span, in order. */
  readonly folds: readonly Span[];
  /** Pixels from the left; outside the span it goes on beyond the edges. */
  readonly x: (time: Time) => number;
  /** The other way round. */
  readonly time: (x: number) => Time;
};

/** What a folded stretch takes. */
export const FOLD_PX = 18;

export function timeScale(span: Span, width: number, idle: readonly Span[] = []): TimeScale {
  const from = span.from;
  const to = Math.max(span.to, from + 1);
  const folds = idle
    .map((fold) => ({ from: Math.max(fold.from, from), to: Math.min(fold.to, to) }))
    .filter((fold) => fold.to > fold.from);
  const folded = folds.reduce((sum, fold) => sum + (fold.to - fold.from), 0);
  // When all is idle, or no room is left for what is not, nothing is folded.
  if (folds.length === 0 || folded >= to - from || FOLD_PX * folds.length > width / 2) return plain({ from, to }, width, []);
  const perMs = (width - FOLD_PX * folds.length) / (to - from - folded);
  const knots: { time: Time; x: number }[] = [{ time: from, x: 0 }];
  for (const fold of folds) {
    const last = knots.at(-1) ?? { time: from, x: 0 };
    const x = last.x + (fold.from - last.time) * perMs;
    knots.push({ time: fold.from, x }, { time: fold.to, x: x + FOLD_PX });
  }
  const last = knots.at(-1) ?? { time: from, x: 0 };
  knots.push({ time: to, x: last.x + (to - last.time) * perMs });
  const between = (value: number, by: "time" | "x", get: "time" | "x"): number => {
    let at = 1;
    while (at < knots.length - 1 && (knots[at]?.[by] ?? 0) < value) at += 1;
    const [a, b] = [knots[at - 1], knots[at]];
    if (a === undefined || b === undefined) return 0;
    const length = b[by] - a[by];
    return length === 0 ? b[get] : a[get] + ((value - a[by]) / length) * (b[get] - a[get]);
  };
  return { span: { from, to }, width, folds, x: (time) => between(time, "time", "x"), time: (x) => between(x, "x", "time") };
}

function plain({ from, to }: Span, width: number, folds: readonly Span[]): TimeScale {
  const perMs = width / (to - from);
  return { span: { from, to }, width, folds, x: (time) => (time - from) * perMs, time: (x) => from + x / perMs };
}

/** Stretches of at least `leastMs` that none of these touches, between the first and the last of them. */
export function idleBetween(spans: Iterable<Span>, leastMs: number): Span[] {
  const sorted = [...spans].sort((a, b) => a.from - b.from);
  const idle: Span[] = [];
  let end: Time | undefined;
  for (const { from, to } of sorted) {
    if (end !== undefined && from - end >= leastMs) idle.push({ from: end, to: from });
    end = Math.max(end ?? to, to);
  }
  return idle;
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800];

/** Round moments since `origin` for an axis, at least `leastPx` apart; none inside a fold. */
export function ticks(scale: TimeScale, origin: Time, leastPx: number): Time[] {
  const visible = scale.folds.reduce((sum, fold) => sum - (fold.to - fold.from), scale.span.to - scale.span.from);
  const perTick = (visible / Math.max(scale.width, 1)) * leastPx;
  const step = 1000 * (STEPS_S.find((seconds) => seconds * 1000 >= perTick) ?? Math.ceil(perTick / 604_800_000) * 604_800);
  const found: Time[] = [];
  let lastX = -Infinity;
  const inFold = (time: Time): Span | undefined => scale.folds.find((fold) => time > fold.from && time < fold.to);
  for (let time = origin + Math.ceil((scale.span.from - origin) / step) * step; time <= scale.span.to; time += step) {
    const fold = inFold(time);
    if (fold !== undefined) {
      // Straight to the end of the fold: there may be years in it.
      time += Math.max(0, Math.ceil((fold.to - time) / step) - 1) * step;
      continue;
    }
    const x = scale.x(time);
    if (x - lastX < leastPx * 0.8) continue;
    found.push(time);
    lastX = x;
  }
  return found;
}
