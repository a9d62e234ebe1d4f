/**
 * When an emitter has fallen silent: after three times the gap that is usual for it. The server says when it last heard
 * from each emitter; how that moves from one look to the next is the gap. Pure.
 */

/** What is known of one emitter. Times are Unix milliseconds. */
export type Habit = {
  readonly lastHeardAt: number;
  /** When the server was last asked, by the page's clock. */
  readonly askedAt: number;
  /** The last gaps between its signs of life, newest last, at most `REMEMBERED`. */
  readonly gapsMs: readonly number[];
};

export type Emitter = { readonly name: string; readonly lastHeardAt: number };

/** So many gaps say what is usual. */
const REMEMBERED = 9;
const TIMES_USUAL = 3;
/** Of an emitter that was only just met: three of the Flux adapter's signs of life, which come every 60 s. */
export const UNTIL_KNOWN_MS = 180_000;
/** Whoever spoke without pause while much happened falls back to its calm rhythm after: no alarm within two minutes. */
export const SOONEST_MS = 120_000;
/** However rarely one speaks: an hour without a word is worth saying. */
export const LATEST_MS = 3_600_000;

/**
 * What is known after another look at the server. A page that was not watching (`watchedMs` is how far apart two looks
 * may be) cannot tell one long gap from many short ones, and learns nothing from it.
 */
export function learned(before: Habit | undefined, heardAt: number, { askedAt, watchedMs }: { askedAt: number; watchedMs: number }): Habit {
  if (before === undefined) return { lastHeardAt: heardAt, askedAt, gapsMs: [] };
  // Another replica may not have heard of it yet.
  const lastHeardAt = Math.max(before.lastHeardAt, heardAt);
  const gapMs = lastHeardAt - before.lastHeardAt;
  const watched = askedAt - before.askedAt <= watchedMs;
  const gapsMs = gapMs > 0 && watched ? [...before.gapsMs, gapMs].slice(-REMEMBERED) : before.gapsMs;
  return { lastHeardAt, askedAt, gapsMs };
}

/** After how long without a word it is silent, in milliseconds. */
export function silentAfterMs({ gapsMs }: Pick<Habit, "gapsMs">): number {
  // The second longest: one outage is no habit, two long gaps are.
  const usual = [...gapsMs].sort((a, b) => b - a)[gapsMs.length > 1 ? 1 : 0];
  if (usual === undefined) return UNTIL_KNOWN_MS;
  return Math.min(LATEST_MS, Math.max(SOONEST_MS, TIMES_USUAL * usual));
}

/** The emitters that are silent, in order of name, and for how long. */
export function silentOnes(habits: ReadonlyMap<string, Habit>, nowMs: number): { name: string; silentMs: number }[] {
  const silent: { name: string; silentMs: number }[] = [];
  for (const [name, habit] of habits) {
    const silentMs = nowMs - habit.lastHeardAt;
    if (silentMs > silentAfterMs(habit)) silent.push({ name, silentMs });
  }
  return silent.sort((a, b) => (a.name < b.name ? -1 : 1));
}
