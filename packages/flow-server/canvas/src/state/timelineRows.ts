/** What stands in the timeline, line by line: regions, and in those that are opened each release. */

import { computed, signal } from "@preact/signals";
import type { FlowNode, Time } from "../core/contract";
import { type Look, lookOf } from "../core/look";
import { isOver } from "../core/times";
import { idleBetween, type Span } from "../core/timeScale";
import { graph, liveState, shownTime, span, steady } from "./picture";
import { passingKeys } from "./view";

export type Bar = {
  readonly key: string;
  readonly node: FlowNode;
  readonly look: Look;
  readonly from: Time;
  /** Undefined: still at work, it ends where the picture does. */
  readonly to: Time | undefined;
};

export type LaneLine = {
  readonly kind: "lane";
  readonly lane: string;
  readonly open: boolean;
  readonly top: number;
  readonly height: number;
  /** While closed: all bars, packed into as few tracks as they need. */
  readonly tracks: readonly (readonly Bar[])[];
};

export type BarLine = { readonly kind: "bar"; readonly lane: string; readonly top: number; readonly height: number; readonly bar: Bar };
export type Line = LaneLine | BarLine;

export const HEAD_PX = 26;
export const BAR_PX = 20;
/** How high a track of packed bars may be, the highest that fits first; from the second on bars are named. */
const TRACKS_PX = [20, 16, 12, 9, 7];
const LEAST_TRACK_PX = 5;
/** Above and below the tracks of a region. */
export const TRACKS_MARGIN_PX = 5;
/** How high the view is, pixels. */
export const room = signal(0);
/** A flow with more nodes than this opens with its regions closed. */
const MANY = 130;

/** Regions that were opened or closed by hand. */
export const turned = signal<ReadonlyMap<string, boolean>>(new Map());
export const foldIdle = signal(false);
/** What is zoomed to; undefined: all of it. */
export const zoomed = signal<Span | undefined>(undefined);

/** Anything that lasts is drawn at least so long. */
const LEAST_MS = 1;

const barOf = (key: string, node: FlowNode): Bar | undefined => {
  if (node.startedAt === undefined) return undefined;
  const look = lookOf(node);
  // What is over without an end, or waits, has no length that is known.
  const open = node.endedAt === undefined && !isOver(node) && look !== "waiting" && look !== "pending" && look !== "suspended";
  const to = open ? undefined : Math.max(node.endedAt ?? node.startedAt, node.startedAt + LEAST_MS);
  return { key, node, look, from: node.startedAt, to };
};

export const barsByLane = computed(() => {
  const { nodes } = steady.value.state;
  const keep = passingKeys.value;
  return graph.value.lanes.map(({ name, keys }) => {
    const bars = keys.flatMap((key) => {
      const node = nodes.get(key);
      return node === undefined || (keep !== undefined && !keep.has(key)) ? [] : (barOf(key, node) ?? []);
    });
    return { name, bars: bars.sort((a, b) => a.from - b.from || (a.key < b.key ? -1 : 1)) };
  });
});

export const isOpen = (lane: string): boolean => {
  const few = steady.value.state.nodes.size <= MANY;
  return turned.value.get(lane) ?? (few || graph.value.lanes.length === 1);
};

/** First fit: a bar goes into the first track that is free when it begins. */
function packed(bars: readonly Bar[]): Bar[][] {
  const tracks: Bar[][] = [];
  for (const bar of bars) {
    const free = tracks.find((track) => {
      const last = track.at(-1);
      return last?.to !== undefined && last.to <= bar.from;
    });
    if (free === undefined) tracks.push([bar]);
    else free.push(bar);
  }
  return tracks;
}

const tracksByLane = computed(() => new Map(barsByLane.value.map(({ name, bars }) => [name, isOpen(name) ? [] : packed(bars)])));

/** The height of a track: one of a few, so that a bar that begins rarely changes it. */
export const trackPx = computed(() => {
  let used = 12;
  let tracks = 0;
  for (const { name, bars } of barsByLane.value) {
    tracks += tracksByLane.value.get(name)?.length ?? 0;
    used += isOpen(name) ? HEAD_PX + bars.length * BAR_PX + 6 : 2 * TRACKS_MARGIN_PX;
  }
  return TRACKS_PX.find((px) => used + tracks * px <= room.value) ?? LEAST_TRACK_PX;
});

export const lines = computed<{ lines: readonly Line[]; height: number }>(() => {
  const found: Line[] = [];
  let top = 0;
  const several = graph.value.lanes.length > 1;
  for (const { name, bars } of barsByLane.value) {
    const open = isOpen(name);
    if (several || !open) {
      const tracks = tracksByLane.value.get(name) ?? [];
      const height = open ? HEAD_PX : Math.max(HEAD_PX, tracks.length * trackPx.value + 2 * TRACKS_MARGIN_PX);
      found.push({ kind: "lane", lane: name, open, top, height, tracks });
      top += height;
    }
    if (!open) continue;
    for (const bar of bars) {
      found.push({ kind: "bar", lane: name, top, height: BAR_PX, bar });
      top += BAR_PX;
    }
    top += several ? 6 : 0;
  }
  return { lines: found, height: top };
});

/** From the first start to the last end, or to now while something is going on. */
export const whole = computed<Span>(() => {
  const { start, end } = span.value;
  let from = Infinity;
  let to = -Infinity;
  for (const { bars } of barsByLane.value) {
    for (const bar of bars) {
      from = Math.min(from, bar.from);
      to = Math.max(to, bar.to ?? -Infinity);
    }
  }
  const now = end ?? shownTime.value;
  if (steady.value.at !== undefined) {
    // The axis stays as it was: the moment moves along it, and what is still to come is empty.
    for (const node of liveState().nodes.values()) {
      from = Math.min(from, node.startedAt ?? Infinity);
      to = Math.max(to, node.endedAt ?? node.startedAt ?? -Infinity);
    }
  }
  if (from === Infinity) return { from: start, to: Math.max(now, start + 1000) };
  // A flow that has long been over is not drawn as a sliver at the left of all the time since.
  return { from, to: Math.max(end === undefined && hasOpen.value ? now : to, from + 1000) };
});

const hasOpen = computed(() => barsByLane.value.some(({ bars }) => bars.some(({ to }) => to === undefined)));

/** A stretch is idle when nothing ran for at least a fiftieth of it all, and a minute. */
export const idle = computed<readonly Span[]>(() => {
  if (!foldIdle.value) return [];
  const { from, to } = whole.value;
  const spans = barsByLane.value.flatMap(({ bars }) => bars.map((bar) => ({ from: bar.from, to: bar.to ?? to })));
  return idleBetween(spans, Math.max(60_000, (to - from) / 50));
});
