/** Text from outside: shown as text alone, in its own direction, with what could hide in it made visible. */

import { shown } from "../core/text";

export function Said({ text, lines = false, class: className }: { text: string; lines?: boolean; class?: string }) {
  return (
    <bdi class={className} title={lines ? undefined : shown(text)}>
      {shown(text, { lines })}
    </bdi>
  );
}
