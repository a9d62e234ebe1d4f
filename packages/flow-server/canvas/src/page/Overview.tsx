/** All regions at once, as small multiples in order of name: the same release at the same place in each. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { computed, signal, useSignal, useSignalEffect } from "@preact/signals";
import type { FlowNode } from "../core/contract";
import { BOX_HEIGHT, BOX_WIDTH } from "../core/layout";
import { lookOf, wordOf } from "../core/look";
import { emptyTally, isDone } from "../core/tally";
import { palette } from "../draw/palette";
import { markDrawn } from "../draw/marks";
import { TILE_PADDING, type TileView } from "../draw/tile";
import { TilePainter } from "../draw/tilePainter";
import { silentLanes } from "../state/emitters";
import { graph, picture, steady, tallies } from "../state/picture";
import { type LaneScene, scenes } from "../state/scene";
import { lanes as keptLanes, openLane, passingKeys, select, selectedKey } from "../state/view";
import { Bar } from "./Bar";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

const HEAD_PX = 36;
const GAP_PX = 12;
/** Narrower than the first, a tile's head leaves out what it says otherwise too; narrower than the second it says nothing. */
const NARROW_TILE_PX = 132;
const MIN_TILE_PX = 92;
const MIN_PICTURE_PX = 44;
/** A tile may be stretched to fill its place, as long as it stays the same picture. */
const MOST_STRETCH = 2.4;

/** The name under the pointer, marked in every region. */
const hovered = signal<string | undefined>(undefined);

const selectedName = computed(() => {
  const key = selectedKey.value;
  if (key === undefined) return undefined;
  for (const scene of scenes.value) if (scene.nameOf.has(key)) return scene.nameOf.get(key);
  return undefined;
});

type Grid = { readonly columns: number; readonly width: number; readonly height: number };

/** How many tiles go side by side: what makes them largest with all of them in sight; else small ones to scroll through. */
function gridFor(count: number, width: number, height: number, aspect: number): Grid {
  let best: (Grid & { size: number }) | undefined;
  let smallest: Grid = { columns: 1, width: width - 2 * GAP_PX, height: MIN_PICTURE_PX };
  for (let columns = 1; columns <= Math.max(count, 1); columns++) {
    const tileWidth = Math.floor((width - GAP_PX * (columns + 1)) / columns);
    if (tileWidth < MIN_TILE_PX && columns > 1) break;
    const rows = Math.ceil(count / columns);
    const room = Math.floor((height - GAP_PX * (rows + 1)) / rows) - HEAD_PX;
    const natural = tileWidth / aspect;
    smallest = { columns, width: tileWidth, height: Math.round(Math.max(MIN_PICTURE_PX, Math.min(natural * 1.5, 120))) };
    if (room < MIN_PICTURE_PX) continue;
    const tileHeight = Math.min(room, Math.round(natural * MOST_STRETCH));
    const size = Math.min(tileWidth, tileHeight * aspect);
    if (best === undefined || size > best.size) best = { columns, width: tileWidth, height: tileHeight, size };
  }
  return best ?? smallest;
}

export function Overview() {
  useNews();
  const stage = useRef<HTMLDivElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const box = stage.current;
    if (box === null) return undefined;
    const watch = new ResizeObserver(() => (size.value = { width: box.clientWidth, height: box.clientHeight }));
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  const shown = scenes.value.filter(({ name }) => keptLanes.value.size === 0 || keptLanes.value.has(name));
  const widest = Math.max(1, ...shown.map(({ layout }) => layout.width));
  const highest = Math.max(1, ...shown.map(({ layout }) => layout.height));
  const grid = gridFor(shown.length, size.value.width, size.value.height, widest / highest);
  const scale: TileView = {
    scaleX: Math.min(1, (grid.width - 2 * TILE_PADDING) / widest),
    scaleY: Math.min(1, (grid.height - 2 * TILE_PADDING) / highest),
  };
  return (
    <div class="overview" ref={stage} onPointerLeave={() => (hovered.value = undefined)}>
      <ul class="tiles" style={{ gridTemplateColumns: `repeat(${grid.columns}, ${grid.width}px)` }}>
        {size.value.width > 0 &&
          shown.map((scene) => (
            <li key={scene.name}>
              <Tile scene={scene} view={scale} grid={grid} />
            </li>
          ))}
      </ul>
      <Tip />
    </div>
  );
}

const tip = signal<{ x: number; y: number; scene: LaneScene; key: string } | undefined>(undefined);

function Tile({ scene, view, grid }: { scene: LaneScene; view: TileView; grid: Grid }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current === null) return undefined;
    return painter.place({ canvas: canvas.current, scene, view, width: grid.width, height: grid.height });
  }, [scene, view.scaleX, view.scaleY, grid.width, grid.height]);
  const tally = tallies.value.lanes.get(scene.name) ?? emptyTally();
  const look = tally.failed > 0 ? "failed" : isDone(tally) ? "succeeded" : tally.running > 0 ? "running" : "pending";
  const nodeAt = (event: MouseEvent): { key: string; node: FlowNode } | undefined => {
    const box = canvas.current?.getBoundingClientRect();
    if (box === undefined) return undefined;
    const x = (event.clientX - box.left - TILE_PADDING) / view.scaleX;
    const y = (event.clientY - box.top - TILE_PADDING) / view.scaleY;
    for (const [key, name] of scene.nameOf) {
      const place = scene.layout.places.get(name);
      const node = picture.peek().state.nodes.get(key);
      if (place === undefined || node === undefined) continue;
      if (x >= place.x - 4 && x <= place.x + BOX_WIDTH + 4 && y >= place.y - 3 && y <= place.y + BOX_HEIGHT + 3) return { key, node };
    }
    return undefined;
  };
  const move = (event: PointerEvent) => {
    const hit = nodeAt(event);
    hovered.value = hit && scene.nameOf.get(hit.key);
    tip.value = hit && { x: event.clientX, y: event.clientY, scene, key: hit.key };
  };
  const open = (event: MouseEvent) => {
    const hit = event.target === canvas.current ? nodeAt(event) : undefined;
    if (hit !== undefined) select(hit.node);
    openLane.value = scene.name;
    tip.value = undefined;
  };
  return (
    <button
      type="button"
      class={`tile is-${look}${grid.width < NARROW_TILE_PX ? " narrow" : ""}`}
      title={grid.width < NARROW_TILE_PX ? scene.name : undefined}
      data-lane={scene.name}
      onClick={open}
      onPointerMove={move}
      onPointerLeave={() => (tip.value = undefined)}
    >
      <span class="tile-head">
        <Glyph look={look} />
        <Said text={scene.name === "" ? "all" : scene.name} class="tile-name" />
        <span class="tile-count">
          {tally.ready}/{tally.total}
        </span>
        {tally.failed > 0 && <b class="is-failed">✕ {tally.failed}</b>}
        {silentLanes.value.has(scene.name) && <b class="silent">silent</b>}
      </span>
      <Bar tally={tally} label={`${scene.name}: ${tally.ready} of ${tally.total} ready`} />
      <canvas ref={canvas} style={{ width: `${grid.width}px`, height: `${grid.height}px` }} aria-hidden="true" />
    </button>
  );
}

const painter = new TilePainter(
  () => ({
    nodes: picture.peek().state.nodes,
    colors: palette.peek(),
    marks: { hovered: hovered.peek(), selected: selectedName.peek(), passing: passingKeys.peek() },
  }),
  () => {
    // All regions, not only those whose layout came first.
    if (scenes.peek().length === graph.peek().lanes.length) markDrawn(picture.peek().flowId);
  },
);

/** Says which tiles changed: those of the nodes that news came about, or all of them. */
function useNews(): void {
  useSignalEffect(() => {
    const { touched } = picture.value;
    if (touched === undefined) {
      painter.allDirty();
      return;
    }
    const { laneOf } = graph.peek();
    for (const key of touched) painter.dirty(laneOf.get(key) ?? "");
  });
  useSignalEffect(() => {
    void [palette.value, hovered.value, selectedName.value, passingKeys.value];
    painter.allDirty();
  });
}

function Tip() {
  const at = tip.value;
  const node = at && steady.value.state.nodes.get(at.key);
  if (at === undefined || node === undefined) return null;
  const right = at.x > innerWidth - 260;
  const look = lookOf(node);
  return (
    <div
      class="tip"
      style={{ left: right ? "auto" : `${at.x + 14}px`, right: right ? `${innerWidth - at.x + 14}px` : "auto", top: `${at.y + 14}px` }}
    >
      <Glyph look={look} />
      <Said text={node.label} />
      <span class="muted">
        <Said text={wordOf(node, look)} />
      </span>
    </div>
  );
}
