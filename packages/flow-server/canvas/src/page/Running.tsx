/** What is going on right now, the longest first: where an operator looks while nothing is wrong. */

import { computed } from "@preact/signals";
import { duration } from "../core/text";
import { graph, shownTime } from "../state/picture";
import { allRows, select, selectedKey } from "../state/view";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

const SHOWN = 12;

const running = computed(() => {
  const { holding } = graph.value;
  const list = allRows.value.filter(
    ({ key, node, look }) =>
      (look === "running" || look === "other" || look === "stalled") && node.endedAt === undefined && !holding.has(key),
  );
  return list.sort((a, b) => (a.node.startedAt ?? Infinity) - (b.node.startedAt ?? Infinity) || (a.key < b.key ? -1 : 1));
});

export function Running() {
  const list = running.value;
  if (list.length === 0) return null;
  return (
    <section class="running-now" aria-labelledby="running-title">
      <h2 id="running-title">
        Running now <span class="count">{list.length}</span>
      </h2>
      <ul>
        {list.slice(0, SHOWN).map(({ key, node, lane, look }) => (
          <li key={key}>
            <button type="button" class={`node-line is-${look}${selectedKey.value === key ? " here" : ""}`} onClick={() => select(node)}>
              <Glyph look={look} />
              <Said text={node.label} />
              {lane !== "" && <Said text={lane} class="lane" />}
              {node.startedAt !== undefined && <span class="note">{duration(shownTime.value - node.startedAt)}</span>}
            </button>
          </li>
        ))}
      </ul>
      {list.length > SHOWN && <p class="calm">and {list.length - SHOWN} more, in the table</p>}
    </section>
  );
}
