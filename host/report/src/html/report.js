// What the page does: theme, contents, sorting, tooltips, print, files.
// page.rs puts it and explorer.js into one function.

const root = document.documentElement;
const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const it = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
  it.append(...children);
  return it;
}

function drawn(name, attributes, text) {
  const it = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
  if (text !== undefined) it.textContent = text;
  return it;
}

// --- Theme: the system's, unless one is chosen.

const themeChanged = [];

function setTheme(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  byId('theme').textContent = `Theme: ${theme || 'system'}`;
  for (const act of themeChanged) act();
}

function initTheme() {
  const order = [undefined, 'light', 'dark'];
  const button = byId('theme');
  button.hidden = false;
  setTheme(root.dataset.theme);
  button.addEventListener('click', () => {
    setTheme(order[(order.indexOf(root.dataset.theme) + 1) % order.length]);
    try {
      if (root.dataset.theme) localStorage.setItem('osee-theme', root.dataset.theme);
      else localStorage.removeItem('osee-theme');
    } catch { /* a page from a file may have no storage */ }
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const act of themeChanged) act();
  });
}

// --- Contents: where the reader is.

function initContents() {
  const links = new Map([...document.querySelectorAll('nav a')].map((a) => [a.hash.slice(1), a]));
  if (matchMedia('(max-width: 1020px)').matches) document.querySelector('nav details').open = false;
  const seen = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target.id);
      else seen.delete(target.id);
    }
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) {
      if (id === first) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
  }, { rootMargin: '-10% 0px -60% 0px' });
  for (const id of links.keys()) observer.observe(byId(id));
}

// --- Tables: a heading sorts its column; what has no number stays last.

function sort(table, column, direction) {
  const body = table.tBodies[0];
  const numeric = table.tHead.rows[0].cells[column].classList.contains('number');
  const keyed = [...body.rows].map((row) => {
    const cell = row.cells[column];
    if (!cell) return { row, key: undefined };
    if (!numeric) return { row, key: cell.textContent };
    return { row, key: cell.dataset.sort === undefined ? undefined : Number(cell.dataset.sort) };
  });
  const sign = direction === 'ascending' ? 1 : -1;
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) return (a.key === undefined) - (b.key === undefined);
    return sign * (numeric ? a.key - b.key : a.key.localeCompare(b.key, 'en', { numeric: true }));
  });
  body.append(...keyed.map(({ row }) => row));
}

function initTables() {
  for (const table of document.querySelectorAll('table.sortable')) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.querySelector('button').addEventListener('click', () => {
        const first = head.classList.contains('number') ? 'descending' : 'ascending';
        const other = first === 'ascending' ? 'descending' : 'ascending';
        const direction = head.getAttribute('aria-sort') === first ? other : first;
        for (const it of heads) it.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', direction);
        sort(table, column, direction);
      });
    });
  }
}

// --- What a heading means, on hover and on focus.

function initTips() {
  const tip = element('div', { id: 'tip', 'aria-hidden': 'true' });
  tip.hidden = true;
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };
  for (const head of document.querySelectorAll('thead th:has(.tip)')) {
    const show = () => {
      tip.textContent = head.querySelector('.tip').textContent;
      tip.hidden = false;
      const at = head.getBoundingClientRect();
      const { width, height } = tip.getBoundingClientRect();
      const left = Math.max(8, Math.min(at.left, root.clientWidth - width - 8));
      const above = at.top - height - 6;
      tip.style.left = `${left}px`;
      tip.style.top = `${above > 0 ? above : at.bottom + 6}px`;
    };
    head.addEventListener('pointerenter', show);
    head.addEventListener('pointerleave', hide);
    head.addEventListener('focusin', show);
    head.addEventListener('focusout', hide);
  }
  document.addEventListener('scroll', hide, { capture: true, passive: true });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); });
}

// --- Paper has no hover, and shows what is folded.

function initPrint() {
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details.explained:not([open])')];
    for (const it of opened) it.open = true;
  });
  addEventListener('afterprint', () => { for (const it of opened) it.open = false; });
}

// --- What is wider than the screen says so.

function initScrolls() {
  const scrolls = [...document.querySelectorAll('.scroll')];
  const look = () => {
    for (const it of scrolls) it.classList.toggle('wide', it.scrollWidth > it.clientWidth + 1);
  };
  // The hint changes the height of what is looked at.
  const observer = new ResizeObserver(() => requestAnimationFrame(look));
  for (const it of scrolls) observer.observe(it);
}

// --- Files: a figure's SVG is taken from the page, where it has its light colours.

function initFiles() {
  for (const link of document.querySelectorAll('a.svg-file')) {
    link.addEventListener('click', () => {
      const svg = link.closest('figure').querySelector('svg');
      const text = new XMLSerializer().serializeToString(svg);
      link.href = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
    });
  }
}

initTheme();
initTables();
initTips();
initFiles();
initPrint();
initContents();
initScrolls();
// After the first paint: unpacking takes a while.
requestAnimationFrame(() => setTimeout(initExplorer));
