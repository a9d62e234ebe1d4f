import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Habit, LATEST_MS, learned, silentAfterMs, silentOnes, SOONEST_MS, UNTIL_KNOWN_MS } from "./silence";

const MINUTE = 60_000;
const watchedMs = 90_000;

/** Looks every 30 s at an emitter that is heard at these times, from `start` to `end`. */
function watch(heard: readonly number[], { start = 0, end, before }: { start?: number; end: number; before?: Habit }): Habit {
  let habit = before;
  for (let askedAt = start; askedAt <= end; askedAt += 30_000) {
    const last = heard.findLast((at) => at <= askedAt) ?? habit?.lastHeardAt;
    if (last !== undefined) habit = learned(habit, last, { askedAt, watchedMs });
  }
  if (habit === undefined) throw new Error("never heard");
  return habit;
}

const every = (gap: number, { from = 0, to }: { from?: number; to: number }): number[] =>
  Array.from({ length: Math.floor((to - from) / gap) + 1 }, (_, at) => from + at * gap);

describe("an emitter is silent after three times its usual gap", () => {
  test.each([
    ["every second", 1000, SOONEST_MS],
    ["every 30 s", 30_000, SOONEST_MS],
    ["every minute, as the Flux adapter in a calm region", MINUTE, 3 * MINUTE],
    ["every ten minutes", 10 * MINUTE, 30 * MINUTE],
    ["every two hours", 120 * MINUTE, LATEST_MS],
  ])("one that is heard %s", (_, gap, expected) => {
    const end = 12 * gap + 20 * MINUTE;
    expect(silentAfterMs(watch(every(gap, { to: end }), { end }))).toBe(expected);
  });

  test("one that was only just met", () => {
    expect(silentAfterMs(learned(undefined, 5, { askedAt: 9, watchedMs }))).toBe(UNTIL_KNOWN_MS);
  });

  test("a minute that is not kept to the second is no alarm", () => {
    const heard = [0, 58, 121, 179, 244, 300, 361].map((seconds) => seconds * 1000);
    const after = silentAfterMs(watch(heard, { end: 400_000 }));
    expect(after).toBeGreaterThanOrEqual(3 * MINUTE);
    expect(after).toBeLessThan(4 * MINUTE);
  });

  test("from busy to calm: the first calm gaps are no alarm", () => {
    const habit = watch(every(1000, { to: 10 * MINUTE }), { end: 10 * MINUTE });
    expect(silentAfterMs(habit)).toBeGreaterThan(MINUTE + 30_000);
  });

  test("one outage is no habit, a second long gap is", () => {
    const first = watch(every(MINUTE, { to: 10 * MINUTE }), { end: 10 * MINUTE });
    const back = watch([30 * MINUTE], { start: 10 * MINUTE, end: 30 * MINUTE, before: first });
    expect(silentAfterMs(back)).toBe(3 * MINUTE);
    const again = watch([50 * MINUTE], { start: 30 * MINUTE, end: 50 * MINUTE, before: back });
    expect(silentAfterMs(again)).toBe(LATEST_MS);
  });

  test("what happened while nobody watched teaches nothing", () => {
    const habit = watch(every(MINUTE, { to: 10 * MINUTE }), { end: 10 * MINUTE });
    const later = learned(habit, 600 * MINUTE, { askedAt: 600 * MINUTE, watchedMs });
    expect(later.lastHeardAt).toBe(600 * MINUTE);
    const much = learned(later, 1200 * MINUTE, { askedAt: 1200 * MINUTE, watchedMs });
    expect(much.gapsMs).toEqual(habit.gapsMs);
    expect(silentAfterMs(much)).toBe(3 * MINUTE);
  });

  test("a replica that heard less makes nobody silent", () => {
    const habit = learned(learned(undefined, 500, { askedAt: 0, watchedMs }), 200, { askedAt: 1, watchedMs });
    expect(habit).toEqual({ lastHeardAt: 500, askedAt: 1, gapsMs: [] });
  });
});

test("those that are silent, in order of name", () => {
  const habit = (lastHeardAt: number, ...gapsMs: number[]): Habit => ({ lastHeardAt, askedAt: 0, gapsMs });
  const habits = new Map([
    ["nbg1", habit(0)],
    ["ash", habit(0, MINUTE, MINUTE)],
    ["slow", habit(0, 10 * MINUTE, 10 * MINUTE)],
    ["well", habit(4 * MINUTE)],
  ]);
  expect(silentOnes(habits, 3 * MINUTE)).toEqual([]);
  expect(silentOnes(habits, 5 * MINUTE)).toEqual([
    { name: "ash", silentMs: 5 * MINUTE },
    { name: "nbg1", silentMs: 5 * MINUTE },
  ]);
});

test("whatever was heard, the bounds hold, and who speaks at least every 40 s is never silent", () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 7_200_000 }), { maxLength: 20 });
  fc.assert(
    fc.property(gaps, (list) => {
      const heard = list.reduce<number[]>((times, gap) => [...times, (times.at(-1) ?? 0) + gap], [0]);
      const after = silentAfterMs(watch(heard, { end: Math.min(heard.at(-1)!, 40_000_000) }));
      expect(after).toBeGreaterThanOrEqual(SOONEST_MS);
      expect(after).toBeLessThanOrEqual(LATEST_MS);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 60 }), (list) => {
      const heard = list.reduce<number[]>((times, gap) => [...times, (times.at(-1) ?? 0) + gap], [0]);
      const end = heard.at(-1)!;
      const habit = watch(heard, { end });
      expect(silentOnes(new Map([["one", habit]]), end)).toEqual([]);
    }),
  );
});
