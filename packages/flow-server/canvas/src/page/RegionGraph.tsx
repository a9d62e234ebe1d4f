/** One region up close: edges on a canvas, readable boxes as elements above it, a camera that only the reader moves. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { ReadonlySignal } from "@preact/signals";
import type { LaneScene } from "../state/scene";
import { RegionStage } from "../draw/stage";
import { Said } from "./Said";

export function RegionGraph({ scene }: { scene: ReadonlySignal<LaneScene | undefined> }) {
  const root = useRef<HTMLDivElement>(null);
  const stage = useRef<RegionStage | undefined>(undefined);
  useLayoutEffect(() => {
    if (root.current === null) return undefined;
    const made = new RegionStage(root.current, scene);
    stage.current = made;
    return () => made.dispose();
  }, []);
  const name = scene.value?.name ?? "";
  return (
    <div
      class="region"
      ref={root}
      tabIndex={0}
      role="group"
      aria-label={`graph${name === "" ? "" : ` of ${name}`}: arrow keys go along dependencies; the table has the same as rows`}
    >
      <canvas aria-hidden="true" />
      <div class="nodes" />
      <div class="zoom">
        <button type="button" onClick={() => stage.current?.zoomBy(1.3)} aria-label="zoom in" title="zoom in (+)">
          +
        </button>
        <button type="button" onClick={() => stage.current?.zoomBy(1 / 1.3)} aria-label="zoom out" title="zoom out (−)">
          −
        </button>
        <button type="button" onClick={() => stage.current?.fit()} aria-label="fit to screen" title="fit to screen (0)">
          fit
        </button>
      </div>
      {scene.value?.lane.keys.length === 0 && (
        <p class="calm stage-note">
          <Said text={name} /> is empty.
        </p>
      )}
    </div>
  );
}
