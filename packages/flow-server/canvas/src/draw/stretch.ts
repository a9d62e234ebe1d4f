/** A layout drawn taller than it is, where the screen has the room: a long chain is flat, and its names want two lines. */

import { BOX_HEIGHT, edgePath, type Place } from "../core/layout";
import type { LaneScene } from "../state/scene";
import { fit, type Size } from "./camera";

/** Two lines of a name fit into a box of this height. */
export const MOST_STRETCH = 1.75;

/** How many times taller than laid out a scene is drawn on a screen of this size: 1 to 1.75. */
export function stretchFor(scene: LaneScene, screen: Size): number {
  const { zoom } = fit(scene.layout, screen);
  const room = (screen.height - 48) / Math.max(1, scene.layout.height * zoom);
  // In hundredths, as the URL has it.
  return Math.floor(Math.min(MOST_STRETCH, Math.max(1, room)) * 100) / 100;
}

/** The scene with every height multiplied. */
export function stretched(scene: LaneScene, tall: number): LaneScene {
  if (tall === 1) return scene;
  const places = new Map<string, Place>();
  for (const [name, { x, y }] of scene.layout.places) places.set(name, { x, y: y * tall });
  const edges = scene.edges.map((edge) => ({ ...edge, path: edge.path.map((value, at) => (at % 2 === 1 ? value * tall : value)) }));
  return { ...scene, edges, layout: { ...scene.layout, places, height: scene.layout.height * tall } };
}

/** A curve between two boxes of a stretched scene that the layout has none for. */
export function stretchedPath(from: Place, to: Place, tall: number): number[] {
  const down = (BOX_HEIGHT * (tall - 1)) / 2;
  return edgePath({ x: from.x, y: from.y + down }, { x: to.x, y: to.y + down });
}
