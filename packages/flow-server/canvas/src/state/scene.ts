/**
 * Where everything stands: each region with its layout. Made anew only when nodes or relationships come or go, and then
 * once after a burst of news; a change of status never gets here.
 */

import { computed, effect, signal, untracked } from "@preact/signals";
import type { Graph, Lane, Link } from "../core/graph";
import { linksAfter, linksBefore } from "../core/graph";
import type { Layout } from "../core/layout";
import { Layouts, runIn } from "../core/layouts";
import workerUrl from "../core/layout.worker?worker&url";
import { type LaneShape, laneShapes, shapeGroups, unionShape } from "../core/shape";
import { graph, picture } from "./picture";

export type DrawnEdge = {
  readonly from: string;
  readonly to: string;
  readonly link: Link;
  /** As `Layout` gives it. */
  readonly path: readonly number[];
};

export type LaneScene = {
  readonly name: string;
  readonly lane: Lane;
  readonly layout: Layout;
  /** Node -> its name in the layout. */
  readonly nameOf: ReadonlyMap<string, string>;
  /** The other way round. */
  readonly keyOf: ReadonlyMap<string, string>;
  /** What the reduction leaves to draw. */
  readonly edges: readonly DrawnEdge[];
  /** Nodes with relationships to other regions or flows: how many come in, how many go out. */
  readonly outside: ReadonlyMap<string, { readonly before: number; readonly after: number }>;
};

const DEBOUNCE_MS = 250;

/** A worker's URL must be trusted by name, or the page's policy refuses it. */
type Policy = { createScriptURL: (url: string) => string };
const trusted = (url: string): string => {
  const factory = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }).trustedTypes;
  if (factory === undefined) return url;
  return factory
    .createPolicy("flow-canvas", {
      createScriptURL: (wanted) => {
        if (wanted !== workerUrl) throw new TypeError("not the layout's worker");
        return wanted;
      },
    })
    .createScriptURL(url);
};

/** In order of name; a region that has no layout yet is not among them. */
export const scenes = signal<readonly LaneScene[]>([]);

export const sceneOf = computed(() => new Map(scenes.value.map((scene) => [scene.name, scene])));

let current: { graph: Graph; lanes: Map<string, LaneShape> } | undefined;
/** The shapes of now, while a moment of the past is shown: what is there in both keeps its place. */
let ofNow = new Map<string, LaneShape>();
const layoutOfGroup = new Map<string, Layout>();
let flowOfLayouts = "";

const layouts = new Layouts(
  runIn(new Worker(trusted(workerUrl), { type: "module" })),
  () => assemble(),
  256,
);

function survey(): void {
  const { flowId, state, at } = picture.peek();
  const links = graph.peek();
  if (flowId !== flowOfLayouts) {
    layoutOfGroup.clear();
    ofNow = new Map();
    flowOfLayouts = flowId;
  }
  const lanes = laneShapes(links, state.nodes);
  if (at === undefined) ofNow = lanes;
  current = { graph: links, lanes };
  assemble();
}

function assemble(): void {
  if (current === undefined) return;
  const { graph: links, lanes } = current;
  const laneOf = new Map(links.lanes.map((lane) => [lane.name, lane]));
  const made = new Map<string, LaneScene>();
  const groups = shapeGroups(
    [...lanes].map(([name, { shape }]) => {
      const now = ofNow.get(name)?.shape;
      return [name, now === undefined || now === shape ? shape : unionShape([now, shape])] as const;
    }),
  );
  for (const group of groups) {
    const first = group.lanes[0] ?? "";
    const before = layoutOfGroup.get(first);
    const layout = layouts.get(group.shape, before) ?? before;
    if (layout === undefined) continue;
    for (const name of group.lanes) layoutOfGroup.set(name, layout);
    const paths = pathsOf(layout);
    for (const name of group.lanes) {
      const lane = laneOf.get(name);
      const shape = lanes.get(name);
      if (lane !== undefined && shape !== undefined) made.set(name, sceneFor(links, lane, shape, layout, paths));
    }
  }
  scenes.value = links.lanes.flatMap((lane) => made.get(lane.name) ?? []);
}

/** Paths by the names of their ends, from -> to. */
type Paths = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;

function pathsOf(layout: Layout): Paths {
  const paths = new Map<string, Map<string, readonly number[]>>();
  for (const { from, to, path } of layout.edges) {
    const known = paths.get(from);
    if (known === undefined) paths.set(from, new Map([[to, path]]));
    else known.set(to, path);
  }
  return paths;
}

function sceneFor(links: Graph, lane: Lane, shape: LaneShape, layout: Layout, paths: Paths): LaneScene {
  const { nameOfKey: nameOf, drawn } = shape;
  const keyOf = new Map<string, string>();
  for (const [key, name] of nameOf) keyOf.set(name, key);
  const edges: DrawnEdge[] = [];
  for (const link of drawn) {
    const path = paths.get(nameOf.get(link.from) ?? "")?.get(nameOf.get(link.to) ?? "");
    if (path !== undefined) edges.push({ from: link.from, to: link.to, link, path });
  }
  const outside = new Map<string, { before: number; after: number }>();
  for (const key of lane.keys) {
    let [before, after] = [0, 0];
    for (const { from } of linksBefore(links, key)) if (!nameOf.has(from)) before += 1;
    for (const { to } of linksAfter(links, key)) if (!nameOf.has(to)) after += 1;
    if (before + after > 0) outside.set(key, { before, after });
  }
  return { name: lane.name, lane, layout, nameOf, keyOf, edges, outside };
}

let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  void graph.value;
  untracked(() => {
    clearTimeout(timer);
    // The first picture, another flow and a step through the past are drawn at once; a burst of news once, at its end.
    const { flowId, at } = picture.peek();
    if (scenes.peek().length === 0 || at !== undefined || flowId !== flowOfLayouts) survey();
    else timer = setTimeout(survey, DEBOUNCE_MS);
  });
});
