/** What to see while there is nothing to see: no flow yet, an empty one, one that was removed. */

import { CopyButton } from "./CopyButton";
import { flowPath } from "../state/token";
import { word } from "../core/commands";
import { Said } from "./Said";

/** What to post, and where, so that a node appears. */
function example(flowId: string): string {
  const url = new URL(flowPath(flowId, "/events"), location.href).href;
  const node = { id: "hello", flowId, label: "hello", status: "running" };
  const body = JSON.stringify({ type: "upsert-nodes", nodes: [node] });
  return `curl -H 'Content-Type: application/json' ${word(url)} -d ${word(body)}`;
}

export function Waiting({ flowId, removed = false }: { flowId: string | undefined; removed?: boolean }) {
  const line = example(flowId ?? "my-flow");
  return (
    <section class="notice">
      <h2>
        {removed ? "This flow was removed; waiting for a new one" : "Waiting for the first message"}
        {flowId !== undefined && (
          <>
            {" "}
            of <Said text={flowId} />
          </>
        )}
      </h2>
      <p class="muted">An emitter posts it to the server. To see something right now:</p>
      <p class="command">
        <code>{line}</code>
        <CopyButton text={line} what="command" />
      </p>
    </section>
  );
}
