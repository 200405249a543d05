import { difference, distinct } from "./diff.js";
import { gliding } from "./glide.js";

/**
 * Keeps the children of an element in step with rows: one child per key, made once, filled each time, moved only
 * when the order asks for it.
 * @template Row
 */
export class KeyedChildren {
  /** @type {Map<string, HTMLElement>} in the order on the page */
  #children = new Map();
  #parent;
  #key;
  #make;
  #fill;

  /**
   * @param {HTMLElement} parent an empty element
   * @param {{key: (row: Row) => string, make: (row: Row) => HTMLElement, fill: (child: any, row: Row) => void}} how
   */
  constructor(parent, { key, make, fill }) {
    this.#parent = parent;
    this.#key = key;
    this.#make = make;
    this.#fill = fill;
  }

  /** @param {readonly Row[]} rows */
  show(rows) {
    const keys = distinct(rows.map(this.#key));
    const { removed, placed } = difference([...this.#children.keys()], keys);
    /** @type {Map<string, HTMLElement>} */
    const children = new Map();
    rows.forEach((row, index) => {
      const child = this.#children.get(keys[index]) ?? this.#make(row);
      this.#fill(child, row);
      children.set(keys[index], child);
    });
    const change = () => {
      for (const key of removed) this.#children.get(key)?.remove();
      this.#place(children, placed);
    };
    if (removed.length + placed.size > 0) gliding(this.#children.values(), change);
    this.#children = children;
  }

  /**
   * @param {Map<string, HTMLElement>} children
   * @param {Set<string>} placed
   */
  #place(children, placed) {
    const focused = document.activeElement;
    let next = /** @type {HTMLElement | null} */ (null);
    for (const [key, child] of [...children].reverse()) {
      if (placed.has(key)) this.#parent.insertBefore(child, next);
      next = child;
    }
    // A row that moved takes the focus with it.
    if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) {
      focused.focus({ preventScroll: true });
    }
  }
}
