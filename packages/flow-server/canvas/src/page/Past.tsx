/** The time slider: the last line of the page, and the frame around it while it shows a moment of the past. */

import { useRef } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";
import { clock, duration } from "../core/text";
import { palette } from "../draw/palette";
import { surfaceOf } from "../draw/surface";
import { now } from "../state/clock";
import { pastMoments, pastState, play, playing, readPast } from "../state/past";
import { steady } from "../state/picture";
import { moment } from "../state/view";
import { momentWords, range, slideByKey, slideTo, wake } from "./sliding";

const STRIP_PX = 12;
const AWAY = "the past cannot be read";

export function Past() {
  const { start, end } = range.value;
  const at = moment.value;
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
        <Strip />
        <input
          type="range"
          id="moment"
          aria-label="moment shown"
          aria-valuetext={momentWords.value}
          min={start}
          max={end}
          step={1}
          value={at ?? end}
          onPointerDown={wake}
          onFocus={wake}
          onInput={(event) => slideTo(Number(event.currentTarget.value))}
          onKeyDown={slideByKey}
        />
      </div>
      {at === undefined ? (
        <span class="muted">{pastState.value === "away" ? AWAY : "now"}</span>
      ) : (
        <>
          {steady.value.at === undefined ? (
            // What is shown is still of now.
            <span class="muted">{pastState.value === "away" ? AWAY : "reading the past…"}</span>
          ) : (
            <span>
              <b class="past-word">past</b> {clock(at, now.value)} · {duration(at - start)} in
            </span>
          )}
          <button type="button" class="tool back" onClick={() => slideTo(Infinity)}>
            back to live
          </button>
        </>
      )}
    </section>
  );
}

/** How much happened when, as a strip behind the slider. */
function Strip() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const moments = pastMoments.value;
    if (canvas.current === null) return;
    if (moments.length === 0) {
      canvas.current.width = 0;
      return;
    }
    const { start, end } = range.value;
    const colors = palette.value;
    const width = canvas.current.clientWidth;
    const context = surfaceOf(canvas.current, width, STRIP_PX);
    if (context === undefined) return;
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
