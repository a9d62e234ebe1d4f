/** The page: all flows, or one. */

import { ConnectionBanner } from "./Connection";
import { Announcer } from "./Announcer";
import { Attention } from "./Attention";
import { Detail } from "./Detail";
import { Header } from "./Header";
import { Toolbar } from "./Toolbar";
import { Home } from "./Home";
import { Waiting } from "./Nothing";
import { TableView } from "./TableView";
import { TimelineView } from "./TimelineView";
import { GraphView } from "./GraphView";
import { TokenForm } from "./TokenForm";
import { loaded, picture, removed } from "../state/picture";
import { phase } from "../state/connection";
import { flowId, view } from "../state/view";
import { hasBeenHome } from "./route";

export function App() {
  return (
    <>
      {flowId.value === undefined ? <Home openTheOnlyOne={!hasBeenHome()} /> : <Flow id={flowId.value} />}
      <Announcer />
    </>
  );
}

function View() {
  if (view.value === "table") return <TableView />;
  return view.value === "timeline" ? <TimelineView /> : <GraphView />;
}

function Flow({ id }: { id: string }) {
  if (phase.value.name === "unauthorized") return <TokenForm />;
  const empty = loaded.value && picture.value.state.nodes.size === 0;
  return (
    <div class="flow">
      <Header left={null}>
        <Toolbar>{null}</Toolbar>
      </Header>
      <ConnectionBanner />
      <div class="body">
        <main class="stage">{empty ? <Waiting flowId={id} removed={removed.value} /> : <View />}</main>
        <aside class="side">
          <Detail />
          <Attention />
        </aside>
      </div>
    </div>
  );
}
