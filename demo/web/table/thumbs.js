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
    const answer = await table.server.thumbs({ session, items });
    for (const [id, url] of Object.entries(answer.thumbs ?? {})) {
      pictures.set(id, url);
      const picture = table.lines.get(id)?.querySelector("img");
      if (picture) picture.src = url;
    }
  }
  table.asking = wanted.size ? setTimeout(() => fetchPictures(table), 30) : undefined;
}
