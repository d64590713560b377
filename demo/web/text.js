// Numbers as the page writes them: with the decimal sign that the browser's reader is used to.

/** @type {Map<number, Intl.NumberFormat>} */
const FORMS = new Map();

/** @param {number} value @param {number} digits after the decimal sign */
export function decimal(value, digits) {
  const form = FORMS.get(digits) ?? new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false });
  FORMS.set(digits, form);
  return form.format(value);
}

/** @param {number} share of a whole, 0 to 1 */
export const percent = (share) => (share === 0 ? "0 %" : share === 1 ? "100 %" : share < 0.001 ? `< ${decimal(0.1, 1)} %` : `${decimal(100 * share, 1)} %`);

/** @param {number} n */
export const grouped = (n) => Math.round(n).toLocaleString("en").replaceAll(",", "\u202f");

/** @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** A name, with its number where others have it too. @param {{ name: string, twin?: number }} of */
export const called = ({ name, twin }) => (twin ? `${name} (${twin})` : name);
