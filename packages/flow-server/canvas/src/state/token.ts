/** The bearer token, when the server asks for one: for this tab only, never in a URL. */

import { signal } from "@preact/signals";

const KEY = "flow-token";

const stored = (): string | undefined => {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined; // Storage may be switched off: the token then lives as long as the page.
  }
};

export const token = signal<string | undefined>(stored());

export function keepToken(value: string): void {
  token.value = value === "" ? undefined : value;
  try {
    if (value === "") sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {
    // As above.
  }
}

/** A GET of a path below the page, with the token when there is one. */
export function get(path: string, options: { signal?: AbortSignal; accept?: string } = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? "application/json" };
  if (token.value !== undefined) headers["Authorization"] = `Bearer ${token.value}`;
  return fetch(path, { headers, cache: "no-store", ...(options.signal ? { signal: options.signal } : {}) });
}

/** A flow's path below the page, its id percent-encoded as one segment. */
export const flowPath = (flowId: string, rest = ""): string => {
  // encodeURIComponent throws on a lone surrogate, which no server would take either.
  const segment = encodeURIComponent(flowId.replace(/[\uD800-\uDFFF]/gu, "\uFFFD"));
  // "." and ".." alone would be taken as steps of the path.
  return `v1/flows/${/^\.{1,2}$/.test(segment) ? segment.replaceAll(".", "%2E") : segment}${rest}`;
};
