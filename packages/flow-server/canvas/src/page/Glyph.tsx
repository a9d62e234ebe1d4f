/** The sign of a look. The word stands beside it, or is its name where it stands alone. */

import { GLYPHS, type Look } from "../core/look";

export function Glyph({ look, name }: { look: Look; name?: string }) {
  const { line, area } = GLYPHS[look];
  const accessible = name === undefined ? ({ "aria-hidden": true } as const) : ({ role: "img", "aria-label": name } as const);
  return (
    <svg class={`glyph is-${look}`} viewBox="0 0 12 12" {...accessible}>
      {line !== undefined && <path class="line" d={line} />}
      {area !== undefined && <path class="area" d={area} />}
    </svg>
  );
}
