/** What is said beyond the page: its title and icon, the live region, and notices for those who asked for them. */

import { effect, signal } from "@preact/signals";
import { lookOf } from "../core/look";
import { isDone } from "../core/tally";
import { duration, plural, shown } from "../core/text";
import { keepWhenHidden, phase } from "../state/connection";
import { graph, liveState, loaded, onChange, span, steady, tallies } from "../state/picture";
import { flowId } from "../state/view";
import { announce } from "./Announcer";
import { palette } from "../draw/palette";

const KEY = "flow-notices";

const remembered = (): boolean => {
  try {
    return localStorage.getItem(KEY) === "on" && Notification.permission === "granted";
  } catch {
    return false;
  }
};

export const noticesOn = signal(remembered());

export async function toggleNotices(): Promise<void> {
  let on = !noticesOn.peek();
  if (on) on = "Notification" in globalThis && (await Notification.requestPermission()) === "granted";
  if (!on && !noticesOn.peek()) announce("this browser does not allow notices here");
  noticesOn.value = on;
  try {
    if (on) localStorage.setItem(KEY, "on");
    else localStorage.removeItem(KEY);
  } catch {
    // Without storage the choice lives as long as the page.
  }
}

function notify(title: string, body: string): void {
  announce(`${title}: ${body}`);
  if (!noticesOn.peek() || document.visibilityState === "visible") return;
  new Notification(title, { body, tag: `flow ${flowId.peek() ?? ""}` });
}

/** Failures of the last moment, said together: a broken region is one notice, not fifty. */
const failed = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;
const GATHER_MS = 1000;

onChange((before, after, key) => {
  if (after !== "failed" || before === "failed") return;
  failed.add(key);
  timer ??= setTimeout(tellFailures, GATHER_MS);
});

/** By now the graph knows what came new with its failure, and what only contains others. */
function tellFailures(): void {
  timer = undefined;
  const { nodes } = liveState();
  const { containers, laneOf } = graph.peek();
  const names = [...failed].flatMap((key) => {
    const node = nodes.get(key);
    if (node === undefined || containers.has(key) || lookOf(node) !== "failed") return [];
    const lane = laneOf.get(key) ?? node.region;
    return `${shown(node.label)}${lane ? ` in ${shown(lane)}` : ""}`;
  });
  failed.clear();
  const [first, ...rest] = names;
  if (first === undefined) return;
  notify(shown(flowId.peek() ?? ""), `${first} failed${rest.length > 0 ? `, and ${plural(rest.length, "other")}` : ""}`);
}

let done: { flow: string | undefined; is: boolean } | undefined;

effect(() => {
  const { all } = tallies.value;
  if (!loaded.value || steady.value.at !== undefined) return;
  const is = isDone(all);
  const flow = flowId.peek();
  if (done?.flow === flow && is && done?.is === false) {
    const { start, end } = span.peek();
    notify(shown(flow ?? ""), `all ${all.total} ready${end === undefined ? "" : ` after ${duration(end - start)}`}`);
  }
  done = { flow, is };
});

effect(() => {
  keepWhenHidden.value = noticesOn.value;
});

/** The tab's title: the worst first, since that is what a narrow tab shows. */
effect(() => {
  const id = flowId.value;
  if (id === undefined) {
    document.title = "flows";
    return;
  }
  const { all } = tallies.value;
  const state = all.failed > 0 ? `✕ ${all.failed} · ` : isDone(all) ? "✓ " : "";
  const count = all.total === 0 ? "" : `${all.ready}/${all.total} · `;
  document.title = `${state}${count}${shown(id)}`;
});

/** A picture is drawn, packed and put into the tab: the page's own is more urgent. */
const ICON_AFTER_MS = 300;
let icon = "";
let iconTimer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  const { all } = tallies.value;
  const { name } = phase.value;
  const colors = palette.value;
  const lost = flowId.value !== undefined && name !== "live" && name !== "connecting";
  const look = all.failed > 0 ? "failed" : isDone(all) ? "succeeded" : all.total === 0 ? "other" : "running";
  const part = all.total === 0 ? 0 : all.ready / all.total;
  // Redrawn only when it would look different.
  const next = `${look} ${lost} ${Math.floor(part * 24)} ${colors.ground}`;
  if (next === icon) return;
  icon = next;
  clearTimeout(iconTimer);
  iconTimer = setTimeout(() => drawIcon(look, part, lost), ICON_AFTER_MS);
});

function drawIcon(look: "failed" | "succeeded" | "running" | "other", part: number, lost: boolean): void {
  const colors = palette.peek();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.lineWidth = 6;
  context.strokeStyle = colors.pending;
  context.beginPath();
  context.arc(16, 16, 12, 0, 2 * Math.PI);
  context.stroke();
  context.strokeStyle = colors[look];
  context.setLineDash(lost ? [4, 4] : []);
  context.beginPath();
  context.arc(16, 16, 12, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * (look === "failed" ? 1 : part));
  context.stroke();
  if (look === "failed") {
    context.setLineDash([]);
    context.lineWidth = 5;
    context.beginPath();
    context.moveTo(11, 11);
    context.lineTo(21, 21);
    context.moveTo(21, 11);
    context.lineTo(11, 21);
    context.stroke();
  }
  let link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (link === null) {
    link = document.createElement("link");
    link.rel = "icon";
    document.head.append(link);
  }
  link.href = canvas.toDataURL("image/png");
}
