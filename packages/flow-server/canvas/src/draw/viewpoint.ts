/**
 * The camera of one stage, and the place in the URL that goes with it. Where the reader looks by their own doing is in
 * the URL, so that a colleague sees the same; all of the graph, as large as it fits, is the absence of a place.
 */

import type { Seen } from "../core/urlState";
import { lookAt } from "../state/view";
import { type Camera, cameraAt, seenFrom, type Size } from "./camera";

export class Viewpoint {
  /** How many times taller than laid out the graph is drawn. */
  tall = 1;
  #camera: Camera = { x: 0, y: 0, zoom: 1 };
  /** What the URL was last said to have, so that a place from elsewhere can be told apart. */
  #told: Seen | undefined;
  readonly #size: () => Size;
  readonly #changed: () => void;

  constructor(size: () => Size, changed: () => void) {
    this.#size = size;
    this.#changed = changed;
  }

  get camera(): Camera {
    return this.#camera;
  }

  /** Whether a place is one that this stage has not told of itself: a link's, or one that somebody went back to. */
  isNews(place: Seen | undefined): boolean {
    return place !== this.#told;
  }

  /** Follows what happens to the graph or the selection; a place that the reader has chosen goes along. */
  look(camera: Camera): void {
    if (camera.x === this.#camera.x && camera.y === this.#camera.y && camera.zoom === this.#camera.zoom) return;
    this.#camera = camera;
    if (this.#told !== undefined) this.#tell();
    this.#changed();
  }

  /** The reader's own movement. */
  move(camera: Camera): void {
    this.#camera = camera;
    this.#tell();
    this.#changed();
  }

  /** Shows a place from the URL; `tall` has been set to it before. */
  show(place: Seen): void {
    this.#camera = cameraAt({ ...place, tall: this.tall }, this.#size());
    this.#told = place;
    this.#changed();
  }

  /** What comes next is not the reader's doing. */
  forget(): void {
    this.#told = undefined;
  }

  /** From now on all of the graph is what there is to see. */
  reset(): void {
    this.forget();
    lookAt(undefined);
  }

  /** What is in the middle may have changed: the window, say. */
  resized(): void {
    if (this.#told !== undefined) this.#tell();
    this.#changed();
  }

  #tell(): void {
    this.#told = seenFrom(this.#camera, this.#size(), this.tall);
    lookAt(this.#told);
  }
}
