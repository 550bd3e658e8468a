// What is at work, in the page's head: a button for each step, which leads to it.

const MOST = 6; // steps that are named

export class AtWork {
  constructor(element, words) {
    [this.element, this.words] = [element, words];
    this.shown = "";
  }

  show(rows) {
    const running = Array.from(rows.values()).filter((row) => row.data.state === "running");
    const keys = running.map((row) => row.data.key).join(" ");
    if (keys === this.shown) return;
    this.shown = keys;
    this.element.hidden = !running.length;
    const more = running.length > MOST ? [`+ ${running.length - MOST}`] : [];
    const label = this.element.firstElementChild;
    this.element.replaceChildren(label, ...running.slice(0, MOST).map((row) => this.button(row)), ...more);
  }

  button({ element, data }) {
    const made = this.words.copy("at-work");
    made.textContent = data.title || data.key;
    made.addEventListener("click", () => {
      const box = element.closest("details");
      if (box) box.open = true;
      element.scrollIntoView({ block: "center" });
      element.querySelector("button:not([hidden])")?.focus({ preventScroll: true });
    });
    return made;
  }
}
