// Gradio's fields for files carry a name that is not the text on them; whoever speaks to the page
// says what he reads there.

/** Takes the names off, now and whenever a field appears. @param {Element} page */
export function nameByText(page) {
  const strip = () => { for (const field of page.querySelectorAll(".upload-container[aria-label]")) field.removeAttribute("aria-label"); };
  new MutationObserver(strip).observe(page, { childList: true, subtree: true });
  strip();
}
