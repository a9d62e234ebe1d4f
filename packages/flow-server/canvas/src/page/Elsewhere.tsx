/** The same release in the other regions: how far, how long, and which of them is unlike the rest. */

import { useComputed } from "@preact/signals";
import type { FlowNode } from "../core/contract";
import { siblings } from "../state/siblings";
import { duration } from "../core/text";
import { lookOf, wordOf } from "../core/look";
import { select } from "../state/view";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

export function Elsewhere({ nodeKey, node }: { nodeKey: string; node: FlowNode }) {
  const list = useComputed(() => siblings(nodeKey));
  if (list.value.length < 2) return null;
  const ready = list.value.filter((sibling) => sibling.node?.status === "succeeded").length;
  return (
    <div class="part">
      <h3>
        In all regions <span class="muted">ready in {ready} of {list.value.length}</span>
      </h3>
      <ul>
        {list.value.map(({ lane, node: other, took, outlier }) => (
          <li key={lane}>
            {other === undefined ? (
              <span class="node-line muted">
                <Glyph look="other" />
                <Said text={lane} />
                <span class="note">not there</span>
              </span>
            ) : (
              <button
                type="button"
                class={`node-line is-${lookOf(other)}${other === node ? " here" : ""}`}
                onClick={() => select(other)}
              >
                <Glyph look={lookOf(other)} name={wordOf(other)} turning={false} />
                <Said text={lane} />
                <span class="note">
                  {outlier !== undefined && <b class="outlier">{outlier}</b>} {took === undefined ? wordOf(other) : duration(took)}
                </span>
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
