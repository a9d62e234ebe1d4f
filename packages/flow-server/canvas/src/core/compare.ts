/** Two flows, or two regions, beside each other by release name: what got slower, what is missing, what differs. Pure. */

import type { Look } from "./look";
import { LOOKS } from "./look";
import { byText, listAt } from "./graph";
import type { Row } from "./table";
import { median } from "./times";

export type Difference = {
  readonly name: string;
  /** The region, when both sides have the same ones; else "". */
  readonly lane: string;
  /** Undefined: this side has no such release. */
  readonly before: Row | undefined;
  readonly after: Row | undefined;
  /** How much longer it took on the second side; negative: it was faster. Undefined: not known for both. */
  readonly slowerMs: number | undefined;
  readonly otherStatus: boolean;
};

/** Below this a difference in time is chance. */
const WORTH_SAYING_MS = 1000;

export const isDifferent = ({ before, after, slowerMs, otherStatus }: Difference): boolean =>
  !before || !after || otherStatus || Math.abs(slowerMs ?? 0) >= WORTH_SAYING_MS;

/**
 * One entry for each name on either side: missing ones first (first those that the second side lacks), then what got
 * slower by most, down to what got faster by most, then what has no times. Two regions, or two flows without a region in
 * common, are compared by name alone; where a side has a name more than once, its slowest stands for it. O(n log n).
 */
export function compare(before: Iterable<Row>, after: Iterable<Row>): Difference[] {
  const [left, right] = [[...before], [...after]];
  const lanes = new Set(left.map(({ lane }) => lane));
  const byLane = lanes.size > 1 && right.some(({ lane }) => lanes.has(lane));
  const [a, b] = [byName(left, byLane), byName(right, byLane)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((at): Difference => {
      const [one, other] = [a.get(at), b.get(at)];
      const known = one?.tookMs !== undefined && other?.tookMs !== undefined;
      return {
        name: (one ?? other)!.name,
        lane: byLane ? (one ?? other)!.lane : "",
        before: one,
        after: other,
        slowerMs: known ? other!.tookMs! - one!.tookMs! : undefined,
        otherStatus: one !== undefined && other !== undefined && one.look !== other.look,
      };
    })
    .sort(
      (x, y) =>
        side(x) - side(y) ||
        (y.slowerMs ?? -Infinity) - (x.slowerMs ?? -Infinity) ||
        byText(x.lane, y.lane) ||
        byText(x.name, y.name),
    );
}

const side = ({ before, after }: Difference): number => (after === undefined ? 0 : before === undefined ? 1 : 2);

function byName(rows: readonly Row[], byLane: boolean): Map<string, Row> {
  const found = new Map<string, Row>();
  for (const row of rows) {
    const at = JSON.stringify([byLane ? row.lane : "", row.name]);
    const other = found.get(at);
    if (other === undefined || (row.tookMs ?? -1) > (other.tookMs ?? -1)) found.set(at, row);
  }
  return found;
}

export type Sibling = {
  readonly lane: string;
  /** Undefined: there is no release of that name here. */
  readonly row: Row | undefined;
  /** Far from what it took in the middle of all regions. */
  readonly outlier: "slow" | "fast" | undefined;
  /** Another state than in most regions. */
  readonly odd: boolean;
};

/** So far from the middle is an outlier: three times the usual distance, and at least these. */
const FAR = 3;
const FAR_PART = 0.25;
const FAR_MS = 5000;
/** With fewer times there is no usual one. */
const ENOUGH = 3;

/** The release of that name in each of the lanes, in their order. */
export function siblingsOf(rows: Iterable<Row>, name: string, lanes: readonly string[]): Sibling[] {
  const byLane = new Map<string, Row>();
  for (const row of rows) if (row.name === name && !byLane.has(row.lane)) byLane.set(row.lane, row);
  const times = [...byLane.values()].flatMap(({ tookMs, look }) => (tookMs !== undefined && look === "succeeded" ? [tookMs] : []));
  const middle = times.length >= ENOUGH ? median(times) : undefined;
  const far = middle === undefined ? 0 : Math.max(FAR * (median(times.map((time) => Math.abs(time - middle))) ?? 0), FAR_PART * middle, FAR_MS);
  const usual = mostCommon([...byLane.values()].map(({ look }) => look));
  return lanes.map((lane) => {
    const row = byLane.get(lane);
    const away = row?.tookMs === undefined || middle === undefined ? 0 : row.tookMs - middle;
    // What still runs is not fast, only young.
    const outlier = away > far ? "slow" : away < -far && row?.look === "succeeded" ? "fast" : undefined;
    return { lane, row, outlier, odd: row !== undefined && usual !== undefined && row.look !== usual };
  });
}

/** What more than half of them are; undefined when there is no such thing. */
function mostCommon(looks: readonly Look[]): Look | undefined {
  const counts = new Map<Look, Look[]>();
  for (const look of looks) listAt(counts, look).push(look);
  return LOOKS.find((look) => (counts.get(look)?.length ?? 0) * 2 > looks.length);
}
