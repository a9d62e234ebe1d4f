/** The rows of the table: one for every node that is drawn, filtered and in a total order. Pure. */

import type { FlowNode, Time } from "./contract";
import { byText, type Graph, nameOf, type Nodes } from "./graph";
import { type Look, LOOKS, lookOf, wordOf } from "./look";
import { numberIn, textIn, whyOf } from "./meta";
import { tookMs } from "./times";

export type Row = {
  readonly key: string;
  readonly node: FlowNode;
  /** The name it has in every region. */
  readonly name: string;
  readonly lane: string;
  readonly look: Look;
  /** Milliseconds up to now; undefined: not known. */
  readonly tookMs: number | undefined;
};

export const COLUMNS = ["status", "name", "region", "family", "started", "ended", "took", "attempts", "version", "why"] as const;
export type Column = (typeof COLUMNS)[number];
export type Sort = { readonly column: Column; readonly descending: boolean };

/** Worst first, then as regions and names stand. */
export const FAILURES_FIRST: Sort = { column: "status", descending: false };

export type Filter = {
  /** Words that must all be found in id, label, family, status or reason, in any case; "" for all. */
  readonly search: string;
  /** Any of these; none: all. */
  readonly looks: ReadonlySet<Look>;
  readonly lanes: ReadonlySet<string>;
  readonly families: ReadonlySet<string>;
};

export const NO_FILTER: Filter = { search: "", looks: new Set(), lanes: new Set(), families: new Set() };

/** One row for every node that is not just a container, in order of first appearance. O(nodes). */
export function rowsOf(nodes: Nodes, graph: Graph, nowMs: Time): Row[] {
  const rows: Row[] = [];
  for (const [key, node] of nodes) {
    const lane = graph.laneOf.get(key);
    if (lane === undefined) continue;
    rows.push({ key, node, name: nameOf(node), lane, look: lookOf(node), tookMs: tookMs(node, nowMs) });
  }
  return rows;
}

/** A test for rows; made once, so that the words of the search are split once. */
export function passes({ search, looks, lanes, families }: Filter): (row: Row) => boolean {
  const words = search.toLowerCase().split(/\s+/u).filter(Boolean);
  return ({ node, look, lane }) => {
    if (looks.size > 0 && !looks.has(look)) return false;
    if (lanes.size > 0 && !lanes.has(lane)) return false;
    if (families.size > 0 && !families.has(node.family ?? "")) return false;
    if (words.length === 0) return true;
    const text = [node.id, node.label, node.family, lane, wordOf(node, look), textIn(node, "reason")].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

/** What a column is sorted by; undefined stands last, whichever way. */
const VALUE: Readonly<Record<Column, (row: Row) => string | number | undefined>> = {
  status: ({ look }) => LOOKS.indexOf(look),
  name: ({ name }) => name,
  region: ({ lane }) => lane || undefined,
  family: ({ node }) => node.family,
  started: ({ node }) => node.startedAt,
  ended: ({ node }) => node.endedAt,
  took: (row) => row.tookMs,
  attempts: ({ node }) => numberIn(node, "attempts"),
  version: ({ node }) => textIn(node, "version"),
  why: ({ node }) => whyOf(node),
};

/** A new list in order; equals stand by region, name and key, so the order never depends on who came first. */
export function sorted(rows: Iterable<Row>, { column, descending }: Sort): Row[] {
  const way = descending ? -1 : 1;
  const value = VALUE[column];
  return [...rows]
    .map((row) => ({ row, at: value(row) }))
    .sort((a, b) => {
      if (a.at !== b.at) {
        if (a.at === undefined) return 1;
        if (b.at === undefined) return -1;
        const order = typeof a.at === "number" && typeof b.at === "number" ? a.at - b.at : byText(String(a.at), String(b.at));
        if (order !== 0) return way * order;
      }
      return byText(a.row.lane, b.row.lane) || byText(a.row.name, b.row.name) || byText(a.row.key, b.row.key);
    })
    .map(({ row }) => row);
}

/** What a click on a column's head makes of a sort: that column, or the other way around. */
export const sortedBy = (sort: Sort, column: Column): Sort => ({
  column,
  descending: sort.column === column && !sort.descending,
});

/** The row `by` steps further (`j`: 1, `k`: -1), ends hold; from nowhere the first, or the last. Undefined: no rows. */
export function step(rows: readonly Row[], from: string | undefined, by: number): Row | undefined {
  const at = rows.findIndex(({ key }) => key === from);
  if (at === -1) return rows.at(by < 0 ? -1 : 0);
  return rows[Math.min(rows.length - 1, Math.max(0, at + by))];
}
