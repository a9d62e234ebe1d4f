/** The page about itself: live, reconnecting, stale; how old the picture is; what the server refuses. */

import { computed } from "@preact/signals";
import { ago, duration } from "../core/text";
import { now } from "../state/clock";
import { heardAt, phase } from "../state/connection";
import { steady } from "../state/picture";

const words = computed<{ word: string; tone: "good" | "busy" | "bad"; detail: string }>(() => {
  const current = phase.value;
  const silence = heardAt.value === 0 ? 0 : Math.max(0, now.value - heardAt.value);
  const age = heardAt.value === 0 ? "no picture yet" : `this picture is ${duration(silence)} old`;
  switch (current.name) {
    case "live":
      return { word: "live", tone: "good", detail: heardAt.value === 0 ? "" : `last heard ${ago(silence)}` };
    case "connecting":
      return { word: "connecting", tone: "busy", detail: "" };
    case "reconnecting":
      return { word: "reconnecting", tone: "busy", detail: `${current.why}; ${age}` };
    case "stale":
      return { word: "stale", tone: "bad", detail: age };
    case "full":
      return { word: "server full", tone: "bad", detail: `the server takes no more readers right now; trying again; ${age}` };
    case "unauthorized":
      return { word: "not allowed", tone: "bad", detail: "the server asks for a token" };
    case "forbidden":
      return { word: "not allowed", tone: "bad", detail: "this token may not read this flow" };
    case "missing":
      return { word: "not found", tone: "bad", detail: "the server does not know this flow" };
    case "paused":
      return { word: "paused", tone: "busy", detail: "hidden for long, so the connection was given back" };
    default:
      return current satisfies never;
  }
});

/** The word in the corner. */
export function ConnectionWord() {
  const { word, tone, detail } = words.value;
  // What is shown is not live then, however well the stream is.
  const past = tone === "good" && steady.value.at !== undefined;
  return (
    <span
      class={`connection ${past ? "busy" : tone}`}
      title={past ? "a moment of the past; the stream goes on" : detail}
      data-connection={word}
    >
      <i class="dot" aria-hidden="true" />
      <b>{past ? "past" : word}</b>
    </span>
  );
}

/** A line across the page while the picture is not of now. */
export function ConnectionBanner() {
  const { word, tone, detail } = words.value;
  const { name } = phase.value;
  if (tone === "good" || name === "connecting" || name === "unauthorized" || detail === "") return null;
  return (
    <p class={`banner ${tone}`}>
      <b>{word}</b>: {detail}
    </p>
  );
}
