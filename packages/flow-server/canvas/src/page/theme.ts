/** Dark, light, or as the system says: a matter of this browser, not of the URL. */

import { effect, signal } from "@preact/signals";
import { type Theme, THEMES } from "../core/urlState";
import { urlTheme } from "../state/view";

const KEY = "flow-theme";
const bright = matchMedia("(prefers-color-scheme: light)");

const stored = (): Theme => {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : "system";
  } catch {
    return "system";
  }
};

export const theme = signal<Theme>(stored());
/** What is on the screen. */
export const shade = signal<"dark" | "light">("dark");

const apply = (): void => {
  // A link may ask for one; a choice made here goes before it.
  const chosen = urlTheme.value === "system" ? theme.value : urlTheme.value;
  shade.value = chosen === "system" ? (bright.matches ? "light" : "dark") : chosen;
  document.documentElement.dataset["theme"] = shade.value;
};

effect(() => {
  const chosen = theme.value;
  apply();
  try {
    if (chosen === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, chosen);
  } catch {
    // Without storage the choice lives as long as the page.
  }
});
bright.addEventListener("change", apply);

export function nextTheme(): Theme {
  urlTheme.value = "system";
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  return theme.value;
}
