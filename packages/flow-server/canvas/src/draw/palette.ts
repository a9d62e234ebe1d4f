/** The style sheet's colours for the painter, read again when the theme changes. */

import { computed } from "@preact/signals";
import { LOOKS, type Look } from "../core/look";
import { shade } from "../page/theme";

export type Palette = Readonly<Record<Look, string>> & {
  readonly ground: string;
  readonly surface: string;
  readonly raised: string;
  readonly line: string;
  readonly text: string;
  readonly muted: string;
  readonly focus: string;
  readonly edge: string;
};

export const palette = computed<Palette>(() => {
  void shade.value;
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const looks = Object.fromEntries(LOOKS.map((look) => [look, read(look === "waiting" ? "pending" : look)]));
  return {
    ...(looks as Record<Look, string>),
    ground: read("ground"),
    surface: read("surface"),
    raised: read("raised"),
    line: read("line"),
    text: read("text"),
    muted: read("muted"),
    focus: read("focus"),
    edge: read("edge"),
  };
});
