/** One region's edges, and its boxes while they are too small to be elements. */

import type { FlowNode } from "../core/contract";
import { type Link, listAt } from "../core/graph";
import { BOX_HEIGHT, BOX_WIDTH, type Place } from "../core/layout";
import { type Look, lookOf } from "../core/look";
import type { LaneScene } from "../state/scene";
import { type Camera, inSight, READABLE_ZOOM, type Size } from "./camera";
import type { Palette } from "./palette";
import { stretchedPath } from "./stretch";
import { addPath } from "./surface";

export type RegionMarks = {
  readonly selected: string | undefined;
  readonly hovered: string | undefined;
  readonly passing: ReadonlySet<string> | undefined;
  /** The links of the critical path. */
  readonly critical: ReadonlySet<string>;
  /** All declared links of the selected (or hovered) node in this region, the implied ones too. */
  readonly declared: readonly Link[];
};

export type RegionView = {
  readonly camera: Camera;
  readonly screen: Size;
  readonly place: (key: string) => Place | undefined;
  /** While boxes glide, edges are drawn straight from box to box. */
  readonly moving: boolean;
  /** How many times taller than laid out. */
  readonly tall: number;
};

/** The dashes of each type of relationship. */
const DASHES: Readonly<Record<Link["type"], readonly number[]>> = {
  "finish-to-start": [],
  "start-to-start": [6, 4],
  "finish-to-finish": [6, 4],
  "start-to-finish": [6, 4],
  triggers: [1.5, 4],
  contains: [2, 3],
};

const SHORT: Partial<Record<Link["type"], string>> = {
  "start-to-start": "start → start",
  "finish-to-finish": "finish → finish",
  "start-to-finish": "start → finish",
  triggers: "triggers",
};

export const linkKey = ({ from, to, type }: Pick<Link, "from" | "to" | "type">): string => `${type} ${from} ${to}`;

export function paintRegion(
  context: CanvasRenderingContext2D,
  scene: LaneScene,
  nodes: ReadonlyMap<string, FlowNode>,
  view: RegionView,
  colors: Palette,
  marks: RegionMarks,
): void {
  const { camera, screen } = view;
  context.save();
  context.translate(camera.x, camera.y);
  context.scale(camera.zoom, camera.zoom);
  const sight = inSight(camera, screen, 40);
  paintEdges(context, scene, nodes, view, sight, colors, marks);
  if (camera.zoom < READABLE_ZOOM) paintBoxes(context, scene, nodes, view, sight, colors, marks);
  context.restore();
}

type Sight = ReturnType<typeof inSight>;

function pathOf(view: RegionView, from: string, to: string, path: readonly number[] | undefined): readonly number[] | undefined {
  if (path !== undefined && !view.moving) return path;
  const [a, b] = [view.place(from), view.place(to)];
  return a === undefined || b === undefined ? undefined : stretchedPath(a, b, view.tall);
}

/** Whether a curve can touch what is in sight: its control points bound it. */
function isInSight(path: readonly number[], sight: Sight): boolean {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at + 1 < path.length; at += 2) {
    const [x, y] = [path[at] ?? 0, path[at + 1] ?? 0];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return right >= sight.left && left <= sight.right && bottom >= sight.top && top <= sight.bottom;
}

function paintEdges(
  context: CanvasRenderingContext2D,
  scene: LaneScene,
  nodes: ReadonlyMap<string, FlowNode>,
  view: RegionView,
  sight: Sight,
  colors: Palette,
  marks: RegionMarks,
): void {
  const zoom = view.camera.zoom;
  const thin = Math.max(1, 0.9 / zoom);
  // What is selected may stand in another region.
  const focus = [marks.selected, marks.hovered].find((key) => key !== undefined && scene.nameOf.has(key));
  const quiet = new Path2D();
  const failing = new Path2D();
  const critical = new Path2D();
  const special: { link: Link; path: readonly number[] }[] = [];
  for (const { from, to, link, path } of scene.edges) {
    if (focus !== undefined && (from === focus || to === focus)) continue;
    const curve = pathOf(view, from, to, path);
    if (curve === undefined || !isInSight(curve, sight)) continue;
    if (link.type !== "finish-to-start" || link.condition === "on-failure") special.push({ link, path: curve });
    else if (nodes.get(from)?.status === "failed" && nodes.get(to)?.status !== "succeeded") addPath(failing, curve);
    else if (marks.critical.has(linkKey(link))) addPath(critical, curve);
    else addPath(quiet, curve);
  }
  // Thousands of lines are a texture: each alone must be faint, or nothing else is seen.
  const faint = Math.min(1, Math.max(0.25, (400 * Math.max(zoom, 0.2)) / Math.max(scene.edges.length, 1)));
  context.lineWidth = thin;
  context.globalAlpha = faint * (focus === undefined ? 1 : 0.45);
  context.strokeStyle = colors.edge;
  context.stroke(quiet);
  context.lineWidth = 2 * thin;
  context.strokeStyle = colors.muted;
  context.stroke(critical);
  const said = new Map<string, string[]>();
  for (const { link, path } of special) {
    paintLink(context, link, path, zoom, nodes.get(link.from)?.status === "failed" ? colors.failed : colors.muted, thin);
    say(said, link);
  }
  context.globalAlpha = focus === undefined ? 1 : 0.7;
  context.strokeStyle = colors.failed;
  context.lineWidth = 1.5 * thin;
  context.stroke(failing);
  context.globalAlpha = 1;
  const drawn = new Map(scene.edges.map((edge) => [linkKey(edge.link), edge.path]));
  for (const link of marks.declared) {
    const curve = pathOf(view, link.from, link.to, drawn.get(linkKey(link)));
    if (curve === undefined) continue;
    const bad = nodes.get(link.from)?.status === "failed";
    paintLink(context, link, curve, zoom, bad ? colors.failed : colors.text, drawn.has(linkKey(link)) ? 1.6 * thin : thin, drawn.has(linkKey(link)) ? 1 : 0.4);
    say(said, link);
  }
  if (zoom >= 0.6) paintWords(context, said, view, colors);
  paintOutside(context, scene, view, colors, thin);
}

/** A link that says more than "then": dashed by its type, with an arrow, and named when there is room. */
function paintLink(
  context: CanvasRenderingContext2D,
  link: Link,
  path: readonly number[],
  zoom: number,
  color: string,
  width: number,
  alpha = 1,
): void {
  context.save();
  context.globalAlpha *= alpha;
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = width;
  context.setLineDash(DASHES[link.type].map((dash) => dash * Math.max(1, width)));
  context.beginPath();
  addPath(context, path);
  context.stroke();
  context.setLineDash([]);
  if (link.type === "contains") {
    context.restore();
    return;
  }
  const [x, y] = [path.at(-2) ?? 0, path.at(-1) ?? 0];
  const size = 5 / Math.max(zoom, 0.5);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - size, y - size * 0.6);
  context.lineTo(x - size, y + size * 0.6);
  context.fill();
  context.restore();
}

/** Collects what a link says beyond "then", by the box that it leads to. */
function say(said: Map<string, string[]>, link: Link): void {
  const words = [SHORT[link.type], link.condition === "on-failure" ? "on failure" : undefined, link.lag > 0 ? `+${link.lag}s` : undefined];
  const text = words.filter((word) => word !== undefined).join(" ");
  if (text !== "") listAt(said, link.to).push(text);
}

/** Above the box: between two columns there is no room for words. */
function paintWords(context: CanvasRenderingContext2D, said: ReadonlyMap<string, readonly string[]>, view: RegionView, colors: Palette): void {
  // As large as on the rest of the page, as far as there is room between two rows.
  context.font = `${Math.min(10 * view.tall - 1, 11 / view.camera.zoom)}px system-ui, sans-serif`;
  context.fillStyle = colors.muted;
  for (const [key, words] of said) {
    const place = view.place(key);
    if (place !== undefined) context.fillText([...new Set(words)].join(" · "), place.x + 2, place.y - 2.5, BOX_WIDTH);
  }
}

/** A stub for what leads out of the region: the detail panel says where to. */
function paintOutside(context: CanvasRenderingContext2D, scene: LaneScene, view: RegionView, colors: Palette, thin: number): void {
  context.strokeStyle = colors.muted;
  context.lineWidth = thin;
  context.setLineDash([2 * thin, 2 * thin]);
  context.beginPath();
  for (const [key, { before, after }] of scene.outside) {
    const place = view.place(key);
    if (place === undefined) continue;
    const y = place.y + (BOX_HEIGHT * view.tall) / 2;
    if (before > 0) {
      context.moveTo(place.x - 18, y);
      context.lineTo(place.x, y);
    }
    if (after > 0) {
      context.moveTo(place.x + BOX_WIDTH, y);
      context.lineTo(place.x + BOX_WIDTH + 18, y);
    }
  }
  context.stroke();
  context.setLineDash([]);
}

const ORDER: readonly Look[] = ["succeeded", "suspended", "pending", "waiting", "other", "running", "stalled", "failed"];

function paintBoxes(
  context: CanvasRenderingContext2D,
  scene: LaneScene,
  nodes: ReadonlyMap<string, FlowNode>,
  view: RegionView,
  sight: Sight,
  colors: Palette,
  marks: RegionMarks,
): void {
  const height = BOX_HEIGHT * view.tall;
  const cells = new Map<Look, Place[]>(ORDER.map((look) => [look, []]));
  const dim = new Map<Look, Place[]>(ORDER.map((look) => [look, []]));
  for (const key of scene.nameOf.keys()) {
    const node = nodes.get(key);
    const place = view.place(key);
    if (node === undefined || place === undefined) continue;
    if (place.x > sight.right || place.x + BOX_WIDTH < sight.left || place.y > sight.bottom || place.y + height < sight.top) continue;
    const kept = marks.passing === undefined || marks.passing.has(key);
    (kept ? cells : dim).get(lookOf(node))?.push(place);
  }
  const grow = 1.5 / view.camera.zoom;
  for (const [alpha, byLook] of [
    [0.15, dim],
    [1, cells],
  ] as const) {
    for (const look of ORDER) {
      const places = byLook.get(look) ?? [];
      if (places.length === 0) continue;
      const hollow = look === "waiting" || look === "pending";
      const loud = look === "failed" || look === "stalled" ? grow : 0;
      // The ground first: edges end at a box and do not run through it.
      context.globalAlpha = 1;
      context.fillStyle = colors.ground;
      for (const { x, y } of places) context.fillRect(x, y, BOX_WIDTH, height);
      context.globalAlpha = alpha * (look === "succeeded" ? 0.45 : look === "suspended" ? 0.35 : hollow ? 0.6 : 1);
      context.fillStyle = context.strokeStyle = colors[look];
      context.lineWidth = 1 / view.camera.zoom;
      context.beginPath();
      for (const { x, y } of places) {
        context.rect(x - loud, y - loud, BOX_WIDTH + 2 * loud, height + 2 * loud);
      }
      if (hollow) context.stroke();
      else context.fill();
    }
  }
  context.globalAlpha = 1;
  for (const [key, color] of [
    [marks.hovered, colors.muted],
    [marks.selected, colors.focus],
  ] as const) {
    const place = key === undefined ? undefined : view.place(key);
    if (place === undefined) continue;
    const gap = 2 / view.camera.zoom;
    context.strokeStyle = color;
    context.lineWidth = gap;
    context.strokeRect(place.x - gap, place.y - gap, BOX_WIDTH + 2 * gap, height + 2 * gap);
  }
}
