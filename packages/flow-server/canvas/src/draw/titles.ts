/** What all names of a region begin with says nothing: boxes leave it out, so that more of the rest fits. Pure. */

const FEW = 4;

/** The common beginning up to a dash, slash or dot, such as `bp-`; "" when there is none, or few names. */
export function commonPrefix(labels: readonly string[]): string {
  const [one] = labels;
  if (labels.length < FEW || one === undefined) return "";
  let length = one.length;
  for (const label of labels) {
    while (length > 0 && !label.startsWith(one.slice(0, length))) length -= 1;
  }
  const prefix = one.slice(0, length);
  const cut = Math.max(prefix.lastIndexOf("-"), prefix.lastIndexOf("/"), prefix.lastIndexOf("."));
  const kept = prefix.slice(0, cut + 1);
  return labels.some((label) => label.length === kept.length) ? "" : kept;
}
