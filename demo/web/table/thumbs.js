// Small pictures of the lines, as they come into view.

/**
 * @typedef {import("./state.js").Table} Table
 * @typedef {import("./state.js").Line} Line
 */

const PORTION = 40;

/** @param {Table} table */
export function watchLines(table) {
  return new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const { item } = /** @type {Line} */ (target);
      if (isIntersecting && !table.pictures.has(item)) table.wanted.add(item);
    }
    if (table.wanted.size && !table.asking) table.asking = setTimeout(() => fetchPictures(table), 60);
  }, { rootMargin: "200px" });
}

/** @param {Table} table */
async function fetchPictures(table) {
  const { wanted, pictures, rows, session } = table, portion = [...wanted].slice(0, PORTION);
  for (const id of portion) wanted.delete(id);
  const items = portion.filter((id) => rows.find((row) => row.id === id && row.state !== "failed"));
  if (items.length) {
    items.forEach((id) => pictures.set(id, ""));
    const answer = await table.server.thumbs({ session, items, marks: table.view === "grid" });
    for (const [id, url] of Object.entries(answer.thumbs ?? {})) {
      pictures.set(id, url);
      for (const [selector, address] of [[".thumb", url], [".marks", answer.marks?.[id]]]) {
        const picture = /** @type {HTMLImageElement | null} */ (table.lines.get(id)?.querySelector(selector) ?? null);
        if (picture && address) picture.src = address;
      }
    }
  }
  table.asking = wanted.size ? setTimeout(() => fetchPictures(table), 30) : undefined;
}

/** Pictures that are not what is to be seen any more are asked for anew when they are in view. @param {Table} table @param {Iterable<Line>} lines */
export function askAgain(table, lines) {
  for (const line of lines) {
    table.pictures.delete(line.item);
    table.seen?.unobserve(line);
    table.seen?.observe(line);
  }
}
