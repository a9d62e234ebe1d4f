/** The time slider: the last line of the page, and the frame around it while it shows a moment of the past. */

import { useRef } from "preact/hooks";
import { useComputed, useSignalEffect } from "@preact/signals";
import { clock, duration } from "../core/text";
import { palette } from "../draw/palette";
import { surfaceOf } from "../draw/surface";
import { now } from "../state/clock";
import { span } from "../state/picture";
import { pastMoments, pastSpan, pastState, play, playing, readPast, travel } from "../state/past";
import { moment } from "../state/view";

const STRIP_PX = 12;

export function Past() {
  const range = useComputed(() => {
    const known = pastSpan.value;
    const start = known?.start ?? span.value.start;
    return { start, end: Math.max(moment.value === undefined ? now.value : (known?.end ?? now.value), start + 1000) };
  });
  const { start, end } = range.value;
  const at = moment.value;
  const slide = (value: number) => {
    playing.value = false;
    travel(value >= end ? undefined : Math.round(value));
  };
  const wake = () => {
    if (pastState.value === "none" || pastState.value === "away") void readPast();
  };
  return (
    <section class={`past${at === undefined ? "" : " on"}`} aria-label="time">
      <button
        type="button"
        class="tool"
        aria-label={playing.value ? "pause" : "play from the beginning"}
        onClick={() => void readPast().then(play)}
      >
        <svg viewBox="0 0 12 12" class="icon solid" aria-hidden="true">
          <path d={playing.value ? "M3 2h2v8H3zM7 2h2v8H7z" : "M3 1.5L10 6L3 10.5z"} />
        </svg>
      </button>
      <div class="slide">
        <Strip range={range} />
        <input
          type="range"
          id="moment"
          aria-label="moment shown"
          aria-valuetext={at === undefined ? "now" : `${duration(at - start)} after the beginning`}
          min={start}
          max={end}
          step={1}
          value={at ?? end}
          onPointerDown={wake}
          onFocus={wake}
          onInput={(event) => slide(Number(event.currentTarget.value))}
          onKeyDown={(event) => {
            const steps = stepFor(event.key);
            if (steps === 0) return;
            event.preventDefault();
            slide(nextMoment(at ?? end, steps, end));
          }}
        />
      </div>
      {at === undefined ? (
        <span class="muted">{pastState.value === "away" ? "the past cannot be read" : "now"}</span>
      ) : (
        <>
          <span>
            <b class="past-word">past</b> {clock(at, now.value)} · {duration(at - start)} in
          </span>
          <button type="button" class="tool back" onClick={() => slide(Infinity)}>
            back to live
          </button>
        </>
      )}
    </section>
  );
}

const stepFor = (key: string): number =>
  ({ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -20, PageUp: 20 })[key] ?? 0;

/** The moment `steps` happenings away: a key goes from one to the next, not by milliseconds. */
function nextMoment(at: number, steps: number, end: number): number {
  const moments = pastMoments.value;
  if (moments.length === 0) return at;
  const before = moments.filter((moment) => moment < at).length;
  const here = moments[before] === at ? before : before - (steps > 0 ? 1 : 0);
  const next = here + steps;
  return next >= moments.length ? end : (moments[Math.max(0, next)] ?? end);
}

/** How much happened when, as a strip behind the slider. */
function Strip({ range }: { range: { readonly value: { start: number; end: number } } }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const moments = pastMoments.value;
    const { start, end } = range.value;
    const colors = palette.value;
    if (canvas.current === null) return;
    const width = canvas.current.clientWidth;
    const context = surfaceOf(canvas.current, width, STRIP_PX);
    if (context === undefined || moments.length === 0) return;
    const counts = new Uint32Array(Math.max(1, Math.floor(width / 3)));
    for (const at of moments) {
      const cell = Math.min(counts.length - 1, Math.floor(((at - start) / (end - start)) * counts.length));
      if (cell >= 0) counts[cell] = (counts[cell] ?? 0) + 1;
    }
    const most = Math.max(...counts);
    context.fillStyle = colors.edge;
    counts.forEach((count, at) => {
      const height = count === 0 ? 0 : 2 + (STRIP_PX - 2) * Math.sqrt(count / most);
      context.fillRect(at * 3, STRIP_PX - height, 2, height);
    });
  });
  return <canvas ref={canvas} class="strip" aria-hidden="true" />;
}
