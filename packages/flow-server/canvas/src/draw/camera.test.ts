import fc from "fast-check";
import { expect, test } from "vitest";
import { cameraAt, fit, MAX_ZOOM, MIN_ZOOM, panBy, seenFrom, type Size, zoomAt } from "./camera";

const anyScreen: fc.Arbitrary<Size> = fc.record({ width: fc.integer({ min: 200, max: 4000 }), height: fc.integer({ min: 200, max: 3000 }) });
const anyTall = fc.integer({ min: 100, max: 175 }).map((hundredths) => hundredths / 100);
const anyCamera = fc.record({
  x: fc.double({ min: -20_000, max: 20_000, noNaN: true }),
  y: fc.double({ min: -20_000, max: 20_000, noNaN: true }),
  zoom: fc.double({ min: MIN_ZOOM, max: MAX_ZOOM, noNaN: true }),
});

test("what a window shows in its middle another one of any size shows in its own, as near", () => {
  fc.assert(
    fc.property(anyCamera, anyScreen, anyScreen, anyTall, (camera, here, there, tall) => {
      const seen = seenFrom(camera, here, tall);
      const other = cameraAt(seen, there);
      expect(Math.abs(other.zoom - camera.zoom)).toBeLessThanOrEqual(0.0005 + 1e-9);
      const middle = (at: typeof camera, { width, height }: Size) => [(width / 2 - at.x) / at.zoom, (height / 2 - at.y) / at.zoom];
      const [x = 0, y = 0] = middle(camera, here);
      const [otherX = 0, otherY = 0] = middle(other, there);
      // Half a pixel of the layout, and of its height as it is drawn.
      expect(Math.abs(x - otherX)).toBeLessThanOrEqual(0.5 + 1e-6);
      expect(Math.abs(y - otherY)).toBeLessThanOrEqual(0.5 * tall + 1e-6);
      // A link that is passed on does not creep.
      expect(seenFrom(other, there, seen.tall)).toEqual(seen);
    }),
  );
});

test("a zoom holds the point under the pointer, within its limits", () => {
  fc.assert(
    fc.property(anyCamera, fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 2000 }), fc.double({ min: 0.01, max: 100, noNaN: true }), (camera, x, y, factor) => {
      const next = zoomAt(camera, x, y, factor);
      expect(next.zoom).toBeGreaterThanOrEqual(MIN_ZOOM);
      expect(next.zoom).toBeLessThanOrEqual(MAX_ZOOM);
      expect((x - next.x) / next.zoom).toBeCloseTo((x - camera.x) / camera.zoom, 3);
      expect((y - next.y) / next.zoom).toBeCloseTo((y - camera.y) / camera.zoom, 3);
    }),
  );
});

test("what fits is in the middle and never larger than life", () => {
  fc.assert(
    fc.property(anyScreen, anyScreen, (content, screen) => {
      const camera = fit(content, screen);
      expect(camera.zoom).toBeLessThanOrEqual(1);
      const seen = seenFrom(panBy(camera, 0, 0), screen, 1);
      expect(Math.abs(seen.x - content.width / 2)).toBeLessThanOrEqual(1 + 1 / camera.zoom);
      expect(Math.abs(seen.y - content.height / 2)).toBeLessThanOrEqual(1 + 1 / camera.zoom);
    }),
  );
});
