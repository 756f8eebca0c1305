"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") !== "ascending" : !head.classList.contains("n");
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => {
        const cell = row.cells[column];
        const text = cell.dataset.s ?? cell.textContent.trim();
        const value = Number(text);
        return head.classList.contains("n") ? (cell.dataset.s === undefined || Number.isNaN(value) ? null : value) : text.toLowerCase();
      };
      const rows = [...table.tBodies[0].rows].map((row, i) => [key(row), i, row]);
      rows.sort(([a, i], [b, j]) => {
        if (a === null || b === null) return (a === null) - (b === null) || i - j;
        return (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1) || i - j;
      });
      table.tBodies[0].append(...rows.map((row) => row[2]));
    });
  });
}
for (const filter of document.querySelectorAll("p.filter")) {
  filter.hidden = false;
  filter.querySelector("input").addEventListener("change", (event) => {
    for (const sample of filter.nextElementSibling.children) sample.hidden = event.target.checked && sample.dataset.disagree === "0";
  });
}
