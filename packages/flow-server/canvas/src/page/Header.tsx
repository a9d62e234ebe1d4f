/** The head of the page: what it shows, how far it is, for how long, and whether it is of now. */

import type { ComponentChildren } from "preact";
import { computed } from "@preact/signals";
import { LOOKS, type Look, WORDS } from "../core/look";
import { clock, duration } from "../core/text";
import { now } from "../state/clock";
import { phase } from "../state/connection";
import { shownTime, span, steady, tallies } from "../state/picture";
import { embed, flowId, looks } from "../state/view";
import { Bar } from "./Bar";
import { ConnectionWord } from "./Connection";
import { Glyph } from "./Glyph";
import { hrefOf, openHome } from "./route";
import { Said } from "./Said";

/** How many of each look there are, in the order of the chips. */
const chips = computed<readonly { look: Look; count: number }[]>(() => {
  const { all } = tallies.value;
  const counts: Partial<Record<Look, number>> = {
    failed: all.failed,
    running: all.running,
    waiting: all.waiting,
    suspended: all.suspended,
  };
  return LOOKS.filter((look) => look in counts)
    .map((look) => ({ look, count: counts[look] ?? 0 }))
    .filter(({ look, count }) => count > 0 || look === "failed" || look === "running" || look === "waiting");
});

/** A chip counts what the header calls one word: `waiting` and `running` each stand for several looks. */
const LOOKS_OF_CHIP: Partial<Record<Look, readonly Look[]>> = {
  waiting: ["waiting", "pending"],
  running: ["running", "stalled", "other"],
};

export function Header({ left, children }: { left: ComponentChildren; children?: ComponentChildren }) {
  const { all } = tallies.value;
  return (
    <header class="head">
      <div class="head-line">
        {!embed.value && (
          <a class="home" href={hrefOf({ flow: undefined })} onClick={openHome} aria-label="all flows" title="all flows">
            <svg viewBox="0 0 12 12" aria-hidden="true" class="icon">
              <path d="M1.5 2.5h3v3h-3zM7.5 2.5h3v3h-3zM1.5 8.5h3v2h-3zM7.5 8.5h3v2h-3z" />
            </svg>
          </a>
        )}
        <h1>
          <Said text={flowId.value ?? ""} />
        </h1>
        {all.total + all.suspended > 0 && (
          <>
            <p class="summary">
              <strong>
                {all.ready} of {all.total} ready
              </strong>
            </p>
            <div class="chips" role="group" aria-label="keep only">
              {chips.value.map(({ look, count }) => (
                <Chip key={look} look={look} count={count} />
              ))}
            </div>
          </>
        )}
        <p class="elapsed">
          <Elapsed />
          {left}
        </p>
        <ConnectionWord />
      </div>
      <Bar tally={all} label={`${all.ready} of ${all.total} ready`} />
      {children}
    </header>
  );
}

function Chip({ look, count }: { look: Look; count: number }) {
  const meant = LOOKS_OF_CHIP[look] ?? [look];
  const pressed = looks.value.has(look);
  const press = () => {
    const next = new Set(looks.value);
    for (const one of meant) if (pressed) next.delete(one);
      else next.add(one);
    looks.value = next;
  };
  const word = look === "running" ? "running" : WORDS[look];
  return (
    <button
      type="button"
      class={`chip is-${look}${count === 0 ? " none" : ""}`}
      aria-pressed={pressed}
      onClick={press}
      title={`keep only ${word}`}
    >
      {look === "running" && count > 0 ? <Turning /> : <Glyph look={look} />}
      {count} {word}
    </button>
  );
}

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** A quarter a second, with the page's own clock: the one sign that turns, and only while what is shown is of now. */
const quarters = computed(() =>
  phase.value.name === "live" && steady.value.at === undefined && !STILL.matches ? Math.floor(now.value / 1000) % 4 : 0,
);

function Turning() {
  return (
    <span class="turning" style={{ rotate: `${90 * quarters.value}deg` }}>
      <Glyph look="running" />
    </span>
  );
}

function Elapsed() {
  const { start, end } = span.value;
  const to = end ?? shownTime.value;
  return (
    <span title={`since ${clock(start, to)}`}>
      {steady.value.state.nodes.size === 0 ? "" : end === undefined ? duration(to - start) : `took ${duration(end - start)}`}
    </span>
  );
}

