/** Dark, light, or as the system says: a matter of this browser, not of the URL. */

import { effect, signal } from "@preact/signals";

export type Theme = "system" | "dark" | "light";
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
  shade.value = theme.value === "system" ? (bright.matches ? "light" : "dark") : theme.value;
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
  const order: readonly Theme[] = ["system", "dark", "light"];
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length] ?? "system";
  return theme.value;
}
