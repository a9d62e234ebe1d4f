/** The order of installation: all regions as small multiples, or one of them up close. */

import { useRef } from "preact/hooks";
import { useComputed } from "@preact/signals";
import { graph, tallies } from "../state/picture";
import { sceneOf, scenes } from "../state/scene";
import { embed, openLane } from "../state/view";
import { Overview } from "./Overview";
import { RegionGraph } from "./RegionGraph";
import { Said } from "./Said";

export function GraphView() {
  // A flow of one region has no overview: there is nothing to compare.
  const name = useComputed(() => openLane.value ?? (graph.value.lanes.length === 1 ? graph.value.lanes[0]?.name : undefined));
  const scene = useComputed(() => (name.value === undefined ? undefined : sceneOf.value.get(name.value)));
  const regions = useRef<HTMLElement>(null);
  if (name.value === undefined) return <Overview />;
  const several = scenes.value.length > 1;
  return (
    <div class="graph">
      {several && !embed.value && (
        <nav class="regions" aria-label="regions" ref={regions}>
          <button type="button" class="tab" onClick={() => (openLane.value = undefined)}>
            ‹ all regions
          </button>
          {scenes.value.map(({ name: lane }) => {
            const tally = tallies.value.lanes.get(lane);
            return (
              <button
                type="button"
                key={lane}
                class="tab"
                aria-pressed={lane === name.value}
                onClick={() => (openLane.value = lane)}
              >
                <Said text={lane === "" ? "no region" : lane} />
                {tally !== undefined && tally.failed > 0 ? (
                  <b class="is-failed"> ✕ {tally.failed}</b>
                ) : (
                  <span class="muted">
                    {" "}
                    {tally?.ready ?? 0}/{tally?.total ?? 0}
                  </span>
                )}
              </button>
            );
          })}
        </nav>
      )}
      {scene.value !== undefined && <RegionGraph key={name.value} scene={scene} />}
      {scene.value === undefined && graph.value.lanes.every((lane) => lane.name !== name.value) && (
        <p class="calm stage-note">
          Nothing in the region <Said text={name.value} /> at this moment.
        </p>
      )}
    </div>
  );
}
