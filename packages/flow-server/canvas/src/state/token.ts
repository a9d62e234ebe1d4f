/** The bearer token, when the server asks for one: for this tab only, never in a URL. */

import { signal } from "@preact/signals";
import { storedToken, TOKEN_KEY } from "../stream/request";

export const token = signal<string | undefined>(storedToken());

export function keepToken(value: string): void {
  token.value = value === "" ? undefined : value;
  try {
    if (value === "") sessionStorage.removeItem(TOKEN_KEY);
    else sessionStorage.setItem(TOKEN_KEY, value);
  } catch {
    // Storage may be switched off: the token then lives as long as the page.
  }
}

/** A GET of a path below the page, with the token when there is one. */
export function get(path: string, options: { signal?: AbortSignal; accept?: string } = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? "application/json" };
  if (token.value !== undefined) headers["Authorization"] = `Bearer ${token.value}`;
  return fetch(path, { headers, cache: "no-store", ...(options.signal ? { signal: options.signal } : {}) });
}
