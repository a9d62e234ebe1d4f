import fc from "fast-check";
import { expect, test } from "vitest";
import { FOLD_PX, idleBetween, type Span, ticks, timeScale } from "./timeScale";

const spans = fc.array(
  fc.tuple(fc.nat(1_000_000), fc.nat(50_000)).map(([from, length]): Span => ({ from, to: from + length })),
  { minLength: 1, maxLength: 40 },
);

test("later is never further left, and a pixel leads back to its time", () => {
  fc.assert(
    fc.property(spans, fc.nat(1_100_000), fc.nat(1_100_000), (busy, a, b) => {
      const scale = timeScale({ from: 0, to: 1_100_000 }, 900, idleBetween(busy, 60_000));
      const [early, late] = [Math.min(a, b), Math.max(a, b)];
      expect(scale.x(early)).toBeLessThanOrEqual(scale.x(late) + 1e-6);
      expect(scale.time(scale.x(a))).toBeCloseTo(a, 2);
    }),
  );
});

test("the span fills the width, whatever is folded", () => {
  fc.assert(
    fc.property(spans, (busy) => {
      const scale = timeScale({ from: 0, to: 1_100_000 }, 900, idleBetween(busy, 60_000));
      expect(scale.x(0)).toBeCloseTo(0, 6);
      expect(scale.x(1_100_000)).toBeCloseTo(900, 6);
      for (const fold of scale.folds) expect(scale.x(fold.to) - scale.x(fold.from)).toBeCloseTo(FOLD_PX, 6);
    }),
  );
});

test("idle is what nothing touches, and long enough", () => {
  expect(idleBetween([{ from: 0, to: 10 }, { from: 5, to: 50 }, { from: 200, to: 210 }, { from: 230, to: 240 }], 100)).toEqual([
    { from: 50, to: 200 },
  ]);
  expect(idleBetween([], 1)).toEqual([]);
});

test("ticks are in order, apart, and outside of folds", () => {
  fc.assert(
    fc.property(spans, fc.integer({ min: 50, max: 2000 }), (busy, width) => {
      const scale = timeScale({ from: 0, to: 1_100_000 }, width, idleBetween(busy, 60_000));
      const found = ticks(scale, 0, 60);
      expect(found.length).toBeLessThan(width / 40 + 3);
      for (const [at, time] of found.entries()) {
        expect(scale.folds.some((fold) => time > fold.from && time < fold.to)).toBe(false);
        if (at > 0) expect(time).toBeGreaterThan(found[at - 1] ?? 0);
      }
    }),
  );
});

test("ticks jump over a fold of years", () => {
  const year = 31_536_000_000;
  const scale = timeScale({ from: 0, to: 10 * year }, 800, [{ from: 60_000, to: 10 * year - 60_000 }]);
  expect(ticks(scale, 0, 60).length).toBeGreaterThan(2);
});
