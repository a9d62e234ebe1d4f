/** Everything in `meta`: what is known in its place, what is not as it came. */

import { type FlowNode, type Json, nodeKey } from "../core/contract";
import { oneLine } from "../core/meta";
import { clock } from "../core/text";
import { chartProblemOf, mistakesOf } from "../core/trouble";
import { now } from "../state/clock";
import { waits } from "../state/insight";
import { CopyButton } from "./CopyButton";
import { NodeLine } from "./NodeLine";
import { Said } from "./Said";

/** Shown elsewhere in the panel. */
const ELSEWHERE = new Set(["message", "reason", "suspended", "conditions"]);

/** What is shown elsewhere as long as it is what an emitter means by it. */
function isShown(node: FlowNode, key: string): boolean {
  if (key === "chartProblem") return chartProblemOf(node) !== undefined;
  return ELSEWHERE.has(key) || (key === "mistakes" && mistakesOf(node).length > 0);
}
/** First these, in this order; then the rest by name. */
const FIRST = ["chart", "version", "namespace", "targetNamespace", "attempts", "failures", "waitingFor", "mistakes", "source"];

type Condition = { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string };

const isCondition = (value: Json): value is Condition =>
  typeof value === "object" && value !== null && !Array.isArray(value) && typeof value["type"] === "string" && typeof value["status"] === "string";

export function MetaList({ node }: { node: FlowNode }) {
  const meta = node.meta ?? {};
  const keys = Object.keys(meta).filter((key) => !isShown(node, key));
  const order = [...FIRST.filter((key) => keys.includes(key)), ...keys.filter((key) => !FIRST.includes(key)).sort()];
  const awaited = waits.value.said(nodeKey(node.flowId, node.id));
  const conditions = Array.isArray(meta["conditions"]) ? meta["conditions"].filter(isCondition) : [];
  return (
    <div class="part">
      {conditions.length > 0 && (
        <>
          <h3>Conditions</h3>
          <ul class="conditions">
            {conditions.map((condition) => (
              <li key={condition.type} class={condition.status === "True" ? "yes" : "no"}>
                <b>
                  <Said text={`${condition.type} ${condition.status}`} />
                </b>{" "}
                {condition.reason !== undefined && <Said text={String(condition.reason)} />}
                {condition.message !== undefined && (
                  <p class="muted">
                    <Said text={String(condition.message)} lines />
                  </p>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>Details</h3>
      <dl class="meta">
        <Entry name="id" value={node.id} />
        <Entry name="status" value={node.status} />
        {node.family !== undefined && <Entry name="family" value={node.family} />}
        {node.startedAt !== undefined && <Entry name="started" value={clock(node.startedAt, now.peek())} />}
        {node.endedAt !== undefined && <Entry name="ended" value={clock(node.endedAt, now.peek())} />}
        {order.map((key) =>
          key === "waitingFor" && awaited.length > 0 ? (
            <Awaited key={key} name={key} keys={awaited} />
          ) : (
            <Entry key={key} name={key} value={meta[key] ?? null} />
          ),
        )}
      </dl>
      <CopyButton text={() => JSON.stringify(node, null, 2)} what="the node as JSON" label="copy as JSON" />
    </div>
  );
}

function Entry({ name, value }: { name: string; value: Json }) {
  return (
    <>
      <dt>
        <Said text={name} />
      </dt>
      <dd>
        <Value value={value} />
      </dd>
    </>
  );
}

/** Each of these can be followed; also one that nobody has reported has its line. */
function Awaited({ name, keys }: { name: string; keys: readonly string[] }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <ul class="awaited">
          {keys.map((key) => (
            <li key={key}>
              <NodeLine nodeKey={key} />
            </li>
          ))}
        </ul>
      </dd>
    </>
  );
}

function Value({ value }: { value: Json }) {
  if (typeof value === "boolean") return <>{value ? "yes" : "no"}</>;
  if (Array.isArray(value) && value.every((entry) => typeof entry !== "object" || entry === null)) {
    return <Said text={value.map(oneLine).join(", ")} lines />;
  }
  if (typeof value === "object" && value !== null) {
    return (
      <pre>
        <Said text={JSON.stringify(value, null, 1)} lines />
      </pre>
    );
  }
  const text = oneLine(value);
  // Only where it leads is certain: nothing but https, and the page tells the other side nothing.
  if (typeof value === "string" && /^https:\/\/[^\s]+$/.test(value) && URL.canParse(value)) {
    return (
      <a class="underlined" href={new URL(value).href} target="_blank" rel="noopener noreferrer">
        <Said text={text} lines />
      </a>
    );
  }
  return <Said text={text} lines />;
}
