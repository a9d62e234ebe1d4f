/**
 * Layouts by shape: each shape is laid out once, elsewhere (a worker), and kept. Fifty regions of one shape are one
 * layout. Knows neither when to ask (whoever draws does) nor what a worker is.
 */

import { layout, type Layout } from "./layout";
import type { Shape } from "./shape";

/** What a worker is asked, and what it answers under the same number. */
export type LayoutRequest = { readonly id: number; readonly shape: Shape; readonly before: Layout | undefined };
export type LayoutAnswer = { readonly id: number; readonly layout: Layout };

/** The two ends of a `Worker` that are needed here. */
export type Port = {
  postMessage(request: LayoutRequest): void;
  addEventListener(type: "message", listener: (event: { data: LayoutAnswer }) => void): void;
  addEventListener(type: "error" | "messageerror", listener: () => void): void;
};

export type Run = (shape: Shape, before: Layout | undefined) => Promise<Layout>;

/** Lays out in a worker; when that cannot run (or dies), here: slower to draw, but drawn. */
export function runIn(port: Port): Run {
  const open = new Map<number, { request: LayoutRequest; done: (layout: Layout) => void }>();
  let next = 0;
  let dead = false;
  port.addEventListener("message", ({ data }) => {
    open.get(data.id)?.done(data.layout);
    open.delete(data.id);
  });
  const die = (): void => {
    dead = true;
    for (const { request, done } of open.values()) done(layout(request.shape, request.before));
    open.clear();
  };
  port.addEventListener("error", die);
  port.addEventListener("messageerror", die);
  return (shape, before) =>
    new Promise((done) => {
      if (dead) return done(layout(shape, before));
      const request: LayoutRequest = { id: next++, shape, before };
      open.set(request.id, { request, done });
      port.postMessage(request);
    });
}

/** The cache: at most `limit` shapes, those asked for last. */
export class Layouts {
  readonly #known = new Map<string, Layout>();
  readonly #asked = new Set<string>();

  constructor(
    private readonly run: Run,
    /** Called when a layout that was asked for has come. */
    private readonly arrived: (layout: Layout) => void,
    private readonly limit = 64,
  ) {}

  /** The layout of a shape; undefined when it is not there yet: it is asked for, once. `before` as `layout` takes it. */
  get(shape: Shape, before?: Layout): Layout | undefined {
    const found = this.#known.get(shape.key);
    if (found !== undefined) {
      this.#known.delete(shape.key);
      this.#known.set(shape.key, found);
      return found;
    }
    if (!this.#asked.has(shape.key)) {
      this.#asked.add(shape.key);
      void this.run(shape, before).then((laid) => {
        this.#asked.delete(shape.key);
        this.#known.set(shape.key, laid);
        for (const key of this.#known.keys()) {
          if (this.#known.size <= this.limit) break;
          this.#known.delete(key);
        }
        this.arrived(laid);
      });
    }
    return undefined;
  }
}
