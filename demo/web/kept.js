// What the browser keeps for the next visit, where its storage is on.

/** @param {string} key @returns {string | null} null where there is nothing, or storage is off */
export function kept(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

/** @param {string} key @param {string} value */
export function keep(key, value) {
  try { localStorage.setItem(key, value); } catch { /* storage is off */ }
}
