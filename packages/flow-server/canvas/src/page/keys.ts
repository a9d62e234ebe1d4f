/** The keyboard, everywhere on the page. */

import { batch } from "@preact/signals";
import { FAILURES_FIRST, sorted, step } from "../core/table";
import type { ViewName } from "../core/urlState";
import { waits } from "../state/insight";
import { graph, picture } from "../state/picture";
import { pastMoments, pastSpan, readPast, travel } from "../state/past";
import {
  clearFilters,
  flowId,
  isFiltering,
  moment,
  openLane,
  query,
  rows,
  select,
  selectedId,
  selectedKey,
  view,
} from "../state/view";
import { announce } from "./Announcer";
import { isComparing, stopComparing } from "./Compare";
import { helpOpen } from "./Help";
import { goHome } from "./route";

/** `g` waits so long for the letter after it. */
const PREFIX_MS = 1500;

const GO: Readonly<Record<string, ViewName | "home" | undefined>> = { t: "timeline", l: "table", b: "graph", h: "home" };

let prefixUntil = 0;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && target.type !== "checkbox" && target.type !== "range"));

function move(by: number): void {
  const next = step(sorted(rows.value, FAILURES_FIRST), selectedKey.value, by);
  if (next !== undefined) select(next.node);
}

/** Selects the cause at the end of the chain. */
function goToCause(): void {
  const key = selectedKey.value;
  const chain = key === undefined ? undefined : waits.value.chain(key);
  const last = chain?.chain.at(-1);
  const node = last === undefined ? undefined : picture.value.state.nodes.get(last);
  if (node !== undefined) select(node);
  else announce(key === undefined ? "select something first" : "this one waits for nothing that is known");
}

function openSelected(): void {
  const key = selectedKey.value;
  const lane = key === undefined ? undefined : graph.value.laneOf.get(key);
  if (lane === undefined) return;
  batch(() => {
    view.value = "graph";
    openLane.value = lane;
  });
}

async function stepInTime(by: number): Promise<void> {
  await readPast();
  const moments = pastMoments.value;
  const at = moment.value ?? pastSpan.value?.end;
  if (at === undefined) return;
  const next = by < 0 ? moments.findLast((one) => one < at) : moments.find((one) => one > at);
  travel(next ?? (by < 0 ? at : undefined));
}

/** One step back: whatever was opened last. */
function back(): boolean {
  if (isComparing.value) stopComparing();
  else if (selectedId.value !== undefined) selectedId.value = undefined;
  else if (isFiltering.value) clearFilters();
  else if (openLane.value !== undefined) openLane.value = undefined;
  else if (moment.value !== undefined) travel(undefined);
  else return false;
  return true;
}

function search(): void {
  const field = document.getElementById("search");
  if (field instanceof HTMLInputElement) {
    field.focus();
    field.select();
  }
}

/** As it is shown: a dialog says that it was closed a moment after it is gone, when the next key may be down. */
function isBelowADialog(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

export function startKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isBelowADialog()) return;
    const { key } = event;
    if (isTyping(event.target)) {
      if (key === "Escape" && event.target instanceof HTMLElement) {
        if (event.target.id === "search") query.value = "";
        event.target.blur();
        event.preventDefault();
      } else if (key === "Enter" && event.target instanceof HTMLElement && event.target.id === "search") {
        const [first] = sorted(rows.value, FAILURES_FIRST);
        if (first !== undefined) select(first.node);
        event.target.blur();
      }
      return;
    }
    if (performance.now() < prefixUntil) {
      prefixUntil = 0;
      const to = GO[key];
      if (to === "home") goHome();
      else if (to !== undefined && flowId.value !== undefined) view.value = to;
      if (to !== undefined) event.preventDefault();
      return;
    }
    if (handled(key, event)) event.preventDefault();
  });
}

function handled(key: string, event: KeyboardEvent): boolean {
  switch (key) {
    case "?":
      helpOpen.value = true;
      return true;
    case "/":
      search();
      return true;
    case "g":
      prefixUntil = performance.now() + PREFIX_MS;
      return true;
    default:
  }
  if (flowId.value === undefined) return false;
  switch (key) {
    case "j":
      move(1);
      return true;
    case "k":
      move(-1);
      return true;
    case "w":
      goToCause();
      return true;
    case "x":
      clearFilters();
      return true;
    case "[":
      void stepInTime(-1);
      return true;
    case "]":
      void stepInTime(1);
      return true;
    case "n":
      travel(undefined);
      return true;
    case "Enter":
      // On a button or a link Enter is that one's own.
      if (event.target instanceof Element && event.target.closest("button, a, summary") !== null) return false;
      openSelected();
      return true;
    case "Escape":
      return back();
    default:
      return false;
  }
}
