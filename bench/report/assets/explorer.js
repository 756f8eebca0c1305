"use strict";
(() => {
  const place = document.getElementById("panel");
  const data = JSON.parse(document.getElementById("explorer-data").textContent);
  const $ = (part) => place.querySelector(`[data-part="${part}"]`);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const state = { task: 0, x: 0, y: 0, xlog: true, ylog: false, limits: [] };
  let view = null;
  let order = 0;

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const digits = (value) => {
    const size = Math.abs(value);
    return size >= 1000 ? Math.round(value).toLocaleString("en") : size >= 1e-3 ? value.toPrecision(3) : size ? value.toExponential(2) : "0";
  };
  const task = () => data.tasks[state.task];
  // The unit in which a person reads a value of this size, as bench.units.display_unit has it.
  const unitOf = ({ base, unit, factor }, value) => {
    const row = data.scales[base]?.find(([bound]) => bound === null || Math.abs(value) < bound);
    return row ? { unit: row[1], factor: row[2] } : { unit, factor };
  };
  const shown = (measure, value) => { const u = unitOf(measure, value); return `${digits(value / u.factor)} ${u.unit}`.trim(); };
  const admits = { "<=": (a, b) => a <= b, "<": (a, b) => a < b, ">=": (a, b) => a >= b, ">": (a, b) => a > b };

  // The rule of bench.decide on the observed values: eligible candidates, stage after stage.
  const inside = (i) => state.limits.every((l) => !l.on || (l.bounds[i] !== null && admits[l.operator](l.bounds[i], l.value)));
  const eligible = () => task().candidates.map((c, i) => i).filter((i) => task().candidates[i].missing === null && inside(i));
  const scores = (stage) => stage.scores ?? task().columns[stage.column];
  const pick = (rows) => {
    let kept = rows.filter((i) => task().stages.every((s) => scores(s)[i] !== null));
    if (!task().stages.length) return null;
    for (const stage of task().stages) {
      const best = Math.max(...kept.map((i) => scores(stage)[i]));
      const slack = stage.relative ? stage.slack * Math.abs(best) : stage.slack;
      kept = kept.filter((i) => scores(stage)[i] >= best - slack);
    }
    return kept.length ? kept[0] : null;
  };
  const text = (c, k) => {
    const v = c.values[k], m = task().measures[k];
    if (!v) return "not measured";
    const u = unitOf(m, v[0]);
    return shown(m, v[0]) + (v.length > 1 ? ` (${digits(v[1] / u.factor)} to ${digits(v[2] / u.factor)})` : "");
  };
  const front = (rows) => {
    const o = task().columns.slice(0, task().objectives);
    const beats = (a, b) => o.every((c) => c[a] >= c[b]) && o.some((c) => c[a] > c[b]);
    return new Set(rows.filter((i) => !rows.some((j) => beats(j, i))));
  };

  const steps = (points, mx, my) => {
    const sx = mx.higher ? -1 : 1, sy = my.higher ? 1 : -1;
    const kept = [];
    for (const p of [...points].sort((a, b) => sx * (a.x - b.x) || sy * (b.y - a.y))) {
      if (!kept.length || sy * p.y > sy * kept[kept.length - 1].y) kept.push(p);
    }
    return kept;
  };
  const domain = (values, log) => {
    let low = Math.min(...values), high = Math.max(...values);
    if (low === high) { low -= Math.abs(low) * 0.1 || 1; high += Math.abs(high) * 0.1 || 1; }
    if (log) { const room = (high / low) ** 0.06; return [low / room, high * room]; }
    const room = (high - low) * 0.06;
    return [low - room, high + room];
  };

  // The least value drawn: a few candidates more than ten times below the rest would squeeze a log axis.
  const near = (values, m, log) => {
    const v = [...values].sort((a, b) => a - b);
    let least = v[0];
    if (log && !m.higher) for (let i = 1; i <= Math.floor(v.length * 0.4); i++) if (v[i] / v[i - 1] > 10) least = v[i];
    return least;
  };

  const standing = (i, { chosen, on, rows }) =>
    i === chosen ? "the pick" : on.has(i) ? "on the front" : rows.includes(i) ? "off the front" : task().candidates[i].missing ? "incomplete" : "not within a limit";

  const compute = () => {
    const t = task(), mx = t.measures[state.x], my = t.measures[state.y];
    const rows = eligible(), chosen = pick(rows), on = front(rows);
    const points = [];
    t.candidates.forEach((c, i) => {
      const vx = c.values[state.x], vy = c.values[state.y];
      if (!vx || !vy) return;
      const x = vx[0] / mx.factor, y = vy[0] / my.factor, ok = rows.includes(i);
      const end = (v, k, m) => (v[k] ?? v[0]) / m.factor;
      const point = { i, name: c.name, family: c.family, x, y, xl: end(vx, 1, mx), xh: end(vx, 2, mx), yl: end(vy, 1, my), yh: end(vy, 2, my),
        pick: i === chosen, filled: on.has(i) ? c.family : "", opacity: ok ? 1 : 0.35, faint: ok ? 0.45 : 0.15,
        named: false, align: "left", ox: 0, oy: 0, standing: standing(i, { chosen, on, rows }) };
      t.measures.forEach((m, k) => { point[`m${k}`] = text(c, k); });
      if (!((state.xlog && x <= 0) || (state.ylog && y <= 0))) points.push(point);
    });
    const least = near(points.map((p) => p.x), mx, state.xlog);
    const far = points.filter((p) => p.x < least).length;
    const dx = domain(points.map((p) => p.x).filter((x) => x >= least).concat(points.length ? [] : [1]), state.xlog);
    const dy = domain(points.filter((p) => p.x >= least).flatMap((p) => [p.y, state.ylog && p.yl <= 0 ? p.y : p.yl, p.yh]).concat(points.length ? [] : [1]), state.ylog);
    const line = steps(points.filter((p) => rows.includes(p.i)), mx, my).map((p, k) => ({ x: p.x, y: p.y, order: k }));
    if (line.length) line.push({ x: mx.higher ? dx[0] : dx[1], y: line[line.length - 1].y, order: line.length });
    const regions = [];
    for (const l of state.limits) {
      if (!l.on || l.axis === null) continue;
      const upper = l.operator.startsWith("<");
      if (l.axis === state.x) { const v = Math.min(Math.max(l.value / mx.factor, dx[0]), dx[1]); regions.push({ x: v, x2: upper ? dx[1] : dx[0], y: dy[0], y2: dy[1] }); }
      if (l.axis === state.y) { const v = Math.min(Math.max(l.value / my.factor, dy[0]), dy[1]); regions.push({ x: dx[0], x2: dx[1], y: v, y2: upper ? dy[1] : dy[0] }); }
    }
    name(points.filter((p) => p.x >= dx[0]), line, regions, dx, dy);
    return { points, line, regions, dx, dy, rows, chosen, on, far };
  };

  // Writes names where they cover neither a point, a line nor another name: right, left, above, below; the front first.
  // A name of the front or of the pick may lie on a line where there is no other place.
  const name = (points, line, regions, dx, dy) => {
    const wide = Math.max(200, $("chart").clientWidth - 75), high = 430;
    const share = (v, [low, top], log) => (log ? Math.log(Math.max(v, low) / low) / Math.log(top / low) : (v - low) / (top - low));
    const at = (x, y) => [share(x, dx, state.xlog) * wide, (1 - share(y, dy, state.ylog)) * high];
    const box = ([x0, y0], [x1, y1], pad) => [Math.min(x0, x1) - pad, Math.min(y0, y1) - pad, Math.max(x0, x1) + pad, Math.max(y0, y1) + pad];
    const taken = points.map((p) => { p.at = at(p.x, p.y); return box(p.at, p.at, p.pick ? 11 : 7); });
    const lines = points.flatMap((p) => [box(at(p.xl, p.y), at(p.xh, p.y), 1), box(at(p.x, p.yl), at(p.x, p.yh), 1)]);
    line.slice(1).forEach((p, k) => { const before = line[k]; lines.push(box(at(before.x, before.y), at(p.x, before.y), 2), box(at(p.x, before.y), at(p.x, p.y), 2)); });
    for (const r of regions) lines.push(box(at(r.x, r.y), at(r.x === dx[0] || r.y !== dy[0] && r.y !== dy[1] ? r.x2 : r.x, r.y === dy[0] || r.y === dy[1] ? r.y2 : r.y), 1));
    const free = (b, others) => b[0] > 0 && b[2] < wide && b[1] > 0 && b[3] < high && !others.some((t) => t[0] < b[2] && b[0] < t[2] && t[1] < b[3] && b[1] < t[3]);
    for (const p of [...points].sort((a, b) => b.pick - a.pick || (b.filled !== "") - (a.filled !== ""))) {
      const w = 6.9 * p.name.length + 4, [x, y] = p.at, gap = p.pick ? 14 : 9, needed = p.pick || p.filled !== "";
      const spots = [["left", gap, 0, x + gap], ["right", -gap, 0, x - gap - w], ["left", gap, -13, x + gap], ["left", gap, 13, x + gap], ["right", -gap, -13, x - gap - w], ["right", -gap, 13, x - gap - w], ["center", 0, -gap - 7, x - w / 2], ["center", 0, gap + 7, x - w / 2]];
      const around = ([, , oy, left]) => [left, y + oy - 7, left + w, y + oy + 7];
      const spot = spots.find((s) => free(around(s), [...taken, ...lines])) ?? (needed ? spots.find((s) => free(around(s), taken)) : undefined);
      p.named = Boolean(spot) && (needed || points.length <= 25);
      if (!p.named) continue;
      [p.align, p.ox, p.oy] = spot;
      taken.push(around(spot));
    }
  };

  const describe = (now) => {
    const t = task();
    $("pick").textContent = now.chosen === null ? "nobody" : t.candidates[now.chosen].name;
    place.dataset.pick = now.chosen === null ? "" : t.candidates[now.chosen].name;
    const lacking = t.candidates.filter((c) => c.missing !== null).length, judged = t.candidates.length - lacking;
    $("why").textContent = now.chosen === null
      ? "No candidate is shown to meet every limit."
      : `${now.rows.length} of ${judged} candidates meet every limit; ${now.on.size} of them on the front.${now.rows.length < judged ? "" : " No limit excludes anybody."}`;
    if (lacking) $("why").textContent += ` ${lacking} more ${lacking === 1 ? "lacks" : "lack"} a reading that it is judged by.`;
    $("far").textContent = now.far ? `${now.far} far to the left of the scale; the table has ${now.far === 1 ? "it" : "them"}.` : "";
    const body = $("rows"), sign = t.measures[state.y].higher ? -1 : 1;
    const rank = (i) => (i === now.chosen ? 0 : now.on.has(i) ? 1 : now.rows.includes(i) ? 2 : 3);
    const height = (i) => { const v = t.candidates[i].values[state.y]; return v ? sign * v[0] : Infinity; };
    const order = t.candidates.map((c, i) => i).sort((a, b) => rank(a) - rank(b) || (height(a) < height(b) ? -1 : height(a) > height(b) ? 1 : a - b));
    body.replaceChildren(...order.map((i) => {
      const c = t.candidates[i];
      const link = make("a", { href: `#${c.row}` }, make("bdi", {}, c.name));
      const row = make("tr", i === now.chosen ? { class: "pick" } : {}, make("th", { scope: "row" }, link), make("td", c.missing ? { title: c.missing } : {}, standing(i, now)));
      for (const k of [state.x, state.y]) row.append(make("td", { class: "n" }, text(c, k).split(" (")[0]));
      return row;
    }));
    $("hx").textContent = t.measures[state.x].title;
    $("hy").textContent = t.measures[state.y].title;
  };

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(["ink", "muted", "grid", "alarm"].map((k) => [k, style.getPropertyValue(`--${k}`).trim()]));
  };
  const specified = (now) => {
    const spec = structuredClone(data.spec), t = task(), c = colours();
    const range = data.marks.map((m) => (dark.matches ? m.dark : m.light));
    spec.datasets = { points: now.points, steps: now.line, regions: now.regions };
    const title = (m, unit) => (unit ? `${m.title} (${unit})` : m.title) + (m.higher ? " – higher is better" : " – lower is better");
    // From microseconds to seconds on one axis, each number has its own prefix.
    const numbers = (m, wide) => wide && (m.base === "s" || m.base === "J")
      ? { title: title(m, ""), labelOverlap: "greedy",
        labelExpr: `datum.label === "" ? "" : replace(format(datum.value * ${m.factor}, "~s"), /([a-zA-Zµ]?)$/, " $1${m.base}")` }
      : { title: title(m, m.unit), format: ",.3~r", labelOverlap: true };
    const axis = (m, log, [low, high]) => ({ ...numbers(m, log && high / low > 1000), labelColor: c.muted, titleColor: c.muted, gridColor: c.grid, domainColor: c.muted, tickColor: c.muted, labelFontSize: 12, titleFontSize: 13, titleFontWeight: 400, tickCount: 6 });
    for (const layer of spec.layer) {
      for (const [key, log, dom, m] of [["x", state.xlog, now.dx, t.measures[state.x]], ["y", state.ylog, now.dy, t.measures[state.y]]]) {
        layer.encoding[key].scale = { type: log ? "log" : "linear", domain: dom, nice: false, ...(log ? {} : { zero: false }) };
        layer.encoding[key].axis = axis(m, log, dom);
      }
      if (layer.encoding.color) layer.encoding.color.scale.range = range;
      if (layer.encoding.fill) {
        layer.encoding.fill.scale.range = ["transparent", ...range];
        layer.encoding.tooltip = [{ field: "name", title: "candidate" }, { field: "standing", title: "standing" }, ...t.measures.map((m, k) => ({ field: `m${k}`, title: m.title.replace(/[.[\]]/g, " ") }))];
      }
      if (layer.mark.type === "line") layer.mark.color = c.ink;
      if (layer.mark.type === "text") { layer.mark.color = c.ink; }
      if (layer.mark.size === 420) layer.mark.stroke = c.ink;
      if (layer.mark.type === "rect") layer.mark.color = c.alarm;
    }
    spec.config = { ...spec.config, background: "transparent", font: getComputedStyle(document.body).fontFamily };
    return spec;
  };

  const draw = async () => {
    const turn = ++order;
    const now = compute();
    describe(now);
    const made = await vegaEmbed($("chart"), specified(now), { actions: false, ast: true, renderer: "svg", tooltip: { theme: dark.matches ? "dark" : "light" } });
    if (turn !== order) { made.finalize(); return; }
    view = made.view;
    view.addEventListener("click", (event, item) => {
      const index = item?.datum?.i;
      if (index !== undefined) location.hash = task().candidates[index].row;
    });
    $("chart").setAttribute("aria-label", `Scatter chart of ${task().measures[state.y].title} against ${task().measures[state.x].title}; the table beside it has the same points.`);
    place.dataset.ready = String(turn);
  };
  const move = () => {
    const now = compute();
    describe(now);
    if (view) view.data("points", now.points).data("steps", now.line).data("regions", now.regions).run();
  };

  const option = (text, value) => make("option", { value }, text);
  const sliders = () => {
    $("limits").replaceChildren(...state.limits.map((l, i) => {
      const id = `limit-${i}`;
      const toValue = (p) => (l.log ? l.low * (l.high / l.low) ** p : l.low + (l.high - l.low) * p);
      const toPlace = (v) => (l.high === l.low ? 1 : l.log ? Math.log(v / l.low) / Math.log(l.high / l.low) : (v - l.low) / (l.high - l.low));
      const output = make("output", { for: id });
      const range = make("input", { type: "range", id, min: 0, max: 1, step: 0.001, "data-name": l.name });
      const box = make("input", { type: "checkbox", id: `${id}-on`, "data-limit": l.name });
      const tell = () => {
        output.textContent = l.on ? `${l.operator.replace("<=", "≤").replace(">=", "≥")} ${shown(l, l.value)}` : "no limit";
        range.setAttribute("aria-valuetext", output.textContent);
        range.dataset.value = String(l.value);
      };
      range.value = String(toPlace(l.value));
      box.checked = l.on;
      range.addEventListener("input", () => { const p = Number(range.value); l.value = p >= 1 ? l.high : p <= 0 ? l.low : toValue(p); l.on = true; box.checked = true; tell(); move(); });
      box.addEventListener("change", () => { l.on = box.checked; tell(); move(); });
      tell();
      return make("div", { class: "limit" }, make("label", { class: "on" }, box, make("span", { class: "vh" }, `Apply the limit on ${l.title}`)), make("label", { for: id }, l.title), output, range);
    }));
  };
  const axes = () => {
    for (const key of ["x", "y"]) {
      $(key).replaceChildren(...task().measures.map((m, i) => option(m.title, i)));
      $(key).value = String(state[key]);
      const m = task().measures[state[key]];
      const box = $(`${key}log`);
      box.checked = state[`${key}log`];
      box.disabled = !m.canlog;
    }
  };
  const choose = (number) => {
    const t = data.tasks[number];
    Object.assign(state, { task: number, x: t.x, y: 0, xlog: t.measures[t.x].log, ylog: t.measures[0].log, limits: t.limits.map((l) => ({ ...l })) });
    axes();
    sliders();
    return draw();
  };

  const start = async () => {
    const bytes = Uint8Array.from(atob(document.getElementById("vega").textContent), (c) => c.charCodeAt(0));
    const code = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    document.head.append(Object.assign(document.createElement("script"), { textContent: code }));
    $("task").replaceChildren(...data.tasks.map((t, i) => option(t.name, i)));
    $("task").addEventListener("change", (e) => choose(Number(e.target.value)));
    for (const key of ["x", "y"]) {
      $(key).addEventListener("change", (e) => { state[key] = Number(e.target.value); state[`${key}log`] = task().measures[state[key]].log; axes(); draw(); });
      $(`${key}log`).addEventListener("change", (e) => { state[`${key}log`] = e.target.checked; draw(); });
    }
    $("reset").addEventListener("click", () => choose(state.task));
    dark.addEventListener("change", draw);
    await choose(0);
  };
  place.hidden = false;
  if ("IntersectionObserver" in window) {
    const watch = new IntersectionObserver((seen) => { if (seen.some((s) => s.isIntersecting)) { watch.disconnect(); start(); } }, { rootMargin: "600px" });
    watch.observe(place);
  } else start();
})();
