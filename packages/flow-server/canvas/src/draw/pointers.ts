/** Mouse, touch and wheel as what they mean: pan, zoom, click, point at. Coordinates are pixels of the element. */

export type PointerMeanings = {
  pan: (dx: number, dy: number) => void;
  zoom: (x: number, y: number, factor: number) => void;
  click: (x: number, y: number, target: EventTarget | null) => void;
  hover: (x: number, y: number, target: EventTarget | null) => void;
};

/** A press that moves further than this is a drag. */
const CLICK_PX = 4;

export class Pointers {
  readonly #root: HTMLElement;
  readonly #means: PointerMeanings;
  readonly #down = new Map<number, { x: number; y: number }>();
  readonly #end = new AbortController();
  #moved = 0;
  #pressed: EventTarget | null = null;

  constructor(root: HTMLElement, means: PointerMeanings) {
    this.#root = root;
    this.#means = means;
    const { signal } = this.#end;
    root.addEventListener("pointerdown", (event) => this.#press(event), { signal });
    root.addEventListener("pointermove", (event) => this.#move(event), { signal });
    root.addEventListener("pointerup", (event) => this.#release(event), { signal });
    root.addEventListener("pointercancel", (event) => this.#down.delete(event.pointerId), { signal });
    root.addEventListener("pointerleave", () => means.hover(-1e6, -1e6, null), { signal });
    root.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
    // A button's own click, by the keyboard or an assistive tool: those of the pointer are counted above.
    root.addEventListener("click", (event) => this.#clicked(event), { signal });
  }

  dispose(): void {
    this.#end.abort();
  }

  #at(event: MouseEvent): { x: number; y: number } {
    const box = this.#root.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #isControl(event: Event): boolean {
    return event.target instanceof Element && event.target.closest(".zoom") !== null;
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0 || this.#isControl(event)) return;
    if (this.#down.size === 0) {
      this.#moved = 0;
      this.#pressed = event.target;
    }
    this.#down.set(event.pointerId, this.#at(event));
  }

  #move(event: PointerEvent): void {
    const at = this.#at(event);
    const last = this.#down.get(event.pointerId);
    if (last === undefined) {
      if (event.pointerType === "mouse") this.#means.hover(at.x, at.y, event.target);
      return;
    }
    const other = [...this.#down].find(([id]) => id !== event.pointerId)?.[1];
    this.#down.set(event.pointerId, at);
    this.#moved += Math.hypot(at.x - last.x, at.y - last.y);
    if (this.#moved <= CLICK_PX) return;
    if (!this.#root.hasPointerCapture(event.pointerId)) this.#root.setPointerCapture(event.pointerId);
    if (other === undefined) this.#means.pan(at.x - last.x, at.y - last.y);
    else {
      const before = Math.hypot(last.x - other.x, last.y - other.y);
      const after = Math.hypot(at.x - other.x, at.y - other.y);
      if (before > 0) this.#means.zoom((at.x + other.x) / 2, (at.y + other.y) / 2, after / before);
      this.#means.pan((at.x - last.x) / 2, (at.y - last.y) / 2);
    }
  }

  #release(event: PointerEvent): void {
    if (!this.#down.delete(event.pointerId) || this.#down.size > 0) return;
    if (this.#moved > CLICK_PX) return;
    const { x, y } = this.#at(event);
    this.#means.click(x, y, this.#pressed);
  }

  #clicked(event: MouseEvent): void {
    if (event.detail !== 0 || this.#isControl(event)) return;
    const { x, y } = this.#at(event);
    this.#means.click(x, y, event.target);
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const { x, y } = this.#at(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey || (Math.abs(event.deltaX) > Math.abs(event.deltaY) && !event.ctrlKey)) {
      this.#means.pan(-(event.deltaX || event.deltaY) * lines, event.shiftKey ? 0 : -event.deltaY * lines);
      return;
    }
    // A pinch on a trackpad comes as a wheel with ctrl, in small steps.
    this.#means.zoom(x, y, Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)));
  }
}
