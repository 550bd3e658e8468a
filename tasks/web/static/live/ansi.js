// Terminal output as pieces of text with a style: SGR sequences (ECMA-48, 8.3.117) are read, all others left out.

const SEQUENCE = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
const LEVELS = [0, 95, 135, 175, 215, 255];

/** The style that nothing has changed yet. `fg` and `bg`: a number below 16, a CSS colour, or null. */
export const PLAIN = Object.freeze({ fg: null, bg: null, bold: false, dim: false, italic: false, underline: false, inverse: false });

/** Of a line that overwrites itself by carriage returns, the last writing. */
export function lastWriting(line) {
  if (!line.includes("\r")) return line;
  const parts = line.split("\r").filter((part) => part);
  return parts.length ? parts[parts.length - 1] : "";
}

/** The pieces `[text, style]` of one line, and the style at its end. */
export function pieces(line, style = PLAIN) {
  const found = [];
  let at = 0;
  const add = (text) => {
    const clean = text.replace(CONTROLS, "");
    if (clean) found.push([clean, style]);
  };
  for (const match of line.matchAll(SEQUENCE)) {
    add(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") style = changed(style, match[1]);
  }
  add(line.slice(at));
  return [found, style];
}

function changed(style, parameters) {
  const codes = parameters.split(/[;:]/).map((code) => Number.parseInt(code || "0", 10));
  let now = { ...style };
  while (codes.length) {
    const code = codes.shift();
    if (code === 0) now = { ...PLAIN };
    else if (code === 1) now.bold = true;
    else if (code === 2) now.dim = true;
    else if (code === 3) now.italic = true;
    else if (code === 4) now.underline = true;
    else if (code === 7) now.inverse = true;
    else if (code === 22) now.bold = now.dim = false;
    else if (code === 23) now.italic = false;
    else if (code === 24) now.underline = false;
    else if (code === 27) now.inverse = false;
    else if (code >= 30 && code <= 37) now.fg = code - 30;
    else if (code === 38) now.fg = extended(codes);
    else if (code === 39) now.fg = null;
    else if (code >= 40 && code <= 47) now.bg = code - 40;
    else if (code === 48) now.bg = extended(codes);
    else if (code === 49) now.bg = null;
    else if (code >= 90 && code <= 97) now.fg = code - 82;
    else if (code >= 100 && code <= 107) now.bg = code - 92;
  }
  return now;
}

function extended(codes) {
  const kind = codes.shift();
  const byte = () => Math.min(255, Math.max(0, codes.shift() || 0));
  if (kind === 2) return `rgb(${byte()}, ${byte()}, ${byte()})`;
  if (kind !== 5) return null;
  const number = byte();
  if (number < 16) return number;
  if (number >= 232) {
    const grey = 8 + 10 * (number - 232);
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const place = number - 16;
  const [red, green, blue] = [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((n) => LEVELS[n]);
  return `rgb(${red}, ${green}, ${blue})`;
}

/** An element for a piece of text. */
export function element(text, style) {
  const span = document.createElement("span");
  span.textContent = text;
  const [front, back] = style.inverse ? [style.bg ?? "back", style.fg ?? "front"] : [style.fg, style.bg];
  colour(span, "fg", "color", front);
  colour(span, "bg", "backgroundColor", back);
  for (const name of ["bold", "dim", "italic", "underline"]) if (style[name]) span.classList.add(`ansi-${name}`);
  return span;
}

function colour(span, kind, property, value) {
  if (value === null) return;
  if (typeof value === "string" && value.startsWith("rgb")) span.style[property] = value;
  else span.classList.add(`ansi-${kind}-${value}`);
}
