/** One node: why it waits, what it blocks, how it does elsewhere, and everything that its emitter said about it. */

import { useComputed, useSignal } from "@preact/signals";
import type { FlowNode } from "../core/contract";
import { commandsFor } from "../core/commands";
import { linksAfter, linksBefore } from "../core/graph";
import { lookOf, wordOf } from "../core/look";
import { textIn } from "../core/meta";
import { clock, duration, plural } from "../core/text";
import { tookMs } from "../core/times";
import { mistakesOf } from "../core/trouble";
import { sentenceOf } from "../core/waiting";
import { waits } from "../state/insight";
import { graph, shownTime, steady } from "../state/picture";
import { selectedId, selectedKey, selectedNode } from "../state/view";
import { CopyButton } from "./CopyButton";
import { Elsewhere } from "./Elsewhere";
import { Glyph } from "./Glyph";
import { MetaList } from "./MetaList";
import { Links, NodeLine } from "./NodeLine";
import { Said } from "./Said";
import { Trouble } from "./Trouble";

export function Detail() {
  const key = selectedKey.value;
  const node = selectedNode.value;
  if (selectedId.value === undefined) return null;
  if (key === undefined || node === undefined) {
    return (
      <section class="detail" aria-label="details">
        <Close />
        <p class="calm">
          <Said text={selectedId.value} /> is not part of this picture.
        </p>
      </section>
    );
  }
  return <Found key={key} nodeKey={key} node={node} />;
}

function Close() {
  return (
    <button type="button" class="close" aria-label="close details" title="close (Esc)" onClick={() => (selectedId.value = undefined)}>
      ×
    </button>
  );
}

function Found({ nodeKey, node }: { nodeKey: string; node: FlowNode }) {
  const look = lookOf(node);
  const lane = graph.value.laneOf.get(nodeKey) ?? "";
  const message = textIn(node, "message");
  const reason = textIn(node, "reason");
  const nowMs = shownTime.value;
  const took = tookMs(node, nowMs);
  return (
    <section class={`detail is-${look}`} aria-labelledby="detail-title">
      <Close />
      <h2 id="detail-title">
        <Glyph look={look} />
        <Said text={node.label} />
      </h2>
      <p class="muted">
        <b class="look-word">
          <Said text={wordOf(node, look)} />
        </b>
        {lane !== "" && (
          <>
            {" in "}
            <Said text={lane} />
          </>
        )}
        {took !== undefined && ` · ${node.endedAt === undefined ? "for" : "took"} ${duration(took)}`}
        {node.endedAt !== undefined && ` · ended ${clock(node.endedAt, nowMs)}`}
      </p>
      <WhyWaiting nodeKey={nodeKey} />
      <Trouble node={node} />
      {look !== "succeeded" && (reason !== undefined || message !== undefined) && (
        <div class="message">
          {reason !== undefined && (
            <b>
              <Said text={reason} />
            </b>
          )}
          {message !== undefined && (
            <p>
              <Said text={message} lines />
            </p>
          )}
        </div>
      )}
      <Commands node={node} />
      <Blocked nodeKey={nodeKey} />
      <Elsewhere key={nodeKey} node={node} />
      <Links title="Comes after" links={linksBefore(graph.value, nodeKey)} end="from" />
      <Links title="Comes before" links={linksAfter(graph.value, nodeKey)} end="to" />
      <Children nodeKey={nodeKey} />
      <MetaList node={node} />
    </section>
  );
}

/** The chain to the root cause, as a sentence and as steps that can be followed. */
function WhyWaiting({ nodeKey }: { nodeKey: string }) {
  const chain = useComputed(() => waits.value.chain(nodeKey));
  if (chain.value === undefined) return null;
  const { nodes } = steady.value.state;
  const node = nodes.get(nodeKey);
  const steps = chain.value.chain.slice(1);
  const besides = waits.value.blockers(nodeKey).filter((key) => key !== steps[0]);
  // The node's own mistakes stand below in full.
  const own = node !== undefined && mistakesOf(node).length > 0;
  const told = own ? { ...chain.value, mistake: undefined } : chain.value;
  return (
    <div class="chain" data-chain={chain.value.kind}>
      <p>
        <Said text={sentenceOf(graph.value, nodes, told, shownTime.value)} lines />
      </p>
      <ol>
        {steps.map((step, at) => (
          <li key={`${at} ${step}`}>
            <NodeLine nodeKey={step} />
          </li>
        ))}
      </ol>
      {besides.length > 0 && (
        <>
          <p class="muted">It waits for {plural(besides.length, "other")} besides:</p>
          <ol class="besides">
            {besides.slice(0, MOST_BESIDES).map((key) => (
              <li key={key}>
                <NodeLine nodeKey={key} />
              </li>
            ))}
          </ol>
          {besides.length > MOST_BESIDES && <p class="muted">and {besides.length - MOST_BESIDES} more</p>}
        </>
      )}
    </div>
  );
}

const MOST_BESIDES = 40;
const FEW = 5;

function Blocked({ nodeKey }: { nodeKey: string }) {
  const blocked = useComputed(() => [...waits.value.blocked(nodeKey)]);
  const all = useSignal(false);
  const list = blocked.value;
  if (list.length === 0) return null;
  return (
    <div class="part">
      <h3>Blocks {plural(list.length, "other")}</h3>
      <ul>
        {(all.value ? list : list.slice(0, FEW)).map((key) => (
          <li key={key}>
            <NodeLine nodeKey={key} />
          </li>
        ))}
      </ul>
      {list.length > FEW && (
        <button type="button" class="link underlined muted" onClick={() => (all.value = !all.value)}>
          {all.value ? "show fewer" : `and ${list.length - FEW} more`}
        </button>
      )}
    </div>
  );
}

/** What a container holds: it is no box of its own where it only groups. */
function Children({ nodeKey }: { nodeKey: string }) {
  const children = useComputed(() => [...graph.value.parent].filter(([, parent]) => parent === nodeKey).map(([child]) => child));
  const list = children.value;
  if (list.length === 0) return null;
  return (
    <div class="part">
      <h3>
        Contains <span class="muted">{list.length}</span>
      </h3>
      <ul>
        {list.slice(0, 40).map((key) => (
          <li key={key}>
            <NodeLine nodeKey={key} />
          </li>
        ))}
      </ul>
      {list.length > 40 && <p class="muted">and {list.length - 40} more</p>}
    </div>
  );
}

function Commands({ node }: { node: FlowNode }) {
  const commands = commandsFor(node);
  if (commands.length === 0) return null;
  return (
    <div class="part commands">
      {commands.map(({ title, line }) => (
        <p class="command" key={title}>
          <code title={title}>{line}</code>
          <CopyButton text={line} what={`the line for ${title}`} />
        </p>
      ))}
    </div>
  );
}
