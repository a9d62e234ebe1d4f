/**
 * How the server is asked: paths below the page, and the token of this tab. Knows nothing else of the page, so that the
 * first question can be asked before the rest of the code is there.
 */

export const TOKEN_KEY = "flow-token";

/** The token that this tab was given; undefined also where storage is switched off. */
export const storedToken = (): string | undefined => {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  } catch {
    return undefined; // The token then lives as long as the page.
  }
};

/** A flow's path below the page, its id percent-encoded as one segment. */
export const flowPath = (flowId: string, rest = ""): string => {
  // encodeURIComponent throws on a lone surrogate, which no server would take either.
  const segment = encodeURIComponent(flowId.replace(/[\uD800-\uDFFF]/gu, "\uFFFD"));
  // "." and ".." alone would be taken as steps of the path.
  return `v1/flows/${/^\.{1,2}$/.test(segment) ? segment.replaceAll(".", "%2E") : segment}${rest}`;
};

/** Asks for a stream; `lastId` "" is from the start. */
export function askForStream(url: string, { token, lastId, signal }: { token: string | undefined; lastId: string; signal: AbortSignal }): Promise<Response> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
  if (lastId !== "") headers["Last-Event-ID"] = lastId;
  return fetch(url, { headers, signal, cache: "no-store" });
}
