/** What to see while there is nothing to see: no flow yet, an empty one, one that was removed, one that cannot be read. */

import { CopyButton } from "./CopyButton";
import { phase } from "../state/connection";
import { keepToken } from "../state/token";
import { flowPath } from "../stream/request";
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
        {flowId !== undefined && !removed && (
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

/** Why there is no picture at all, and what comes next. */
export function Unreached() {
  const { name } = phase.value;
  const anotherToken = () => {
    keepToken("");
    phase.value = { name: "unauthorized" };
  };
  return (
    <section class="notice">
      {name === "forbidden" ? (
        <>
          <h2>This token may not read this flow</h2>
          <p class="muted">Ask whoever runs the server for one that may.</p>
          <button type="button" class="primary" onClick={anotherToken}>
            Use another token
          </button>
        </>
      ) : (
        <>
          <h2>{FIRST[name] ?? "The server does not answer"}</h2>
          <p class="muted">{name === "missing" ? "Look at the address, or start from all flows." : "Trying again until it works; there is nothing to do."}</p>
        </>
      )}
    </section>
  );
}

const FIRST: Readonly<Record<string, string>> = {
  full: "The server takes no more readers right now",
  missing: "The server does not know this flow",
};
