/**
 * The boxes that can be read: one focusable button for each node in sight. Made by hand rather than by components: a
 * thousand messages a second touch only the buttons whose node is another object than before.
 */

import type { FlowNode } from "../core/contract";
import type { Place } from "../core/layout";
import { GLYPHS, type Look, lookOf, wordOf } from "../core/look";
import { shown } from "../core/text";

const SVG = "http://www.w3.org/2000/svg";

type Held = {
  readonly button: HTMLButtonElement;
  readonly label: HTMLElement;
  readonly glyph: SVGSVGElement;
  node: FlowNode | undefined;
  look: Look | undefined;
  x: number;
  y: number;
  classes: string;
};

export type Box = {
  readonly key: string;
  readonly node: FlowNode;
  readonly place: Place;
  /** Shown in place of the label. */
  readonly title: string;
  readonly classes: string;
};

export class NodeLayer {
  readonly #layer: HTMLElement;
  readonly #held = new Map<string, Held>();

  constructor(layer: HTMLElement) {
    this.#layer = layer;
  }

  /** Makes the layer show exactly these boxes. The one that has the focus is kept, so that it is never lost. */
  show(boxes: readonly Box[], tabStop: string | undefined): void {
    const wanted = new Set<string>();
    // One stop for the tab key; arrows do the rest.
    const stop = boxes.some(({ key }) => key === tabStop) ? tabStop : boxes[0]?.key;
    for (const box of boxes) {
      wanted.add(box.key);
      const held = this.#held.get(box.key) ?? this.#make(box.key);
      this.#update(held, box);
      const index = box.key === stop ? 0 : -1;
      if (held.button.tabIndex !== index) held.button.tabIndex = index;
    }
    for (const [key, { button }] of this.#held) {
      if (wanted.has(key) || button === document.activeElement) continue;
      button.remove();
      this.#held.delete(key);
    }
  }

  clear(): void {
    for (const { button } of this.#held.values()) button.remove();
    this.#held.clear();
  }

  focus(key: string): boolean {
    const held = this.#held.get(key);
    held?.button.focus({ preventScroll: true });
    return held !== undefined;
  }

  static keyOf(target: EventTarget | null): string | undefined {
    return target instanceof Element ? target.closest<HTMLElement>("[data-key]")?.dataset["key"] : undefined;
  }

  #make(key: string): Held {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset["key"] = key;
    button.tabIndex = -1;
    const glyph = document.createElementNS(SVG, "svg");
    glyph.setAttribute("viewBox", "0 0 12 12");
    glyph.setAttribute("aria-hidden", "true");
    for (const name of ["line", "area"]) {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", name);
      glyph.append(path);
    }
    const label = document.createElement("bdi");
    button.append(glyph, label);
    this.#layer.append(button);
    const held: Held = { button, label, glyph, node: undefined, look: undefined, x: NaN, y: NaN, classes: "" };
    this.#held.set(key, held);
    return held;
  }

  #update(held: Held, { node, place, title, classes }: Box): void {
    const { button } = held;
    if (held.x !== place.x || held.y !== place.y) {
      held.x = place.x;
      held.y = place.y;
      button.style.transform = `translate(${place.x}px, ${place.y}px)`;
    }
    const look = lookOf(node);
    const all = `node is-${look} ${classes}`;
    if (held.classes !== all) {
      held.classes = all;
      button.className = all;
    }
    const before = held.node;
    if (before === node) return;
    held.node = node;
    if (held.look === look && before?.label === node.label && before.status === node.status) return;
    if (held.look !== look) drawGlyph(held.glyph, look);
    held.look = look;
    if (before?.label !== node.label) held.label.textContent = shown(title);
    const word = `${shown(node.label)}, ${shown(wordOf(node, look))}`;
    button.setAttribute("aria-label", word);
    button.title = word;
  }
}

function drawGlyph(svg: SVGSVGElement, look: Look): void {
  svg.setAttribute("class", `glyph is-${look}`);
  const { line, area } = GLYPHS[look];
  svg.children[0]?.setAttribute("d", line ?? "");
  svg.children[1]?.setAttribute("d", area ?? "");
}
