/**
 * Paints the tiles that changed, and of these in one frame as many as fit into it: with sixty regions and a thousand
 * messages a second every tile changes in every frame, and no reader sees which of them was painted one frame later.
 */

import type { FlowNode } from "../core/contract";
import type { LaneScene } from "../state/scene";
import type { Palette } from "./palette";
import { surfaceOf } from "./surface";
import { paintTile, type TileMarks, type TileView } from "./tile";

/** A frame has 16 ms, and others need some of it. */
const BUDGET_MS = 5;

export type TileSpot = {
  readonly canvas: HTMLCanvasElement;
  readonly scene: LaneScene;
  readonly view: TileView;
  readonly width: number;
  readonly height: number;
};

export type TileInputs = { readonly nodes: ReadonlyMap<string, FlowNode>; readonly colors: Palette; readonly marks: TileMarks };

export class TilePainter {
  readonly #spots = new Map<string, TileSpot>();
  /** In the order in which they came up: none waits for ever. */
  readonly #dirty = new Set<string>();
  readonly #inputs: () => TileInputs;
  readonly #painted: () => void;
  /** Pictures that show something already; one that is empty does not wait. */
  readonly #shown = new WeakSet<HTMLCanvasElement>();
  #asked = false;

  constructor(inputs: () => TileInputs, painted: () => void) {
    this.#inputs = inputs;
    this.#painted = painted;
  }

  /** Takes a tile's place; returns how to give it up. */
  place(spot: TileSpot): () => void {
    this.#spots.set(spot.scene.name, spot);
    this.dirty(spot.scene.name);
    return () => {
      if (this.#spots.get(spot.scene.name) === spot) this.#spots.delete(spot.scene.name);
    };
  }

  dirty(lane: string): void {
    if (!this.#spots.has(lane)) return;
    this.#dirty.add(lane);
    this.#ask();
  }

  allDirty(): void {
    for (const lane of this.#spots.keys()) this.dirty(lane);
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => this.#paint());
  }

  #paint(): void {
    this.#asked = false;
    const end = performance.now() + BUDGET_MS;
    const { nodes, colors, marks } = this.#inputs();
    for (const lane of this.#dirty) {
      this.#dirty.delete(lane);
      const spot = this.#spots.get(lane);
      if (spot === undefined) continue;
      const context = surfaceOf(spot.canvas, spot.width, spot.height);
      if (context !== undefined) paintTile(context, spot, nodes, colors, marks);
      const first = !this.#shown.has(spot.canvas);
      this.#shown.add(spot.canvas);
      if (!first && performance.now() >= end) break;
    }
    if (this.#dirty.size > 0) this.#ask();
    else this.#painted();
  }
}
