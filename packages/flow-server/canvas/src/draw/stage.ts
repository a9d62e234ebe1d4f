/** What happens on a region's stage: pointers, keys, frames. The components above it know only this class. */

import { effect, type ReadonlySignal, untracked } from "@preact/signals";
import { linksAfter, linksBefore } from "../core/graph";
import { BOX_HEIGHT, BOX_WIDTH } from "../core/layout";
import type { Seen } from "../core/urlState";
import { criticalLinks } from "../state/timing";
import { graph, picture } from "../state/picture";
import type { LaneScene } from "../state/scene";
import { passingKeys, seen, select, selectedKey } from "../state/view";
import { type Camera, fit, inSight, panBy, READABLE_ZOOM, reveal, type Size, zoomAt } from "./camera";
import { Glide, samePlaces } from "./glide";
import { markDrawn } from "./marks";
import { neighbour, type Way } from "./neighbour";
import { type Box, NodeLayer } from "./nodeLayer";
import { palette } from "./palette";
import { Pointers } from "./pointers";
import { paintRegion } from "./region";
import { MOST_STRETCH, stretched, stretchFor } from "./stretch";
import { surfaceOf } from "./surface";
import { commonPrefix } from "./titles";
import { Viewpoint } from "./viewpoint";

/** Elements are made this far beyond the edge of the screen, so that a pan finds them there. */
const SPARE_PX = 160;

export class RegionStage {
  readonly #root: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #layerElement: HTMLElement;
  readonly #layer: NodeLayer;
  readonly #scene: ReadonlySignal<LaneScene | undefined>;
  readonly #glide = new Glide();
  readonly #ends: (() => void)[] = [];
  readonly #view = new Viewpoint(
    () => this.#size(),
    () => this.#ask(),
  );
  #begun = false;
  #drawn: LaneScene | undefined;
  /** The scene as it came, before it was stretched. */
  #given: LaneScene | undefined;
  #prefix = "";
  #hovered: string | undefined;
  #asked = false;
  #focusNext: string | undefined;

  constructor(root: HTMLElement, scene: ReadonlySignal<LaneScene | undefined>) {
    this.#root = root;
    this.#scene = scene;
    this.#canvas = root.querySelector("canvas") as HTMLCanvasElement;
    this.#layerElement = root.querySelector(".nodes") as HTMLElement;
    this.#layer = new NodeLayer(this.#layerElement);
    const watch = new ResizeObserver(() => {
      if (this.#begun) this.#view.resized();
      else this.#ask();
    });
    watch.observe(root);
    const pointers = new Pointers(root, {
      pan: (dx, dy) => this.#view.move(panBy(this.#view.camera, dx, dy)),
      zoom: (x, y, factor) => this.#view.move(zoomAt(this.#view.camera, x, y, factor)),
      click: (x, y, target) => this.#click(x, y, target),
      hover: (x, y, target) => this.#hover(x, y, target),
    });
    const key = (event: KeyboardEvent): void => this.#key(event);
    root.addEventListener("keydown", key);
    const focus = (event: FocusEvent): void => this.#hoverKey(NodeLayer.keyOf(event.target));
    root.addEventListener("focusin", focus);
    this.#ends.push(
      () => watch.disconnect(),
      () => pointers.dispose(),
      () => root.removeEventListener("keydown", key),
      () => root.removeEventListener("focusin", focus),
      effect(() => this.#follow()),
      effect(() => this.#revealSelected(selectedKey.value)),
      effect(() => {
        const place = seen.value;
        if (this.#begun && this.#view.isNews(place)) untracked(() => this.#goTo(place));
      }),
    );
  }

  dispose(): void {
    for (const end of this.#ends) end();
    this.#layer.clear();
  }

  zoomBy(factor: number): void {
    const { width, height } = this.#size();
    this.#view.move(zoomAt(this.#view.camera, width / 2, height / 2, factor));
  }

  fit(): void {
    if (this.#given === undefined) return;
    this.#view.reset();
    this.#stretch(stretchFor(this.#given, this.#size()));
    if (this.#drawn !== undefined) this.#view.look(fit(this.#drawn.layout, this.#size()));
  }

  /** Looks where the URL says; undefined: at everything, and the selected one in sight. */
  #goTo(place: Seen | undefined): void {
    this.#view.forget();
    if (place === undefined) {
      this.fit();
      this.#revealSelected(selectedKey.peek());
    } else {
      this.#stretch(Math.min(MOST_STRETCH, place.tall));
      this.#view.show(place);
    }
  }

  #stretch(tall: number): void {
    this.#view.tall = tall;
    this.#root.style.setProperty("--tall", String(tall));
    if (this.#given !== undefined) this.#enter(this.#given);
  }

  #size(): Size {
    return { width: this.#root.clientWidth, height: this.#root.clientHeight };
  }

  /** Everything that the picture depends on is read here, so that any change of it asks for a frame. */
  #follow(): void {
    void picture.value;
    void palette.value;
    void selectedKey.value;
    void passingKeys.value;
    void criticalLinks.value;
    const scene = this.#scene.value;
    untracked(() => {
      if (scene !== undefined && scene !== this.#given) this.#enter(scene);
      this.#ask();
    });
  }

  /** Takes over a new layout; what the reader points at or has selected stays where it is on the screen. */
  #enter(given: LaneScene): void {
    const before = this.#drawn;
    this.#given = given;
    const scene = stretched(given, this.#view.tall);
    this.#drawn = scene;
    const labels = scene.lane.keys.map((key) => picture.peek().state.nodes.get(key)?.label ?? "");
    this.#prefix = commonPrefix(labels);
    if (before !== undefined && samePlaces(before.layout, scene.layout)) return;
    const now = performance.now();
    const anchor = this.#hovered ?? selectedKey.peek();
    const old = anchor === undefined ? undefined : this.#place(anchor);
    this.#glide.to(scene.layout, now);
    const name = anchor === undefined ? undefined : scene.nameOf.get(anchor);
    const target = name === undefined ? undefined : scene.layout.places.get(name);
    if (old !== undefined && target !== undefined) {
      const { camera } = this.#view;
      this.#view.look(panBy(camera, (old.x - target.x) * camera.zoom, (old.y - target.y) * camera.zoom));
    }
  }

  #place(key: string, now = performance.now()): { x: number; y: number } | undefined {
    const name = this.#drawn?.nameOf.get(key);
    return name === undefined ? undefined : this.#glide.place(name, now);
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #draw(): void {
    const size = this.#size();
    if (this.#drawn === undefined || size.width === 0) return;
    if (!this.#begun) {
      this.#begun = true;
      this.#goTo(seen.peek());
    }
    const scene = this.#drawn;
    const now = performance.now();
    const camera = this.#view.camera;
    const { nodes } = picture.peek().state;
    const place = (key: string): { x: number; y: number } | undefined => this.#place(key, now);
    const context = surfaceOf(this.#canvas, size.width, size.height);
    const moving = this.#glide.isMoving(now);
    const selected = selectedKey.peek();
    const focus = [selected, this.#hovered].find((key) => key !== undefined && scene.nameOf.has(key));
    const declared =
      focus === undefined
        ? []
        : [...linksBefore(graph.peek(), focus), ...linksAfter(graph.peek(), focus)].filter(
            ({ from, to }) => scene.nameOf.has(from) && scene.nameOf.has(to),
          );
    const passing = passingKeys.peek();
    if (context !== undefined) {
      const marks = { selected, hovered: this.#hovered, passing, critical: criticalLinks.peek(), declared };
      paintRegion(context, scene, nodes, { camera, screen: size, place, moving, tall: this.#view.tall }, palette.peek(), marks);
    }
    this.#layerElement.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.zoom})`;
    this.#layer.show(camera.zoom >= READABLE_ZOOM ? this.#boxes(scene, camera, size, now) : [], selected);
    markDrawn(picture.peek().flowId);
    if (this.#focusNext !== undefined && this.#layer.focus(this.#focusNext)) this.#focusNext = undefined;
    if (moving) this.#ask();
  }

  #boxes(scene: LaneScene, camera: Camera, size: Size, now: number): Box[] {
    const sight = inSight(camera, size, SPARE_PX);
    const { nodes } = picture.peek().state;
    const passing = passingKeys.peek();
    const selected = selectedKey.peek();
    const boxes: Box[] = [];
    for (const key of scene.nameOf.keys()) {
      const node = nodes.get(key);
      const place = this.#place(key, now);
      if (node === undefined || place === undefined) continue;
      if (place.x > sight.right || place.x + BOX_WIDTH < sight.left) continue;
      if (place.y > sight.bottom || place.y + BOX_HEIGHT * this.#view.tall < sight.top) continue;
      const kept = passing === undefined || passing.has(key);
      const classes = `${key === selected ? "selected" : ""} ${kept ? "" : "dim"}`;
      boxes.push({ key, node, place, title: node.label.slice(this.#prefix.length) || node.label, classes });
    }
    return boxes;
  }

  #hit(x: number, y: number, target: EventTarget | null): string | undefined {
    const key = NodeLayer.keyOf(target);
    if (key !== undefined) return key;
    if (this.#view.camera.zoom >= READABLE_ZOOM) return undefined;
    const wx = (x - this.#view.camera.x) / this.#view.camera.zoom;
    const wy = (y - this.#view.camera.y) / this.#view.camera.zoom;
    const slack = 3 / this.#view.camera.zoom;
    for (const candidate of this.#drawn?.nameOf.keys() ?? []) {
      const place = this.#place(candidate);
      if (place === undefined) continue;
      const [dx, dy] = [wx - place.x, wy - place.y];
      if (dx >= -slack && dy >= -slack && dx <= BOX_WIDTH + slack && dy <= BOX_HEIGHT * this.#view.tall + slack) return candidate;
    }
    return undefined;
  }

  #click(x: number, y: number, target: EventTarget | null): void {
    const key = this.#hit(x, y, target);
    select(key === undefined ? undefined : picture.peek().state.nodes.get(key));
  }

  #hover(x: number, y: number, target: EventTarget | null): void {
    this.#hoverKey(this.#hit(x, y, target));
  }

  #hoverKey(key: string | undefined): void {
    if (key === this.#hovered) return;
    this.#hovered = key;
    this.#root.classList.toggle("pointing", key !== undefined);
    this.#ask();
  }

  #revealSelected(key: string | undefined): void {
    const place = key === undefined ? undefined : this.#place(key);
    if (place === undefined || !this.#begun) return;
    const box = { ...place, width: BOX_WIDTH, height: BOX_HEIGHT * this.#view.tall };
    untracked(() => this.#view.look(reveal(this.#view.camera, box, this.#size())));
  }

  #key(event: KeyboardEvent): void {
    const way = WAYS[event.key];
    if (way !== undefined) this.#step(way);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.3);
    else if (event.key === "-") this.zoomBy(1 / 1.3);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #step(way: Way): void {
    const scene = this.#drawn;
    if (scene === undefined) return;
    const next = neighbour(scene, selectedKey.peek(), way);
    const node = next === undefined ? undefined : picture.peek().state.nodes.get(next);
    if (next === undefined || node === undefined) return;
    // Whoever walks by keys wants to read where they are.
    if (this.#view.camera.zoom < READABLE_ZOOM) {
      const { width, height } = this.#size();
      this.#view.move(zoomAt(this.#view.camera, width / 2, height / 2, 0.7 / this.#view.camera.zoom));
    }
    this.#focusNext = next;
    select(node);
    this.#ask();
  }
}

const WAYS: Readonly<Record<string, Way | undefined>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
