/** Needs attention: what failed, what it blocks, and the line to type next. The one list that reorders by itself. */

import { commandsFor } from "../core/commands";
import type { Concern } from "../core/attention";
import type { Look } from "../core/look";
import { numberIn, whyOf } from "../core/meta";
import { isDone } from "../core/tally";
import { ago, duration, plural } from "../core/text";
import { troubleOf } from "../core/trouble";
import { graph, shownTime, tallies } from "../state/picture";
import { silentEmitters } from "../state/emitters";
import { concerns } from "../state/insight";
import { select, selectedKey } from "../state/view";
import { CopyButton } from "./CopyButton";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

/** More than an operator reads: the table shows the rest. */
const SHOWN = 30;

const LOOK: Readonly<Record<Concern["kind"], Look>> = { failed: "failed", stuck: "stalled", stalled: "stalled", trying: "running" };
const WORD: Readonly<Record<Concern["kind"], string>> = { failed: "failed", stuck: "cannot start", stalled: "stalled", trying: "trying again" };

export function Attention() {
  const list = concerns.value;
  const silent = silentEmitters.value;
  const { all } = tallies.value;
  return (
    <section class="attention" aria-labelledby="attention-title">
      <h2 id="attention-title">
        Needs attention {list.length > 0 && <span class="count">{list.length}</span>}
      </h2>
      {silent.map(({ name, silentMs }) => (
        <article class="card is-stalled" key={`silent ${name}`}>
          <h3>
            <Glyph look="stalled" />
            <Said text={name} />
            <span class="when">no word for {duration(silentMs)}</span>
          </h3>
          <p class="why">Its emitter has fallen silent: what this region shows may be old.</p>
        </article>
      ))}
      {list.length === 0 && silent.length === 0 && (
        <p class="calm">
          {all.total === 0 ? "Nothing yet." : isDone(all) ? "Nothing." : "Nothing. What is not ready yet is on its way."}
        </p>
      )}
      <ul>
        {list.slice(0, SHOWN).map((concern) => (
          <li key={concern.key}>
            <Card concern={concern} />
          </li>
        ))}
      </ul>
      {list.length > SHOWN && <p class="calm">and {list.length - SHOWN} more, in the table</p>}
    </section>
  );
}

function Card({ concern: { key, node, kind, blocks } }: { concern: Concern }) {
  const command = commandsFor(node)[0];
  const lane = graph.value.laneOf.get(key);
  const why = kind === "failed" ? whyOf(node) : (troubleOf(node)?.why ?? whyOf(node));
  const attempts = numberIn(node, "attempts");
  return (
    <article class={`card is-${LOOK[kind]}${selectedKey.value === key ? " selected" : ""}`}>
      <h3>
        <Glyph look={LOOK[kind]} name={WORD[kind]} />
        <button type="button" class="link" onClick={() => select(node)}>
          <Said text={node.label} />
        </button>
        {lane !== undefined && lane !== "" && <Said text={lane} class="lane" />}
        <span class="when">{whenOf(kind, node, shownTime.value)}</span>
      </h3>
      {why !== undefined && <p class="why"><Said text={why} lines /></p>}
      {(blocks > 0 || (attempts ?? 0) > 1) && (
        <p class="more">
          {[blocks > 0 ? `blocks ${plural(blocks, "other")}` : "", (attempts ?? 0) > 1 ? plural(attempts ?? 0, "attempt") : ""]
            .filter((part) => part !== "")
            .join(" · ")}
        </p>
      )}
      {command !== undefined && (
        <p class="command">
          <code>{command.line}</code>
          <CopyButton text={command.line} what="command" />
        </p>
      )}
    </article>
  );
}

function whenOf(kind: Concern["kind"], node: Concern["node"], nowMs: number): string {
  const at = node.endedAt ?? node.startedAt;
  const word = WORD[kind];
  if (at === undefined || kind === "stuck") return word;
  return kind === "trying" ? `${word}, for ${duration(nowMs - at)}` : `${word} ${ago(nowMs - at)}`;
}
