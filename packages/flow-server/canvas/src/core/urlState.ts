/**
 * What the reader chose to see, as a query string, so that a colleague who opens it sees the same. What is as it
 * always is stays out of it, and so does every key that is not named here: no token ever stands in a URL. Pure.
 */

import { type Look, LOOKS } from "./look";
import { COLUMNS, FAILURES_FIRST, type Sort } from "./table";

export const VIEWS = ["graph", "timeline", "table"] as const;
export type ViewName = (typeof VIEWS)[number];

export const THEMES = ["system", "dark", "light"] as const;
export type Theme = (typeof THEMES)[number];

/**
 * Where one looks in a region's graph, whatever the size of the window: the point of the layout in its middle, in whole
 * pixels of the layout, and how near.
 */
export type Seen = {
  readonly x: number;
  readonly y: number;
  /** Pixels of the screen per pixel of the layout, in thousandths: 0.001 to 9.999. */
  readonly zoom: number;
  /** How many times taller than laid out the graph is drawn, in hundredths: 1 to 9.99. */
  readonly tall: number;
};

export type ViewState = {
  /** Absent: all flows. */
  readonly flow: string | undefined;
  readonly view: ViewName;
  /** The lane opened in the graph; "" is the one without a region. Absent: all of them. */
  readonly region: string | undefined;
  /** Where in the graph. Absent: all of it, as large as it fits into the window. */
  readonly seen: Seen | undefined;
  /** Id of the selected node, as its emitter wrote it. */
  readonly node: string | undefined;
  readonly search: string;
  readonly looks: ReadonlySet<Look>;
  readonly regions: ReadonlySet<string>;
  readonly families: ReadonlySet<string>;
  readonly sort: Sort;
  /** The moment of the past that is shown, Unix milliseconds. Absent: now. */
  readonly at: number | undefined;
  /** The flow to compare with. */
  readonly compareFlow: string | undefined;
  /** The region to compare the opened one with. */
  readonly compareRegion: string | undefined;
  readonly theme: Theme;
  /** For a wall screen: no controls. */
  readonly embed: boolean;
};

export const FIRST_VIEW: ViewState = {
  flow: undefined,
  view: "graph",
  region: undefined,
  seen: undefined,
  node: undefined,
  search: "",
  looks: new Set(),
  regions: new Set(),
  families: new Set(),
  sort: FAILURES_FIRST,
  at: undefined,
  compareFlow: undefined,
  compareRegion: undefined,
  theme: "system",
  embed: false,
};

const oneOf = <T extends string>(words: readonly T[], word: string | null, otherwise: T): T =>
  words.find((each) => each === word) ?? otherwise;

/** `x_y_zoom`, or `x_y_zoom_tall`: whole numbers, so that it stays short and nothing needs escaping. */
const writeSeen = ({ x, y, zoom, tall }: Seen): string =>
  [x, y, Math.round(zoom * 1000), ...(tall === 1 ? [] : [Math.round(tall * 100)])].map((part) => part.toFixed(0)).join("_");

function readSeen(text: string | null): Seen | undefined {
  const found = /^(-?\d{1,7})_(-?\d{1,7})_([1-9]\d{0,3})(?:_([1-9]\d\d))?$/.exec(text ?? "");
  if (found === null) return undefined;
  const [x = 0, y = 0, zoom = 0, tall] = found.slice(1).map((part) => (part === undefined ? 100 : Number(part)));
  // No minus before a zero: the same place has one name.
  return { x: x || 0, y: y || 0, zoom: zoom / 1000, tall: (tall ?? 100) / 100 };
}

/** The state in a query string, with or without its `?`. What cannot be understood is as if it were not there. */
export function readUrl(query: string): ViewState {
  const found = new URLSearchParams(query);
  const text = (name: string): string | undefined => found.get(name) ?? undefined;
  const sort = found.get("sort") ?? "";
  const column = COLUMNS.find((each) => each === sort.replace(/^-/, ""));
  const at = found.get("at") ?? "";
  return {
    flow: text("flow") || undefined,
    view: oneOf(VIEWS, found.get("view"), FIRST_VIEW.view),
    region: text("region"),
    seen: readSeen(found.get("look")),
    node: text("node") || undefined,
    search: text("q") ?? "",
    looks: new Set(LOOKS.filter((look) => found.getAll("status").includes(look))),
    regions: new Set(found.getAll("in")),
    families: new Set(found.getAll("family")),
    sort: column ? { column, descending: sort.startsWith("-") } : FIRST_VIEW.sort,
    at: /^\d{1,16}$/.test(at) && Number.isSafeInteger(Number(at)) ? Number(at) : undefined,
    compareFlow: text("compare") || undefined,
    compareRegion: text("against"),
    theme: oneOf(THEMES, found.get("theme"), FIRST_VIEW.theme),
    embed: found.get("embed") === "1",
  };
}

/** The query string of a state, without `?`; "" for the first view. Always the same for the same state. */
export function writeUrl(state: ViewState): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string | undefined, usual?: string): void => {
    if (value !== undefined && value !== usual) query.append(name, value);
  };
  put("flow", state.flow || undefined);
  put("view", state.view, FIRST_VIEW.view);
  put("region", state.region);
  put("look", state.seen && writeSeen(state.seen));
  put("node", state.node || undefined);
  put("q", state.search, "");
  for (const look of LOOKS) if (state.looks.has(look)) put("status", look);
  for (const region of [...state.regions].sort()) put("in", region);
  for (const family of [...state.families].sort()) put("family", family);
  const { column, descending } = state.sort;
  if (column !== FIRST_VIEW.sort.column || descending !== FIRST_VIEW.sort.descending) put("sort", (descending ? "-" : "") + column);
  put("at", state.at?.toFixed(0));
  put("compare", state.compareFlow || undefined);
  put("against", state.compareRegion);
  put("theme", state.theme, FIRST_VIEW.theme);
  put("embed", state.embed ? "1" : undefined);
  return query.toString();
}
