/** The URL and the view state, kept the same. */

import { batch, effect } from "@preact/signals";
import { follow } from "../state/connection";
import { flowId, selectedId, view, type ViewName } from "../state/view";

const VIEWS: readonly ViewName[] = ["graph", "timeline", "table"];

export function readUrl(): void {
  const query = new URLSearchParams(location.search);
  batch(() => {
    flowId.value = query.get("flow") ?? undefined;
    view.value = VIEWS.find((name) => name === query.get("view")) ?? "graph";
    selectedId.value = query.get("node") ?? undefined;
  });
}

export function hrefOf({ flow }: { flow: string | undefined }): string {
  return flow === undefined ? "./" : `?${new URLSearchParams({ flow })}`;
}

function go(href: string, instead: boolean): void {
  if (instead) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  readUrl();
}

export const openFlow = (id: string, { instead = false } = {}): void => go(hrefOf({ flow: id }), instead);

export function openHome(event: MouseEvent): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go("./?home", false);
}

export function startRouting(): void {
  readUrl();
  addEventListener("popstate", readUrl);
  effect(() => follow(flowId.value));
  effect(() => {
    if (flowId.value === undefined) return;
    const query = new URLSearchParams({ flow: flowId.value, view: view.value });
    if (selectedId.value !== undefined) query.set("node", selectedId.value);
    const href = `?${query}`;
    if (location.search !== href) history.replaceState(null, "", href);
  });
}
