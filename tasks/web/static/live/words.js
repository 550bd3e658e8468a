// The page's words and templates. The modules hold no text of their own, so that the page can be in any language.

export class Words {
  constructor(root) {
    this.root = root;
    const found = root.querySelector("template[data-words]").content.querySelectorAll("[data-word]");
    this.words = new Map(Array.from(found, (one) => [one.dataset.word, one.textContent]));
  }

  /** A word; one that the page does not know is shown as it is. */
  of(name, kind = "") {
    return this.words.get(kind ? `${kind}-${name}` : name) ?? name;
  }

  /** A link with a word on it. */
  link(name, address) {
    const made = document.createElement("a");
    made.href = address;
    made.textContent = this.of(name);
    return made;
  }

  /** A fresh copy of a template. */
  copy(name) {
    return this.root.querySelector(`template[data-template="${name}"]`).content.firstElementChild.cloneNode(true);
  }
}

/** The part of an element that shows a value. */
export function part(element, name) {
  return element.querySelector(`[data-value="${name}"]`);
}

/** Show a text, and hide its element where there is none. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

export function badge(element, state, words) {
  element.dataset.state = state;
  const text = words.of(state, "state");
  if (element.textContent !== text) element.textContent = text;
}

/** Seconds as a clock shows them: 0:07, 12:30, 1:04:07. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** An error of the service, with its place and what to do, in `element`; hidden where there is none. */
export function showError(element, error, words, place) {
  const text = JSON.stringify(error || {});
  if (element.dataset.shown === text) return;
  element.dataset.shown = text;
  element.hidden = !error?.message;
  element.replaceChildren();
  if (element.hidden) return;
  const copy = words.copy("error");
  say(part(copy, "place"), place);
  part(copy, "message").textContent = error.message;
  const tail = part(copy, "tail");
  tail.hidden = !error.tail?.length;
  tail.textContent = (error.tail || []).join("\n");
  part(copy, "fix").hidden = !error.fix;
  part(copy, "fix").querySelector("span").textContent = error.fix || "";
  element.append(copy);
}
