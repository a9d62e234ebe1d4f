/**
 * The question for the stream of the flow in the URL, asked by the first script of the page: the answer, which may be
 * megabytes, is then on its way while the browser still reads the rest of the code.
 */

import { askForStream, flowPath, storedToken } from "./request";

export type Opening = { readonly url: string; readonly answer: Promise<Response>; readonly end: AbortController };

function open(): Opening | undefined {
  const flow = new URLSearchParams(location.search).get("flow");
  if (flow === null || flow === "") return undefined;
  const url = flowPath(flow, "/stream");
  const end = new AbortController();
  const answer = askForStream(url, { token: storedToken(), lastId: "", signal: end.signal });
  answer.catch(() => undefined); // Whoever takes it finds out; nobody else needs to.
  return { url, answer, end };
}

let opening = open();

/** A page that nobody sees has no frames to wait for. */
const NO_FRAME_MS = 250;

/** When the page has been drawn once from now on. */
const nextFrame = (): Promise<void> =>
  new Promise((drawn) => {
    requestAnimationFrame(() => setTimeout(drawn));
    setTimeout(drawn, NO_FRAME_MS);
  });

/**
 * The answer that is on its way for this URL; only once, and undefined when there is none. It is handed over after the
 * next frame: megabytes that are there too soon would keep the page from being drawn at all.
 */
export function takeOpening(url: string): Opening | undefined {
  const taken = opening;
  opening = undefined;
  if (taken === undefined) return undefined;
  if (taken.url !== url) {
    taken.end.abort();
    return undefined;
  }
  const frame = nextFrame();
  return { ...taken, answer: taken.answer.then((answer) => frame.then(() => answer)) };
}
