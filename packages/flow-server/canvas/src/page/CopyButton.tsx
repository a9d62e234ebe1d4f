/** Copies a line, and says that it did. */

import { useSignal } from "@preact/signals";
import { announce } from "./Announcer";

export function CopyButton({ text, what, label = "copy" }: { text: string | (() => string); what: string; label?: string }) {
  const done = useSignal(false);
  const copy = async () => {
    await copyText(typeof text === "string" ? text : text());
    done.value = true;
    announce(`copied ${what}`);
    setTimeout(() => (done.value = false), 1500);
  };
  return (
    <button type="button" class="copy" aria-label={done.value ? "copied" : `${label}: ${what}`} onClick={() => void copy()}>
      {done.value ? "copied" : label}
    </button>
  );
}

/** The clipboard of a page without TLS is out of reach of `navigator.clipboard`: then by way of a selection. */
async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
