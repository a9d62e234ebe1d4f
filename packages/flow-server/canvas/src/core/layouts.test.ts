import { expect, test } from "vitest";
import { layout, type Layout } from "./layout";
import { type LayoutAnswer, type LayoutRequest, Layouts, type Port, runIn } from "./layouts";
import { shapeOf } from "./shape";

const shape = shapeOf(["a", "b"], [["a", "b"]]);
const other = shapeOf(["a"], []);

/** A worker's ends, answered by hand. */
class HandPort implements Port {
  readonly requests: LayoutRequest[] = [];
  readonly #listeners = new Map<string, (event: { data: LayoutAnswer }) => void>();
  postMessage(request: LayoutRequest): void {
    this.requests.push(structuredClone(request));
  }
  addEventListener(type: string, listener: (event: { data: LayoutAnswer }) => void): void {
    this.#listeners.set(type, listener);
  }
  fire(type: "message" | "error", answer?: LayoutAnswer): void {
    this.#listeners.get(type)?.({ data: structuredClone(answer!) });
  }
  answer(at: number): void {
    const { id, shape: asked, before } = this.requests[at]!;
    this.fire("message", { id, layout: layout(asked, before) });
  }
}

test("a shape is laid out once, however often it is asked for, and survives the way to a worker", async () => {
  const port = new HandPort();
  let layouts!: Layouts;
  const arrived = new Promise<Layout>((resolve) => (layouts = new Layouts(runIn(port), resolve)));
  expect(layouts.get(shape)).toBeUndefined();
  expect(layouts.get(shape)).toBeUndefined();
  expect(port.requests).toHaveLength(1);
  port.answer(0);
  expect(await arrived).toEqual(layout(shape));
  expect(layouts.get(shape)).toEqual(layout(shape));
  expect(port.requests).toHaveLength(1);
});

test("answers find their questions in any order", async () => {
  const port = new HandPort();
  const run = runIn(port);
  const [one, two] = [run(shape, undefined), run(other, undefined)];
  port.answer(1);
  port.answer(0);
  expect((await one).key).toBe(shape.key);
  expect((await two).key).toBe(other.key);
});

test("when the worker dies, what was asked and what is asked later is laid out here", async () => {
  const port = new HandPort();
  const run = runIn(port);
  const waiting = run(shape, undefined);
  port.fire("error");
  expect(await waiting).toEqual(layout(shape));
  expect(await run(other, undefined)).toEqual(layout(other));
  expect(port.requests).toHaveLength(1);
});

test("the cache keeps the shapes asked for last", async () => {
  const asked: string[] = [];
  const layouts = new Layouts(async (each) => (asked.push(each.key), layout(each)), () => {}, 1);
  layouts.get(shape);
  layouts.get(other);
  await Promise.resolve();
  await Promise.resolve();
  expect(layouts.get(other)).toBeDefined();
  expect(layouts.get(shape)).toBeUndefined();
  expect(asked).toEqual([shape.key, other.key, shape.key]);
});
