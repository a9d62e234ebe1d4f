/** The same release in the other regions: how far, how long, and which of them is unlike the rest. */

import { useComputed } from "@preact/signals";
import type { FlowNode } from "../core/contract";
import { siblingsOf } from "../core/compare";
import { nameOf } from "../core/graph";
import { wordOf } from "../core/look";
import { duration } from "../core/text";
import { graph } from "../state/picture";
import { allRows, select } from "../state/view";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

export function Elsewhere({ node }: { node: FlowNode }) {
  const name = nameOf(node);
  const list = useComputed(() =>
    siblingsOf(
      allRows.value,
      nameOf(node),
      graph.value.lanes.map((lane) => lane.name),
    ),
  ).value;
  const there = list.filter(({ row }) => row !== undefined);
  if (name === node.id || there.length === 0 || list.length < 2) return null;
  const ready = list.filter(({ row }) => row?.look === "succeeded").length;
  return (
    <div class="part">
      <h3>
        In all regions{" "}
        <span class="muted">
          ready in {ready} of {list.length}
        </span>
      </h3>
      <ul class="siblings">
        {list.map(({ lane, row, outlier, odd }) => (
          <li key={lane}>
            {row === undefined ? (
              <span class="node-line muted">
                <Glyph look="other" />
                <Said text={lane} />
                <span class="note">
                  <b class="outlier">missing</b>
                </span>
              </span>
            ) : (
              <button
                type="button"
                class={`node-line is-${row.look}${row.node === node ? " here" : ""}`}
                onClick={() => select(row.node)}
              >
                <Glyph look={row.look} name={wordOf(row.node, row.look)} />
                <Said text={lane} />
                <span class="note">
                  {(outlier ?? (odd ? "unlike the rest" : undefined)) !== undefined && (
                    <b class="outlier">{outlier ?? "unlike the rest"}</b>
                  )}{" "}
                  {row.tookMs === undefined ? wordOf(row.node, row.look) : duration(row.tookMs)}
                </span>
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
