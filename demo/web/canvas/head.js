// The review desk's canvas, in the order of demo/desk.py. `element`, `props`, `watch`, `trigger` and
// `server` come from gr.HTML. Names and labels reach the page as text only, never as markup.
const $ = (selector) => element.querySelector(selector);
const all = (selector) => element.querySelectorAll(selector);
