"use strict";
// Draws the paired differences against another reference; the first is the static chart and table, kept as they are.
for (const place of document.querySelectorAll("p.switch")) {
  const data = JSON.parse(place.nextElementSibling.textContent);
  const pair = place.closest(".pair"), figure = place.closest("figure"), select = place.querySelector("select");
  const parts = { title: figure.querySelector("h3"), takeaway: figure.querySelector(".takeaway"), plot: figure.querySelector(".plot"), note: figure.querySelector("figcaption"), table: pair.querySelector("table") };
  const first = Object.fromEntries(Object.entries(parts).map(([key, node]) => [key, node ? [...node.childNodes] : []]));
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 576, ROW = 18, HEAD = 12, FOOT = 40;
  const make = (tag, attributes, ...children) => {
    const node = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const signed = (v) => v === 0 ? "0" : `${v < 0 ? "−" : "+"}${Math.abs(v) >= 1e-3 ? Math.abs(v).toPrecision(3) : Math.abs(v).toExponential(2)}`;
  const verdict = ([, , low, high]) => low === undefined || (low <= 0 && high >= 0) ? "not settled" : low > 0 === data.higher ? "better" : "worse";
  const ticks = (low, high) => {
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough);
    const count = Math.floor(high / step) - Math.ceil(low / step);
    return [...Array(count + 1).keys()].map((i) => (Math.ceil(low / step) + i) * step);
  };
  const draw = (gaps, name) => {
    const shown = gaps, all = shown.flatMap(([, ...numbers]) => numbers).concat(0);
    const room = (Math.max(...all) - Math.min(...all) || 1) * 0.06, low = Math.min(...all) - room, high = Math.max(...all) + room;
    const left = Math.min(200, 14 + 7 * Math.max(...shown.map(([i]) => Math.min(24, data.names[i].length)))), bottom = HEAD + ROW * shown.length;
    const x = (v) => left + ((v - low) / (high - low)) * (WIDTH - 10 - left);
    const text = (at, y, anchor, words, extra = {}) => make("svg:text", { x: at, y, "text-anchor": anchor, "font-size": 11, fill: "var(--muted)", ...extra }, words);
    const label = `${data.title}, difference to ${name}`;
    const svg = make("svg:svg", { viewBox: `0 0 ${WIDTH} ${bottom + FOOT}`, role: "img", "aria-label": `Dot chart: ${label}, with 95 % intervals; the table has the numbers.` });
    for (const t of ticks(low, high)) {
      svg.append(make("svg:path", { d: `M${x(t)} ${HEAD - 6}V${bottom}`, stroke: Math.abs(t) < 1e-12 ? "var(--muted)" : "var(--grid)", fill: "none" }));
      svg.append(text(x(t), bottom + 14, "middle", Math.abs(t) < 1e-12 ? "0" : String(Number(t.toPrecision(3))).replace("-", "−")));
    }
    svg.append(make("svg:path", { d: `M${left} ${bottom}H${WIDTH - 10}`, stroke: "var(--muted)", fill: "none" }), text((left + WIDTH - 10) / 2, bottom + 32, "middle", label));
    shown.forEach(([i, v, a = v, b = v], row) => {
      const y = HEAD + ROW * (row + 0.5), colour = `var(--${data.marks[i]})`, long = data.names[i];
      svg.append(text(left - 8, y + 4, "end", long.length > 24 ? `${long.slice(0, 15)}…${long.slice(-8)}` : long, { fill: "var(--ink)", "font-weight": i === data.pick ? 700 : 400 }));
      svg.append(make("svg:path", { d: `M${x(a)} ${y}H${x(b)}`, stroke: colour, "stroke-width": 2.2, opacity: 0.5, fill: "none" }), make("svg:circle", { cx: x(v), cy: y, r: 3.6, fill: colour }));
    });
    return svg;
  };
  const rows = (gaps) => gaps.map((gap) => make("tr", {},
    make("th", { scope: "row" }, make("i", { class: data.marks[gap[0]] }), "\u00a0", make("bdi", {}, data.names[gap[0]])),
    make("td", { class: "n" }, signed(gap[1]), ...(gap.length > 2 ? [make("small", {}, `${signed(gap[2])} to ${signed(gap[3])}`)] : [])),
    make("td", {}, verdict(gap))));
  const restore = () => Object.entries(parts).forEach(([key, node]) => node?.replaceChildren(...first[key]));
  const show = (index) => {
    restore();
    if (index === 0) return;
    const { base, better, of, gaps } = data.references[index], name = data.names[base];
    parts.title.textContent = `${first.title[0].textContent.split(": paired")[0]}: paired difference to ${name}`;
    parts.takeaway.textContent = `On the same examples ${better} of ${of} candidate${of === 1 ? "" : "s"} ${better === 1 || of === 1 ? "is" : "are"} better than ${name} by more than chance.`;
    parts.plot.replaceChildren(draw(gaps, name));
    const head = parts.table.tHead.cloneNode(true);
    head.rows[0].cells[1].textContent = `difference to ${name}`;
    for (const cell of head.rows[0].cells) cell.removeAttribute("aria-sort");
    parts.table.replaceChildren(make("caption", {}, `${data.title}: difference to ${name}`), head, make("tbody", {}, ...rows(gaps)));
  };
  select.append(...data.references.map(({ base }, i) => make("option", { value: i }, data.names[base])));
  select.addEventListener("change", () => show(Number(select.value)));
  place.hidden = data.references.length < 2;
}
