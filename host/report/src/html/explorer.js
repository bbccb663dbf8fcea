// Scores against truth, one point per architecture; starts from report.js.

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).json();
}

const count = new Intl.NumberFormat('en');

function shown(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(3).replace('e+', 'e').replace('-', '\u2212');
  return Number(value.toPrecision(6)).toLocaleString('en', { maximumFractionDigits: 6 }).replace('-', '\u2212');
}

// Ranks of those in `wanted`, 1 the best; ties share the ranks from best to worst.
function ranked(column, wanted, lower) {
  const counts = new Int32Array(column.values.length);
  for (const i of wanted) counts[column.at[i]]++;
  const best = new Int32Array(counts.length);
  let before = 0;
  for (let step = 0; step < counts.length; step++) {
    const at = lower ? step : counts.length - 1 - step;
    best[at] = before + 1;
    before += counts[at];
  }
  return {
    first: (i) => best[column.at[i]],
    last: (i) => best[column.at[i]] + counts[column.at[i]] - 1,
    middle: (i) => best[column.at[i]] + (counts[column.at[i]] - 1) / 2,
  };
}

// About `wanted` round numbers from low to high.
function ticks(low, high, log, wanted) {
  if (log) {
    const from = Math.ceil(Math.log10(low) - 1e-9);
    const to = Math.floor(Math.log10(high) + 1e-9);
    const every = Math.max(1, Math.ceil((to - from) / wanted));
    const powers = [];
    for (let power = from; power <= to; power += every) powers.push(10 ** power);
    return powers;
  }
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((it) => it * power >= raw * 0.999);
  const all = [];
  for (let at = Math.ceil(low / step - 1e-6); at * step <= high + step * 1e-6; at++) all.push(at * step);
  return all;
}

// From a quantity to pixels. Ranks run from the worst to the best.
function scale(values, rank, size) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(high > low)) [low, high] = [(low || 0) - 0.5, (low || 0) + 0.5];
  const log = !rank && low > 0 && high / low > 1000;
  const map = log ? Math.log : (it) => it;
  const [a, b] = rank ? [map(high), map(low)] : [map(low), map(high)];
  return {
    at: (value) => ((map(value) - a) / (b - a)) * size,
    ticks: rank ? [1, ...ticks(low, high, false, 5).filter((it) => it > 1)] : ticks(low, high, log, 5),
    log,
  };
}

const MARGIN = { left: 62, right: 14, top: 26, bottom: 44 };
const CELL = 16;

class Explorer {
  constructor(data) {
    this.data = data;
    this.canvas = byId('scatter');
    this.details = byId('details');
    this.layer = document.createElement('canvas');
    this.held = false;
    this.current = -1;
    byId('estimator').addEventListener('change', () => this.select());
    byId('axes').addEventListener('change', () => this.draw());
    this.canvas.addEventListener('pointermove', (event) => { if (!this.held) this.point(event); });
    this.canvas.addEventListener('click', (event) => {
      this.held = false;
      this.point(event);
      this.held = true;
    });
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    themeChanged.push(() => this.draw());
    let before;
    addEventListener('beforeprint', () => {
      before = root.dataset.theme;
      setTheme('light');
    });
    addEventListener('afterprint', () => setTheme(before));
    this.select();
    this.show(this.ordered[0] ?? -1);
  }

  // The chosen estimator, and the architectures that have a score and a truth.
  select() {
    const { truth, scores } = this.data;
    this.column = scores[Number(byId('estimator').value)];
    this.wanted = [];
    for (let i = 0; i < truth.at.length; i++) {
      if (truth.at[i] >= 0 && this.column.at[i] >= 0) this.wanted.push(i);
    }
    this.trueRank = ranked(truth, this.wanted, false);
    this.rank = ranked(this.column, this.wanted, this.column.lower);
    this.ordered = [...this.wanted].sort((a, b) => this.trueRank.first(a) - this.trueRank.first(b) || a - b);
    const left = truth.at.length - this.wanted.length;
    const text = left ? `${count.format(left)} of ${count.format(truth.at.length)} architectures without a score or a truth are not drawn.` : '';
    byId('left-out').textContent = text;
    if (this.current >= 0 && this.column.at[this.current] < 0) this.current = -1;
    this.draw();
    this.tell();
  }

  colour(name) {
    const probe = element('span', { style: `color:var(--${name})` });
    this.details.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }

  draw() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (width < 50 || !this.column) return;
    const ratio = devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.layer]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.size = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const byRank = byId('axes').value === 'rank';
    const { truth } = this.data;
    const up = byRank ? this.trueRank.middle : (i) => truth.values[truth.at[i]];
    const across = byRank ? this.rank.middle : (i) => this.column.values[this.column.at[i]];
    const x = scale(this.wanted.map(across), byRank, this.size.width);
    const y = scale(this.wanted.map(up), byRank, this.size.height);
    this.places = new Map();
    this.grid = new Map();
    const pen = this.layer.getContext('2d');
    pen.scale(ratio, ratio);
    this.colours = { ink: this.colour('ink'), paper: this.colour('paper'), edge: this.colour('own-edge') };
    this.axes(pen, x, y, byRank, width, height);
    pen.fillStyle = this.colour('point');
    const many = this.wanted.length;
    const side = (many > 4000 ? 2.4 : many > 800 ? 3.4 : 5) * (width < 500 ? 0.7 : 1);
    pen.globalAlpha = many > 4000 ? 0.5 : many > 800 ? 0.6 : 0.75;
    for (const i of this.wanted) {
      const px = MARGIN.left + x.at(across(i));
      const py = height - MARGIN.bottom - y.at(up(i));
      this.places.set(i, [px, py]);
      pen.fillRect(px - side / 2, py - side / 2, side, side);
      const cell = Math.floor(px / CELL) * 4096 + Math.floor(py / CELL);
      if (!this.grid.has(cell)) this.grid.set(cell, []);
      this.grid.get(cell).push(i);
    }
    this.mark();
  }

  axes(pen, x, y, byRank, width, height) {
    const bottom = height - MARGIN.bottom;
    const [grid, muted] = [this.colour('grid'), this.colour('muted')];
    const label = (value) => {
      if (byRank) return count.format(value);
      return value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3)
        ? value.toExponential(0).replace('e+', 'e').replace('-', '\u2212') : shown(value);
    };
    pen.font = `12px ${getComputedStyle(this.details).fontFamily}`;
    pen.lineWidth = 1;
    pen.strokeStyle = grid;
    pen.fillStyle = muted;
    const line = (x1, y1, x2, y2) => {
      pen.beginPath();
      pen.moveTo(x1, y1);
      pen.lineTo(x2, y2);
      pen.stroke();
    };
    pen.textAlign = 'right';
    for (const value of y.ticks) {
      const at = bottom - y.at(value);
      line(MARGIN.left, at, width - MARGIN.right, at);
      pen.fillText(label(value), MARGIN.left - 8, at + 4);
    }
    let free = Infinity;
    pen.textAlign = 'center';
    for (const value of byRank ? x.ticks : [...x.ticks].reverse()) {
      const at = MARGIN.left + x.at(value);
      line(at, MARGIN.top, at, bottom);
      const half = pen.measureText(label(value)).width / 2;
      if (at + half > free) continue;
      pen.fillText(label(value), Math.min(at, width - half - 2), bottom + 17);
      free = at - half - 6;
    }
    const log = (it) => (it.log ? ', logarithmic' : '');
    const better = this.column.lower ? ', less is better' : '';
    const across = byRank ? `Rank by ${this.column.name}` : `Score of ${this.column.name}${better}${log(x)}`;
    pen.fillText(across, (MARGIN.left + width - MARGIN.right) / 2, bottom + 37, width - 2 * MARGIN.right);
    pen.textAlign = 'left';
    const upName = byRank ? `Rank by ${this.data.label}` : `${this.data.label}${log(y)}`;
    pen.fillText(upName, 2, 12, width - 4);
  }

  // The points as drawn before, and a ring round the current one.
  mark() {
    const pen = this.canvas.getContext('2d');
    const ratio = devicePixelRatio || 1;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(this.layer, 0, 0);
    const place = this.places.get(this.current);
    if (!place) return;
    pen.scale(ratio, ratio);
    pen.beginPath();
    pen.arc(place[0], place[1], 6.5, 0, 7);
    pen.lineWidth = 4;
    pen.strokeStyle = this.colours.paper;
    pen.stroke();
    pen.lineWidth = 2.5;
    pen.strokeStyle = this.colours.edge;
    pen.stroke();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const near = this.nearest(event.clientX - box.left, event.clientY - box.top);
    if (near >= 0) this.show(near);
  }

  nearest(x, y) {
    let [best, least] = [-1, 20 * 20];
    const [column, row] = [Math.floor(x / CELL), Math.floor(y / CELL)];
    for (let dx = -2; dx <= 2; dx++) {
      for (let dy = -2; dy <= 2; dy++) {
        for (const i of this.grid.get((column + dx) * 4096 + row + dy) || []) {
          const [px, py] = this.places.get(i);
          const distance = (px - x) ** 2 + (py - y) ** 2;
          if (distance < least) [best, least] = [i, distance];
        }
      }
    }
    return best;
  }

  key(event) {
    const at = this.ordered.indexOf(this.current);
    const last = this.ordered.length - 1;
    const next = {
      ArrowRight: Math.min(at + 1, last), ArrowDown: Math.min(at + 1, last),
      ArrowLeft: Math.max(at - 1, 0), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last,
    }[event.key];
    if (event.key === 'Escape') {
      this.held = false;
    } else if (next !== undefined) {
      event.preventDefault();
      this.held = true;
      this.show(this.ordered[next] ?? -1);
    }
  }

  show(i) {
    if (i === this.current) return;
    this.current = i;
    this.mark();
    this.tell();
  }

  tell() {
    const i = this.current;
    if (i < 0) {
      this.details.replaceChildren();
      return;
    }
    const { truth, architectures, label } = this.data;
    const of = count.format(this.wanted.length);
    const rank = (it) => {
      const [first, last] = [it.first(i), it.last(i)];
      return first === last ? `${count.format(first)} of ${of}` : `${count.format(first)} to ${count.format(last)} of ${of}, tied`;
    };
    const difference = this.trueRank.middle(i) - this.rank.middle(i);
    const judged = difference === 0 ? 'none' : `${difference > 0 ? 'over' : 'under'}estimated by ${count.format(Math.abs(difference))}`;
    const rows = [
      [label, shown(truth.values[truth.at[i]])],
      ['True rank', rank(this.trueRank)],
      [this.column.name, shown(this.column.values[this.column.at[i]])],
      ['Its rank', rank(this.rank)],
      ['Rank difference', judged],
    ];
    const body = element('tbody');
    for (const [name, value] of rows) {
      body.append(element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value)));
    }
    this.details.replaceChildren(element('code', {}, architectures[i]), element('table', {}, body));
    const picture = this.picture(i);
    if (picture) this.details.append(picture);
  }

  // The architecture's drawing, as figure/drawing.rs draws it.
  picture(i) {
    const { labels, shapes, each } = this.data.drawings;
    if (!each[i] || !labels.length) return undefined;
    const [shape, ...names] = each[i];
    const [places, edges] = shapes[shape];
    const nodes = names.map((name, at) => {
      const [text, width] = labels[name];
      return { text, width, x: places[2 * at], y: places[2 * at + 1], half: text ? 10 : 0 };
    });
    // Edges pass a bend in the direction from the node before to the one after.
    const slope = (at) => {
      if (nodes[at].text) return 0;
      const before = nodes[edges[edges.findIndex((to, e) => e % 2 === 1 && to === at) - 1]];
      const after = nodes[edges[edges.findIndex((from, e) => e % 2 === 0 && from === at) + 1]];
      return before && after ? (after.x - before.x) / (after.y - before.y) : 0;
    };
    // A curve stays within its four points.
    const curves = [];
    for (let e = 0; e < edges.length; e += 2) {
      const [from, to] = [nodes[edges[e]], nodes[edges[e + 1]]];
      const [y1, y2] = [from.y + from.half, to.y - to.half];
      const pull = 0.45 * (y2 - y1);
      const [x1, x2] = [from.x + slope(edges[e]) * pull, to.x - slope(edges[e + 1]) * pull];
      const end = to.text ? y2 - 3 : y2;
      curves.push({ to, y2, x1, x2, d: `M${from.x} ${y1}C${x1} ${y1 + pull} ${x2} ${y2 - pull} ${to.x} ${end}` });
    }
    const bends = curves.flatMap(({ x1, x2 }) => [x1, x2]);
    const left = Math.min(...nodes.map((it) => it.x - it.width / 2), ...bends) - 1;
    const right = Math.max(...nodes.map((it) => it.x + it.width / 2), ...bends) + 1;
    const height = Math.max(...nodes.map((it) => it.y + it.half)) + 1;
    const box = { viewBox: `${left} 0 ${right - left} ${height}`, width: right - left, height };
    const svg = drawn('svg', { ...box, role: 'img', 'aria-label': 'The cell' });
    for (const { to, y2, d } of curves) {
      svg.append(drawn('path', { class: 'k-muted', fill: 'none', 'stroke-width': 1.3, d }));
      if (to.text) svg.append(drawn('path', { class: 'f-muted', d: `M${to.x - 3} ${y2 - 5.5}L${to.x} ${y2 - 0.5}L${to.x + 3} ${y2 - 5.5}Z` }));
    }
    for (const { text, width: w, x, y } of nodes.filter((it) => it.text)) {
      svg.append(
        drawn('rect', { class: 'f-box k-muted', x: x - w / 2, y: y - 10, width: w, height: 20, rx: 4, 'stroke-width': 1.3 }),
        drawn('text', { class: 'f-text', x, y: y + 4, 'font-size': 11, 'text-anchor': 'middle' }, text),
      );
    }
    return svg;
  }
}

async function initExplorer() {
  const data = byId('explorer-data');
  if (!data) return;
  new Explorer(await unpacked(data.textContent));
  root.dataset.explorer = 'ready';
}
