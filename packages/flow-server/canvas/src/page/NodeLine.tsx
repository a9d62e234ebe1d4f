/** A node on one line, to be followed; and lists of what comes before and after one. */

import { idInKey, type Link } from "../core/graph";
import { lookOf, wordOf } from "../core/look";
import { graph, steady } from "../state/picture";
import { select, selectedKey } from "../state/view";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

export function NodeLine({ nodeKey, note }: { nodeKey: string; note?: string | undefined }) {
  const node = steady.value.state.nodes.get(nodeKey);
  if (node === undefined) {
    return (
      <span class="node-line muted">
        <Glyph look="other" />
        <Said text={idInKey(nodeKey)} />
        <span class="note">{note === undefined ? "not reported" : `not reported, ${note}`}</span>
      </span>
    );
  }
  const look = lookOf(node);
  const lane = graph.value.laneOf.get(nodeKey);
  const here = selectedKey.value === undefined ? undefined : graph.value.laneOf.get(selectedKey.value);
  return (
    <button type="button" class={`node-line is-${look}`} onClick={() => select(node)}>
      <Glyph look={look} name={wordOf(node, look)} />
      <Said text={node.label} />
      {lane !== undefined && lane !== "" && lane !== here && <Said text={lane} class="lane" />}
      {note !== undefined && <span class="note">{note}</span>}
    </button>
  );
}

const TYPES: Partial<Record<Link["type"], string>> = {
  "start-to-start": "start to start",
  "finish-to-finish": "finish to finish",
  "start-to-finish": "start to finish",
  triggers: "triggers",
};

function noteOf({ type, condition, lag }: Link): string | undefined {
  const words = [TYPES[type], condition === "on-failure" ? "on failure" : undefined, lag > 0 ? `after ${lag}s` : undefined];
  const said = words.filter((word) => word !== undefined);
  return said.length === 0 ? undefined : said.join(", ");
}

/** Every declared relationship on one side of a node, also what the graph leaves out because others imply it. */
export function Links({ title, links, end }: { title: string; links: readonly Link[]; end: "from" | "to" }) {
  if (links.length === 0) return null;
  return (
    <div class="part">
      <h3>
        {title} <span class="muted">{links.length}</span>
      </h3>
      <ul>
        {links.slice(0, 100).map((link) => (
          <li key={`${link.type} ${link[end]}`}>
            <NodeLine nodeKey={link[end]} note={noteOf(link)} />
          </li>
        ))}
      </ul>
      {links.length > 100 && <p class="muted">and {links.length - 100} more</p>}
    </div>
  );
}
