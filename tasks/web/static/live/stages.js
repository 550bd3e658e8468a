// The stages of a plan: steps that wait for none of each other run side by side, and are shown in one box.

import { part } from "./words.js";

export const DONE = ["succeeded", "skipped"];
const LONG = 4; // steps from which on a stage is closed when it is done

export class Stages {
  constructor(list, words) {
    [this.list, this.words] = [list, words];
    this.members = new Map(); // by stage, the keys of its steps
    this.boxes = new Map(); // by stage, of those with several steps
  }

  /** The steps, stage after stage. */
  ordered(steps) {
    this.members = new Map();
    for (const step of steps) this.members.set(step.stage, [...(this.members.get(step.stage) || []), step.key]);
    return Array.from(steps).sort((one, other) => one.stage - other.stage || one.position - other.position);
  }

  /** The list that a step belongs into. */
  place(step) {
    const members = this.members.get(step.stage);
    if (members.length === 1) return this.list;
    if (!this.boxes.has(step.stage)) {
      const element = this.words.copy("stage");
      part(element, "size").textContent = members.length;
      this.list.append(element);
      this.boxes.set(step.stage, { element, over: false });
    }
    return this.boxes.get(step.stage).element.querySelector("ol");
  }

  /** How far each stage is. A long one is closed once, when it is done; then it is the reader's. */
  show(rows) {
    for (const [stage, box] of this.boxes) {
      const states = this.members.get(stage).map((key) => rows.get(key).data.state);
      const done = states.filter((state) => DONE.includes(state)).length;
      const over = done === states.length;
      part(box.element, "done").textContent = `${done} / ${states.length}`;
      box.element.dataset.state = over ? "done" : states.every((state) => state === "pending") ? "waits" : "begun";
      if (over !== box.over && states.length >= LONG) box.element.querySelector("details").open = !over;
      box.over = over;
    }
  }
}
