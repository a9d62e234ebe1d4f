/** What the times say: the critical path, how long it still takes. */

import { signal } from "@preact/signals";

/** The links of the critical paths, as `linkKey` names them. */
export const criticalLinks = signal<ReadonlySet<string>>(new Set());
