/** The worker's end of `runIn`: one request in, one layout out. */

import { layout } from "./layout";
import type { LayoutAnswer, LayoutRequest } from "./layouts";

addEventListener("message", ({ data: { id, shape, before } }: MessageEvent<LayoutRequest>) => {
  postMessage({ id, layout: layout(shape, before) } satisfies LayoutAnswer);
});
