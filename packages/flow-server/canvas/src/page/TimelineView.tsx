/** When each release ran, by region: what decided how long it all took is underlined. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { batch, computed, type ReadonlySignal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { wordOf } from "../core/look";
import { clock, duration } from "../core/text";
import { type TimeScale, timeScale } from "../core/timeScale";
import { palette } from "../draw/palette";
import { surfaceOf } from "../draw/surface";
import { commonPrefix } from "../draw/titles";
import { barSpan, paintAxis, paintTimeline } from "../draw/timeline";
import { shownTime, steady, tallies } from "../state/picture";
import { type Bar, type BarLine, barsByLane, foldIdle, idle, type LaneLine, lines, trackPx, turned, room, TRACKS_MARGIN_PX, whole, zoomed } from "../state/timelineRows";
import { critical, criticalKeys } from "../state/timing";
import { moment, select, selectedKey } from "../state/view";
import { Glyph } from "./Glyph";
import { Said } from "./Said";
import { momentWords, range, slideByKey, slideTo, wake } from "./sliding";

const AXIS_PX = 28;
const LABELS_PX = 190;
const SPARE_PX = 200;
const DRAG_PX = 4;

const prefix = computed(() => commonPrefix(barsByLane.value.flatMap(({ bars }) => bars.map(({ node }) => node.label))));

export function TimelineView() {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const top = useSignal(0);
  const size = useSignal({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return undefined;
    const watch = new ResizeObserver(() =>
      batch(() => {
        size.value = { width: box.clientWidth, height: box.clientHeight };
        room.value = box.clientHeight;
      }),
    );
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  const labels = useComputed(() => (size.value.width < 600 ? LABELS_PX / 2 : LABELS_PX));
  const scale = useComputed(() => {
    const width = Math.max(50, size.value.width - labels.value - 12);
    return timeScale(zoomed.value ?? whole.value, width, idle.value);
  });
  const inSight = useComputed(() => {
    const [from, to] = [top.value - SPARE_PX, top.value + size.value.height + SPARE_PX];
    return lines.value.lines.filter((line) => line.top + line.height >= from && line.top <= to);
  });
  useSignalEffect(() => {
    const { width } = scale.value;
    const { height } = size.value;
    if (canvas.current === null || height === 0) return;
    const context = surfaceOf(canvas.current, width, height);
    const marks = {
      selected: selectedKey.value,
      critical: criticalKeys.value,
      origin: whole.value.from,
      prefix: prefix.value,
      now: shownTime.value,
    };
    if (context !== undefined) paintTimeline(context, inSight.value, scale.value, top.value, height, palette.value, marks);
  });
  const hit = (event: MouseEvent): Bar | undefined => {
    const box = canvas.current?.getBoundingClientRect();
    if (box === undefined) return undefined;
    return barAt(event.clientX - box.left, event.clientY - box.top + top.peek());
  };
  const barAt = (x: number, y: number): Bar | undefined => {
    const line = lines.peek().lines.find((one) => y >= one.top && y < one.top + one.height);
    const touches = (bar: Bar): boolean => {
      const span = barSpan(bar, scale.peek(), shownTime.peek());
      return x >= span.x - 3 && x <= span.x + span.width + 3;
    };
    if (line?.kind === "bar") return line.bar;
    if (line?.kind !== "lane") return undefined;
    return line.tracks[Math.floor((y - line.top - TRACKS_MARGIN_PX) / trackPx.value)]?.find(touches);
  };
  const steps = critical.value.steps;
  return (
    <div class="timeline">
      <div class="timeline-area">
        <Moment scale={scale} labels={labels} />
        <div class="timeline-head">
          <div class="timeline-tools">
            <label>
              <input type="checkbox" checked={foldIdle.value} onChange={(event) => (foldIdle.value = event.currentTarget.checked)} />{" "}
              fold idle time
            </label>
            {zoomed.value !== undefined && (
              <button type="button" class="link underlined muted" onClick={() => (zoomed.value = undefined)}>
                show all
              </button>
            )}
          </div>
          <Axis scale={scale} />
        </div>
        <div class="timeline-body" ref={scroller} onScroll={(event) => (top.value = event.currentTarget.scrollTop)}>
          <div class="timeline-space" style={{ height: `${lines.value.height + 12}px` }}>
            <canvas
              ref={canvas}
              style={{ width: `${scale.value.width}px`, height: `${size.value.height}px` }}
              aria-hidden="true"
              onClick={(event) => {
                const bar = hit(event);
                if (bar !== undefined) select(bar.node);
              }}
              onPointerMove={(event) => {
                const bar = hit(event);
                event.currentTarget.title = bar === undefined ? "" : sentence(bar);
                event.currentTarget.classList.toggle("pointing", bar !== undefined);
              }}
            />
            <ul class="timeline-labels">
              {inSight.value.map((line) =>
                line.kind === "lane" ? (
                  <LaneLabel key={`lane ${line.lane}`} line={line} />
                ) : (
                  <BarLabel key={line.bar.key} line={line} />
                ),
              )}
            </ul>
          </div>
        </div>
      </div>
      {steps.length > 1 && (
        <p class="critical">
          <b>Critical path</b> {duration(critical.value.totalMs)}:{" "}
          {steps.map(({ key, tookMs, waitedMs }, at) => {
            const node = steady.value.state.nodes.get(key);
            return node === undefined ? null : (
              <span key={key}>
                {at > 0 && <span class="muted"> → {waitedMs > 5000 && `(${duration(waitedMs)}) `}</span>}
                <button type="button" class="link" onClick={() => select(node)}>
                  <Said text={node.label} />
                </button>{" "}
                <span class="muted">{duration(tookMs)}</span>
              </span>
            );
          })}
        </p>
      )}
    </div>
  );
}

const sentence = ({ node, look, from, to }: Bar): string => {
  const took = (to ?? shownTime.peek()) - from;
  return `${node.label}, ${wordOf(node, look)}, ${clock(from, shownTime.peek())}, ${duration(took)}`;
};

function LaneLabel({ line }: { line: LaneLine }) {
  const tally = tallies.value.lanes.get(line.lane);
  const flip = () => (turned.value = new Map([...turned.value, [line.lane, !line.open]]));
  return (
    <li style={{ top: `${line.top}px`, height: `${line.height}px` }}>
      <button type="button" class="lane-label" aria-expanded={line.open} onClick={flip}>
        <span class="turn" aria-hidden="true">
          {line.open ? "▾" : "▸"}
        </span>
        <Said text={line.lane === "" ? "no region" : line.lane} />
        {tally !== undefined && (
          <span class="muted">
            {tally.ready}/{tally.total}
          </span>
        )}
      </button>
    </li>
  );
}

function BarLabel({ line: { top, height, bar } }: { line: BarLine }) {
  const selected = selectedKey.value === bar.key;
  return (
    <li style={{ top: `${top}px`, height: `${height}px` }} class={selected ? "selected" : ""}>
      <button
        type="button"
        class={`bar-label is-${bar.look}`}
        aria-pressed={selected}
        aria-label={sentence(bar)}
        onClick={() => select(bar.node)}
      >
        <Glyph look={bar.look} />
        <Said text={bar.node.label} />
      </button>
    </li>
  );
}

/** The moment that is shown, as a line to be dragged or moved by keys: the same one as the slider's. */
function Moment({ scale, labels }: { scale: ReadonlySignal<TimeScale>; labels: ReadonlySignal<number> }) {
  const held = useSignal(false);
  const { span, width, x, time } = scale.value;
  const at = moment.value;
  const { start, end } = range.value;
  const here = at === undefined ? width : Math.min(Math.max(x(at), 0), width);
  const follow = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const left = (event.currentTarget.parentElement?.getBoundingClientRect().left ?? 0) + labels.value;
    // At the right edge of all there is stands now.
    const to = event.clientX - left;
    slideTo(to >= width - 2 && span.to >= whole.peek().to ? Infinity : time(Math.max(0, to)));
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      class={`moment${at === undefined ? "" : " on"}`}
      style={{ left: `${labels.value + here}px` }}
      aria-label="moment shown, on the timeline"
      aria-orientation="horizontal"
      aria-valuemin={start}
      aria-valuemax={end}
      aria-valuenow={at ?? end}
      aria-valuetext={momentWords.value}
      title="drag to look at the past"
      onFocus={wake}
      onKeyDown={slideByKey}
      onPointerDown={(event) => {
        wake();
        held.value = true;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (held.value) follow(event);
      }}
      onPointerUp={() => (held.value = false)}
      onPointerCancel={() => (held.value = false)}
    />
  );
}

/** A drag along it zooms to that time; a double click shows all again. */
function Axis({ scale }: { scale: ReadonlySignal<TimeScale> }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const chosen = useSignal<{ from: number; to: number } | undefined>(undefined);
  useSignalEffect(() => {
    if (canvas.current === null) return;
    const context = surfaceOf(canvas.current, scale.value.width, AXIS_PX);
    if (context !== undefined) paintAxis(context, scale.value, AXIS_PX, palette.value, whole.value.from, chosen.value);
  });
  const x = (event: PointerEvent): number => event.clientX - (canvas.current?.getBoundingClientRect().left ?? 0);
  const end = () => {
    const part = chosen.value;
    chosen.value = undefined;
    if (part === undefined || Math.abs(part.to - part.from) < DRAG_PX) return;
    const [from, to] = [scale.value.time(Math.min(part.from, part.to)), scale.value.time(Math.max(part.from, part.to))];
    if (to - from >= 100) zoomed.value = { from, to };
  };
  return (
    <canvas
      ref={canvas}
      class="axis"
      style={{ width: `${scale.value.width}px`, height: `${AXIS_PX}px` }}
      title="drag to zoom, double click to show all"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        chosen.value = { from: x(event), to: x(event) };
      }}
      onPointerMove={(event) => {
        if (chosen.value !== undefined) chosen.value = { ...chosen.value, to: x(event) };
      }}
      onPointerUp={end}
      onPointerCancel={() => (chosen.value = undefined)}
      onDblClick={() => (zoomed.value = undefined)}
    />
  );
}

