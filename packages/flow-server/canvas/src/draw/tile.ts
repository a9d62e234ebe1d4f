/** One region as a small multiple: every release a cell at its place, readable as a pattern. */

import type { FlowNode } from "../core/contract";
import { BOX_HEIGHT, BOX_WIDTH, COLUMN_PITCH } from "../core/layout";
import { type Look, lookOf } from "../core/look";
import { shown } from "../core/text";
import type { LaneScene } from "../state/scene";
import type { Palette } from "./palette";
import { surfaceOf } from "./surface";
import type { TileSpot } from "./tilePainter";
import { commonPrefix } from "./titles";

export type TileView = {
  /** Pixels of the screen per pixel of the layout, across and down: a tile is filled in both directions. */
  readonly scaleX: number;
  readonly scaleY: number;
};

/** The room around the cells, in pixels of the screen. */
export const TILE_PADDING = 10;

export type TileMarks = {
  readonly hovered: string | undefined;
  readonly selected: string | undefined;
  /** What the filters keep; undefined: everything. */
  readonly passing: ReadonlySet<string> | undefined;
};

export function paintTile(
  context: CanvasRenderingContext2D,
  spot: TileSpot,
  nodes: ReadonlyMap<string, FlowNode>,
  colors: Palette,
  marks: TileMarks,
): void {
  const {
    scene,
    view: { scaleX, scaleY },
  } = spot;
  const width = Math.max(BOX_WIDTH * scaleX, 3);
  const height = Math.max(BOX_HEIGHT * scaleY, 2);
  context.drawImage(texture(spot, colors), 0, 0, spot.width, spot.height);
  paintFailing(context, scene, nodes, spot.view, colors);
  // The quiet first, so that what fails is never covered.
  const order: readonly Look[] = ["succeeded", "suspended", "pending", "waiting", "other", "running", "stalled", "failed"];
  const cells = new Map<Look, { x: number; y: number; dim: boolean; title: string }[]>(order.map((look) => [look, []]));
  for (const [key, name] of scene.nameOf) {
    const node = nodes.get(key);
    const place = scene.layout.places.get(name);
    if (node === undefined || place === undefined) continue;
    cells.get(lookOf(node))?.push({
      x: TILE_PADDING + place.x * scaleX,
      y: TILE_PADDING + place.y * scaleY,
      dim: marks.passing !== undefined && !marks.passing.has(key),
      title: node.label,
    });
  }
  for (const look of order) {
    for (const { x, y, dim } of cells.get(look) ?? []) {
      context.globalAlpha = dim ? 0.12 : ALPHA[look];
      context.fillStyle = context.strokeStyle = colors[look];
      paintCell(context, look, x, y, width, height);
    }
  }
  context.globalAlpha = 1;
  // Where cells are as large as boxes all have names; where they are not, what fails.
  const roomy = width >= ROOMY_PX && height >= NAME_PX;
  const named = roomy ? order : width >= NAMED_PX ? LOUD : [];
  if (named.some((look) => (cells.get(look)?.length ?? 0) > 0)) {
    const prefix = commonPrefix([...scene.nameOf.keys()].map((key) => nodes.get(key)?.label ?? ""));
    const most = Math.floor(((roomy ? width : COLUMN_PITCH * scaleX) - 8) / LETTER_PX);
    for (const look of named) {
      for (const { x, y, dim, title } of cells.get(look) ?? []) {
        if (dim) continue;
        const text = shown(title.slice(prefix.length));
        const cut = text.length <= most ? text : `${text.slice(0, most - 1)}…`;
        paintName(context, cut, look, colors, { x, y, width, height }, spot.width);
      }
    }
  }
  for (const [name, color] of [
    [marks.hovered, colors.muted],
    [marks.selected, colors.focus],
  ] as const) {
    const place = name === undefined ? undefined : scene.layout.places.get(name);
    if (place === undefined || !scene.keyOf.has(name ?? "")) continue;
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.strokeRect(TILE_PADDING + place.x * scaleX - 2, TILE_PADDING + place.y * scaleY - 2, width + 4, height + 4);
  }
}

const ALPHA: Readonly<Record<Look, number>> = {
  succeeded: 0.45,
  suspended: 0.3,
  pending: 0.75,
  waiting: 0.75,
  other: 0.8,
  running: 1,
  stalled: 1,
  failed: 1,
};

/** Shape tells them apart as well as colour: full, hollow, a bar, or larger than its place. */
function paintCell(context: CanvasRenderingContext2D, look: Look, x: number, y: number, width: number, height: number): void {
  if (look === "failed" || look === "stalled") {
    context.fillRect(x - 1.5, y - 1.5, width + 3, height + 3);
  } else if (look === "waiting" || look === "pending") {
    if (height < 4) context.fillRect(x, y + height / 2 - 0.5, width, 1);
    else {
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    }
  } else if (look === "suspended") {
    context.fillRect(x, y, width / 3, height);
    context.fillRect(x + (width * 2) / 3, y, width / 3, height);
  } else context.fillRect(x, y, width, height);
}

/** Narrower cells are a pattern, and nothing in it is named. */
const NAMED_PX = 40;
const ROOMY_PX = 84;
const NAME_PX = 15;
const LETTER_PX = 7;
const LOUD: readonly Look[] = ["stalled", "failed"];

type Cell = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** What fails is named where it stands, over its neighbours if need be: one does not have to look for it elsewhere. */
function paintName(context: CanvasRenderingContext2D, text: string, look: Look, colors: Palette, cell: Cell, width: number): void {
  const isLoud = LOUD.includes(look);
  context.font = `${isLoud ? "600 " : ""}11px system-ui, sans-serif`;
  context.textBaseline = "middle";
  let left = cell.x;
  const middle = cell.y + cell.height / 2;
  if (isLoud) {
    const long = Math.max(context.measureText(text).width + 10, cell.width + 3);
    const high = Math.max(NAME_PX, cell.height + 3);
    left = Math.max(2, Math.min(cell.x - 1.5, width - long - 2));
    context.fillStyle = colors[look];
    context.fillRect(left, middle - high / 2, long, high);
  }
  const onFull = isLoud || look === "running" || look === "other";
  context.fillStyle = onFull ? colors.ground : look === "succeeded" ? colors.text : colors.muted;
  context.fillText(text, left + 5, middle + 0.5);
}

/** A layout's edges, painted once for all regions that share it and draw all of them. */
const textures = new WeakMap<object, { readonly key: string; readonly canvas: HTMLCanvasElement }>();

function texture({ scene, view, width, height }: TileSpot, colors: Palette): HTMLCanvasElement {
  const owner = scene.edges.length === scene.layout.edges.length ? scene.layout : scene;
  const key = [width, height, view.scaleX, view.scaleY, devicePixelRatio, colors.edge].join(" ");
  const known = textures.get(owner);
  if (known?.key === key) return known.canvas;
  const canvas = document.createElement("canvas");
  const context = surfaceOf(canvas, width, height);
  if (context !== undefined) {
    const path = new Path2D();
    for (const edge of scene.edges) addScaled(path, edge.path, view);
    context.lineWidth = 1;
    context.globalAlpha = view.scaleX < 0.1 ? 0.25 : 0.6;
    context.strokeStyle = colors.edge;
    context.stroke(path);
  }
  textures.set(owner, { key, canvas });
  return canvas;
}

function paintFailing(
  context: CanvasRenderingContext2D,
  scene: LaneScene,
  nodes: ReadonlyMap<string, FlowNode>,
  view: TileView,
  colors: Palette,
): void {
  let path: Path2D | undefined;
  for (const edge of scene.edges) {
    if (nodes.get(edge.from)?.status !== "failed" || nodes.get(edge.to)?.status === "succeeded") continue;
    path ??= new Path2D();
    addScaled(path, edge.path, view);
  }
  if (path === undefined) return;
  context.lineWidth = 1;
  context.globalAlpha = 0.8;
  context.strokeStyle = colors.failed;
  context.stroke(path);
  context.globalAlpha = 1;
}

function addScaled(path: Path2D, points: readonly number[], { scaleX, scaleY }: TileView): void {
  const x = (at: number): number => TILE_PADDING + (points[at] ?? 0) * scaleX;
  const y = (at: number): number => TILE_PADDING + (points[at] ?? 0) * scaleY;
  path.moveTo(x(0), y(1));
  for (let at = 2; at + 5 < points.length; at += 6) {
    path.bezierCurveTo(x(at), y(at + 1), x(at + 2), y(at + 3), x(at + 4), y(at + 5));
  }
}
