/** The page: all flows, or one. */

import { duration } from "../core/text";
import { phase } from "../state/connection";
import { loaded, removed, steady } from "../state/picture";
import { left } from "../state/timing";
import { embed, flowId, moment, view } from "../state/view";
import { Announcer } from "./Announcer";
import { Attention } from "./Attention";
import { Compare, isComparing } from "./Compare";
import { ConnectionBanner } from "./Connection";
import { Detail } from "./Detail";
import { Done } from "./Done";
import { GraphView } from "./GraphView";
import { Header } from "./Header";
import { Help } from "./Help";
import { Home } from "./Home";
import { Unreached, Waiting } from "./Nothing";
import { Past } from "./Past";
import { hasBeenHome } from "./route";
import { Running } from "./Running";
import { TableView } from "./TableView";
import { TimelineView } from "./TimelineView";
import { TokenForm } from "./TokenForm";
import { Toolbar } from "./Toolbar";
import { Tools } from "./Tools";

export function App() {
  return (
    <>
      {flowId.value === undefined ? <Home openTheOnlyOne={!hasBeenHome()} /> : <Flow id={flowId.value} />}
      <Announcer />
      <Help />
    </>
  );
}

function View() {
  if (isComparing.value) return <Compare />;
  if (view.value === "table") return <TableView />;
  return view.value === "timeline" ? <TimelineView /> : <GraphView />;
}

function Flow({ id }: { id: string }) {
  if (phase.value.name === "unauthorized") return <TokenForm />;
  const name = phase.value.name;
  const unreached = !loaded.value && moment.value === undefined && name !== "connecting" && name !== "live" && name !== "paused";
  const empty = loaded.value && steady.value.state.nodes.size === 0 && moment.value === undefined;
  return (
    <div class={`flow${embed.value ? " embed" : ""}${steady.value.at === undefined ? "" : " in-past"}`}>
      <Header left={<Left />}>
        {!embed.value && (
          <Toolbar>
            <Tools />
          </Toolbar>
        )}
      </Header>
      {!unreached && <ConnectionBanner />}
      <div class="body">
        <main class="stage">{unreached ? <Unreached /> : empty ? <Waiting flowId={id} removed={removed.value} /> : <View />}</main>
        <aside class="side" aria-label="attention and details">
          <Detail />
          <Done />
          <Attention />
          <Running />
        </aside>
      </div>
      {!embed.value && <Past />}
    </div>
  );
}

/** The time left, when enough is known to say so. */
function Left() {
  const range = left.value;
  if (range === undefined || steady.value.at !== undefined) return null;
  const [low, high] = [rough(range.lowMs), rough(range.highMs)];
  return <span class="left"> · {low === high ? `about ${high} left` : `${low} to ${high} left`}</span>;
}

/** In whole minutes, or tens of seconds: what is not known must not look exact. */
function rough(ms: number): string {
  if (ms < 60_000) return duration(Math.max(10_000, Math.ceil(ms / 10_000) * 10_000));
  const minutes = Math.round(ms / 60_000);
  return minutes < 60 ? `${minutes}m` : duration(minutes * 60_000);
}
