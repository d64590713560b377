// Drawing: three layers over one another, photograph, heat with mask, cursor. Heat and mask are made
// at the screen's resolution, so the cost depends on the window and not on the image's size.

const ANCHORS = [[0, 0, 4], [60, 15, 90], [140, 41, 99], [212, 72, 66], [250, 140, 30], [252, 255, 164]];
const HEAT = Array.from({ length: 256 }, (_, i) => {
  const x = (i / 255) * 5, k = Math.min(4, Math.floor(x));
  return ANCHORS[k].map((v, c) => Math.trunc(v + (ANCHORS[k + 1][c] - v) * (x - k)));
});
const stage = $(".stage"), photo = $(".photo"), overlay = $(".overlay"), cursor = $(".cursor");
const MOST_PIXELS = 1.3e6;

const view = { scale: 1, x: 0, y: 0, fitted: true, ratio: 1 };
let spent = 0;  // milliseconds of this frame that went into computing what is to be drawn
let frame = 0, stalePhoto = false, staleRect = null, hover = null;

function schedule(what = "all", rect = null) {
  if (what === "all" || what === "view") { stalePhoto = true; staleRect = "all"; }
  if (what === "overlay") {
    if (!rect || staleRect === "all") staleRect = "all";
    else if (!staleRect) staleRect = { ...rect };
    else {
      staleRect.left = Math.min(staleRect.left, rect.left); staleRect.right = Math.max(staleRect.right, rect.right);
      staleRect.top = Math.min(staleRect.top, rect.top); staleRect.bottom = Math.max(staleRect.bottom, rect.bottom);
    }
  }
  if (!frame) frame = requestAnimationFrame(draw);
}

function draw() {
  if (now) settle();  // may ask for a frame, which is this one
  frame = 0;
  if (!now) return;
  const began = performance.now();
  if (stalePhoto) drawPhoto();
  if (staleRect) drawOverlay(staleRect);
  stalePhoto = false; staleRect = null;
  drawCursor();
  $(".viewer").desk.work?.push(performance.now() - began + spent);
  spent = 0;
}

function fitStage() {
  const box = stage.getBoundingClientRect();
  if (!box.width || !box.height) return;
  view.ratio = Math.min(window.devicePixelRatio || 1, Math.sqrt(MOST_PIXELS / (box.width * box.height)));
  const width = Math.round(box.width * view.ratio), height = Math.round(box.height * view.ratio);
  for (const canvas of [photo, overlay, cursor])
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  if (view.fitted) fit(); else schedule();
}

const bestFit = () => Math.min(photo.width / now.width, photo.height / now.height) * 0.98;

function fit() {
  if (!now) return;
  view.fitted = true;
  view.scale = bestFit();
  view.x = (photo.width - now.width * view.scale) / 2;
  view.y = (photo.height - now.height * view.scale) / 2;
  showZoom();
}

// Zooms so that the image point under (x, y), in device pixels, stays there.
function zoomTo(scale, x = photo.width / 2, y = photo.height / 2) {
  if (!now) return;
  const next = Math.min(64, Math.max(Math.min(bestFit() / 2, view.ratio / now.shrink), scale)), by = next / view.scale;
  view.x = x - (x - view.x) * by; view.y = y - (y - view.y) * by;
  view.scale = next; view.fitted = false;
  showZoom();
}

function pan(dx, dy) {
  view.x += dx; view.y += dy; view.fitted = false;
  // A corner of the image always stays in sight.
  const keep = 40, width = now.width * view.scale, height = now.height * view.scale;
  view.x = Math.min(photo.width - keep, Math.max(keep - width, view.x));
  view.y = Math.min(photo.height - keep, Math.max(keep - height, view.y));
  schedule("view");
}

function zoomToRegion(region) {
  const width = region.right - region.left, height = region.bottom - region.top;
  const scale = Math.min(photo.width / (width * 3), photo.height / (height * 3), bestFit() * 6);
  view.scale = Math.max(scale, bestFit());
  view.x = photo.width / 2 - (region.left + width / 2) * view.scale;
  view.y = photo.height / 2 - (region.top + height / 2) * view.scale;
  view.fitted = false;
  showZoom();
}

function showZoom() {
  // 100 % is one image pixel on one pixel of the page's layout; images over the limit are smaller.
  $(".zoom-out").textContent = `${Math.round((100 * view.scale * now.shrink) / view.ratio)} %`;
  schedule("view");
}

const toImage = (x, y) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });

function drawPhoto() {
  const context = photo.getContext("2d"), { scale } = view;
  context.clearRect(0, 0, photo.width, photo.height);
  const left = Math.max(0, Math.floor(-view.x / scale)), top = Math.max(0, Math.floor(-view.y / scale));
  const right = Math.min(now.width, Math.ceil((photo.width - view.x) / scale));
  const bottom = Math.min(now.height, Math.ceil((photo.height - view.y) / scale));
  if (right <= left || bottom <= top) return;
  context.imageSmoothingEnabled = scale < 4;
  context.drawImage(now.picture, left, top, right - left, bottom - top,
    view.x + left * scale, view.y + top * scale, (right - left) * scale, (bottom - top) * scale);
}

// The colour of each level of heat with its opacity, as the 32 bits of a canvas pixel.
const heatTable = new Uint32Array(256);
function mixHeat() {
  const opacity = options.heat ? options.opacity / 100 : 0;
  HEAT.forEach(([r, g, b], i) => { heatTable[i] = ((Math.round(i * opacity) << 24) | (b << 16) | (g << 8) | r) >>> 0; });
}

const WHITE = 0xffffffff, RIM = 0xc0000000, HATCH = 0x80ffffff, ZONE = 0x99504438, ZONE_LINE = 0xe0d8c8b0;

function drawOverlay(rect) {
  const context = overlay.getContext("2d"), { scale } = view;
  const t = Math.max(1, Math.round(1.4 * view.ratio)), period = 7 * t;
  let left = 0, top = 0, right = overlay.width, bottom = overlay.height;
  if (rect !== "all") {
    left = Math.max(0, Math.floor(rect.left * scale + view.x) - t - 1);
    top = Math.max(0, Math.floor(rect.top * scale + view.y) - t - 1);
    right = Math.min(right, Math.ceil(rect.right * scale + view.x) + t + 1);
    bottom = Math.min(bottom, Math.ceil(rect.bottom * scale + view.y) + t + 1);
  }
  const width = right - left, height = bottom - top;
  if (width <= 0 || height <= 0) return;
  const data = context.createImageData(width, height), pixels = new Uint32Array(data.data.buffer);
  const { mask, zone } = now, map = now.shown ?? now.map, columns = now.width, rows = now.height;
  const low = now.low, gain = 255 / Math.max(now.high - now.low, 1e-12), outline = options.outline;
  // The image's column under each screen column, and the neighbours that tell an edge.
  const column = new Int32Array(width + 2 * t);
  for (let x = 0; x < column.length; x++) {
    const at = Math.floor((left - t + x + 0.5 - view.x) / scale);
    column[x] = at >= 0 && at < columns ? at : -1;
  }
  const rowOf = (y) => { const at = Math.floor((y + 0.5 - view.y) / scale); return at >= 0 && at < rows ? at * columns : -1; };
  const shift = Math.round(view.x + view.y);
  for (let y = 0; y < height; y++) {
    const here = rowOf(top + y), up = rowOf(top + y - t), down = rowOf(top + y + t);
    if (here < 0 && up < 0 && down < 0) continue;
    for (let x = 0; x < width; x++) {
      const c = column[x + t], inside = here >= 0 && c >= 0;
      const i = here + c, marked = inside ? mask[i] : 0;
      let colour = 0;
      if (outline) {
        const l = column[x], r = column[x + 2 * t];
        const edge = (here >= 0 && ((l >= 0 ? mask[here + l] : 0) !== marked || (r >= 0 ? mask[here + r] : 0) !== marked)) ||
          (c >= 0 && ((up >= 0 ? mask[up + c] : 0) !== marked || (down >= 0 ? mask[down + c] : 0) !== marked));
        if (edge) colour = marked ? WHITE : RIM;
        else if (marked && (left + x + top + y - shift + 1048576 * period) % period < t) colour = HATCH;
      }
      if (!colour && inside) {
        if (zone[i]) colour = (left + x - top - y - Math.round(view.x - view.y) + 1048576 * period) % period < t ? ZONE_LINE : ZONE;
        else {
          const level = (map[i] - low) * gain;
          colour = heatTable[level <= 0 ? 0 : level >= 255 ? 255 : (level + 0.5) | 0];
        }
      }
      pixels[y * width + x] = colour;
    }
  }
  context.putImageData(data, left, top);
}

function drawCursor() {
  const context = cursor.getContext("2d");
  context.clearRect(0, 0, cursor.width, cursor.height);
  const line = view.ratio;
  const twice = (paint) => {  // light on dark: seen on any ground
    context.lineWidth = 3 * line; context.strokeStyle = "rgba(0,0,0,.75)"; paint();
    context.lineWidth = 1.4 * line; context.strokeStyle = "#fff"; paint();
  };
  const tiny = 5 * line;
  for (const [k, region] of (now.found?.regions ?? []).entries()) {
    const x = region.left * view.scale + view.x, y = region.top * view.scale + view.y;
    const width = (region.right - region.left) * view.scale, height = (region.bottom - region.top) * view.scale;
    const chosen = k === now.selected;
    if (chosen) context.setLineDash([6 * line, 4 * line]);
    if (chosen) twice(() => context.strokeRect(x - 4 * line, y - 4 * line, width + 8 * line, height + 8 * line));
    else if (options.outline && k < 300 && width < tiny && height < tiny)  // too small for an outline
      twice(() => { context.beginPath(); context.arc(x + width / 2, y + height / 2, 6 * line, 0, 7); context.stroke(); });
    context.setLineDash([]);
  }
  if (now.box) {
    const { x0, y0, x1, y1 } = now.box;
    twice(() => context.strokeRect(x0 * view.scale + view.x, y0 * view.scale + view.y, (x1 - x0) * view.scale, (y1 - y0) * view.scale));
  }
  if (hover && PAINTS[tool]) {
    const radius = (brushSize() / 2) * view.scale;
    twice(() => { context.beginPath(); context.arc(hover.x, hover.y, Math.max(2, radius), 0, 7); context.stroke(); });
    if (hover.erasing) twice(() => { context.beginPath(); context.moveTo(hover.x - 4 * line, hover.y); context.lineTo(hover.x + 4 * line, hover.y); context.stroke(); });
  }
}
