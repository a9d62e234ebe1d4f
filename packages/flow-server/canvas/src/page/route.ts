/** The URL and the view state, kept the same. What is a step for the reader is one for the back button, too. */

import { effect, untracked } from "@preact/signals";
import { FIRST_VIEW, readUrl, type ViewState, writeUrl } from "../core/urlState";
import { follow } from "../state/connection";
import { apply, flowId, viewState } from "../state/view";

/** A drag moves the graph sixty times a second; browsers count calls of `replaceState` and refuse more than a few. */
const MOVES_EVERY_MS = 250;

const PHONE = "(max-width: 700px)";

/** Set once somebody came back to the list: the only flow is then not opened by itself again. */
let beenHome = false;
export const hasBeenHome = (): boolean => beenHome;

export const hrefOf = (state: Partial<ViewState>): string => {
  const query = writeUrl({ ...FIRST_VIEW, ...state });
  return query === "" ? "./" : `?${query}`;
};

const isNewTab = (event: MouseEvent): boolean => event.metaKey || event.ctrlKey || event.shiftKey;

/** Opens a flow as it is seen first. `instead`: in place of where the reader is. */
export function openFlow(flow: string, { instead = false } = {}): void {
  const view = matchMedia(PHONE).matches ? "table" : FIRST_VIEW.view;
  const next = { ...FIRST_VIEW, flow, view, theme: viewState.peek().theme, embed: viewState.peek().embed };
  if (instead) replaceNext = true;
  apply(next);
}

export function goHome(): void {
  beenHome = true;
  apply({ ...FIRST_VIEW, theme: viewState.peek().theme });
}

export function openHome(event: MouseEvent): void {
  if (isNewTab(event)) return;
  event.preventDefault();
  goHome();
}

export function onPlainClick(event: MouseEvent, act: () => void): void {
  if (isNewTab(event)) return;
  event.preventDefault();
  act();
}

let replaceNext = false;

const isStep = (before: ViewState, after: ViewState): boolean =>
  before.flow !== after.flow ||
  before.view !== after.view ||
  before.region !== after.region ||
  before.compareFlow !== after.compareFlow ||
  before.compareRegion !== after.compareRegion ||
  (before.at === undefined) !== (after.at === undefined);

export function startRouting(): void {
  const read = (): void => {
    const state = readUrl(location.search);
    // On a phone the table comes first; the graph is there for whoever asks for it.
    const first = new URLSearchParams(location.search).has("view") || !matchMedia(PHONE).matches ? state : { ...state, view: "table" as const };
    apply(first);
  };
  read();
  addEventListener("popstate", read);
  effect(() => {
    const id = flowId.value;
    untracked(() => follow(id));
  });
  let written = viewState.peek();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const state = viewState.peek();
    const href = hrefOf(state);
    const step = isStep(written, state) && !replaceNext;
    written = state;
    replaceNext = false;
    const query = href === "./" ? "" : href;
    if (location.search === query || writeUrl(readUrl(location.search)) === writeUrl(state)) return;
    if (step) history.pushState(null, "", href);
    else history.replaceState(null, "", href);
  };
  effect(() => {
    const state = viewState.value;
    const moves = state.seen !== undefined && writeUrl({ ...state, seen: undefined }) === writeUrl({ ...written, seen: undefined });
    if (moves) timer ??= setTimeout(write, MOVES_EVERY_MS);
    else write();
  });
}
