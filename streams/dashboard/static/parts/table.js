import { make, setAttribute } from "../dom.js";
import { KeyedChildren } from "../keyed.js";
import { scrollable } from "./scrollable.js";

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} id class of the cells: `col-<id>`
 * @property {string} head
 * @property {"number" | "text" | "row"} [kind] `row`: the header of its row
 * @property {(cell: HTMLElement, row: Row) => void} fill writes only what differs
 */

/**
 * A table whose rows come and go by key; in place of an empty one stands a sentence.
 * @template Row
 * @param {{id: string, caption: string, columns: Column<Row>[], key: (row: Row) => string,
 *   empty: Node | string, foot?: HTMLElement | null, tall?: boolean}} how `tall`: it scrolls by itself
 * @returns {{node: HTMLElement, show: (rows: readonly Row[]) => void}}
 */
export function table({ id, caption, columns, key, empty, foot = null, tall = false }) {
  const body = make("tbody");
  const heads = columns.map((column) => make("th", { scope: "col", class: cellClass(column) }, column.head));
  const rows = new KeyedChildren(body, {
    key,
    make: () => madeRow(columns),
    fill: (row, data) => filled(columns, row, data),
  });
  const wrap = make(
    "div",
    { class: "table-wrap" },
    make(
      "table",
      { id },
      make("caption", { class: "visually-hidden" }, caption),
      make("thead", {}, make("tr", {}, ...heads)),
      body,
      foot,
    ),
  );
  const nothing = make("p", { class: "empty", hidden: true }, empty);
  scrollable(wrap, caption);
  return {
    node: make(
      "div",
      { class: tall ? "table-frame is-tall" : "table-frame", "data-testid": id },
      wrap,
      nothing,
    ),
    show(data) {
      rows.show(data);
      wrap.hidden = data.length === 0;
      nothing.hidden = data.length > 0;
    },
  };
}

/** @template Row @param {Column<Row>[]} columns */
function madeRow(columns) {
  const cells = columns.map((column) =>
    column.kind === "row"
      ? make("th", { scope: "row", class: cellClass(column) })
      : make("td", { class: cellClass(column) }),
  );
  return make("tr", {}, ...cells);
}

/** @template Row @param {Column<Row>[]} columns @param {HTMLTableRowElement} element @param {Row} row */
function filled(columns, element, row) {
  columns.forEach((column, index) => column.fill(element.cells[index], row));
}

/** @param {{id: string, kind?: string}} column */
function cellClass({ id, kind = "text" }) {
  return `col-${id} is-${kind}`;
}

/** Marks a row, for its look. @param {HTMLElement} cell @param {string} name @param {boolean} on */
export function markRow(cell, name, on) {
  const row = cell.parentElement;
  if (row !== null) setAttribute(row, `data-${name}`, on);
}
