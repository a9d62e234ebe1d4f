/** The page: all flows, or one. */

import { ConnectionBanner } from "./Connection";
import { Announcer } from "./Announcer";
import { Attention } from "./Attention";
import { Header } from "./Header";
import { Home } from "./Home";
import { Waiting } from "./Nothing";
import { TableView } from "./TableView";
import { TokenForm } from "./TokenForm";
import { loaded, picture, removed } from "../state/picture";
import { phase } from "../state/connection";
import { flowId } from "../state/view";

export function App() {
  return (
    <>
      {flowId.value === undefined ? <Home openTheOnlyOne={!location.search.includes("home")} /> : <Flow id={flowId.value} />}
      <Announcer />
    </>
  );
}

function Flow({ id }: { id: string }) {
  if (phase.value.name === "unauthorized") return <TokenForm />;
  const empty = loaded.value && picture.value.state.nodes.size === 0;
  return (
    <div class="flow">
      <Header left={null} />
      <ConnectionBanner />
      <div class="body">
        <main class="stage">{empty ? <Waiting flowId={id} removed={removed.value} /> : <TableView />}</main>
        <aside class="side">
          <Attention />
        </aside>
      </div>
    </div>
  );
}
