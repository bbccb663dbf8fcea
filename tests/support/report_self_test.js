// Appended to a copy of the page; prints what a reader would have seen.
(async () => {
  const errors = [];
  addEventListener('error', (event) => errors.push(event.message));
  addEventListener('unhandledrejection', (event) => errors.push(String(event.reason)));
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const root = document.documentElement;
  for (let i = 0; i < 400 && root.dataset.explorer !== 'ready'; i++) await pause(50);
  await pause(200);
  const steps = {};
  const step = async (name, act) => {
    try { steps[name] = await act(); } catch (error) { errors.push(`${name}: ${error}`); }
  };

  // What is wider than its place, and does not scroll.
  const cut = () => {
    const found = [];
    if (root.scrollWidth > root.clientWidth) found.push(`page: ${root.scrollWidth} > ${root.clientWidth}`);
    for (const it of document.body.querySelectorAll('*')) {
      if (it.closest('svg, script, style, noscript, select, .tip')) continue;
      const style = getComputedStyle(it);
      if (style.display === 'inline' || style.overflowX === 'auto' || it.offsetParent === null) continue;
      if (it.scrollWidth > it.clientWidth + 1 && it.clientWidth > 0) {
        found.push(`${it.tagName}.${it.className} ${it.textContent.slice(0, 40)}: ${it.scrollWidth} > ${it.clientWidth}`);
      }
      const box = it.getBoundingClientRect();
      if (!it.closest('.scroll') && (box.right > root.clientWidth + 1 || box.left < -1)) found.push(`${it.tagName}.${it.className} leaves the page`);
    }
    // Text of a figure stays within the figure, and apart from other text.
    for (const svg of document.querySelectorAll('figure svg')) {
      const outer = svg.getBoundingClientRect();
      const texts = [...svg.querySelectorAll('text')].filter((it) => !it.closest('[transform]'));
      const boxes = texts.map((it) => ({ it, box: it.getBoundingClientRect() }));
      for (const { it, box } of boxes) {
        if (box.left < outer.left - 1 || box.right > outer.right + 1 || box.bottom > outer.bottom + 1) {
          found.push(`${svg.getAttribute('aria-label')}: "${it.textContent}" leaves the figure`);
        }
      }
      boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
        const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        if (across > 1 && down > 4) found.push(`${svg.getAttribute('aria-label')}: "${a.it.textContent}" on "${b.it.textContent}"`);
      }));
    }
    return found;
  };
  const found = cut();

  const table = document.querySelector('#leaderboard table');
  const heads = [...table.tHead.rows[0].cells];
  const column = (name) => heads.findIndex((it) => it.querySelector('button').textContent === name);
  const cells = (name) => [...table.tBodies[0].rows].map((row) => row.cells[column(name)]);
  const button = (name) => heads[column(name)].querySelector('button');
  await step('sorted', () => {
    button('ms/arch').click();
    const down = cells('ms/arch').map((it) => Number(it.dataset.sort));
    const falls = down.every((it, i) => i === 0 || it <= down[i - 1]);
    button('ms/arch').click();
    const up = cells('ms/arch').map((it) => Number(it.dataset.sort));
    return falls && up.every((it, i) => i === 0 || it >= up[i - 1]);
  });
  await step('undefined_last', () => {
    const last = () => cells('KD').at(-1).textContent === 'undefined';
    button('KD').click();
    const down = last();
    button('KD').click();
    return down && last();
  });
  await step('aria_sort', () => {
    const sorted = heads.filter((it) => it.hasAttribute('aria-sort'));
    return sorted.length === 1 && sorted[0].getAttribute('aria-sort') === 'ascending' && sorted[0] === heads[column('KD')];
  });
  await step('tip', () => {
    button('KD').focus({ preventScroll: true });
    const tip = document.getElementById('tip');
    const shown = !tip.hidden && tip.textContent.includes('tau-b');
    button('KD').blur();
    return shown && tip.hidden;
  });

  const canvas = document.getElementById('scatter');
  const details = document.getElementById('details');
  const move = (kind, x, y) => {
    const box = canvas.getBoundingClientRect();
    canvas.dispatchEvent(new PointerEvent(kind, { clientX: box.left + x, clientY: box.top + y, bubbles: true }));
  };
  canvas.scrollIntoView({ block: 'center', behavior: 'instant' });
  const { width, height } = canvas.getBoundingClientRect();
  let hover = 0;
  await step('hover', async () => {
    const seen = new Set();
    const start = performance.now();
    let moves = 0;
    for (let x = 70; x < width - 20; x += 4) {
      move('pointermove', x, height / 2 + 40 * Math.sin(x / 30));
      seen.add(details.querySelector('code')?.textContent);
      moves++;
    }
    hover = (performance.now() - start) / moves;
    return seen.size > 10;
  });
  await step('drawing', () => {
    canvas.focus({ preventScroll: true });
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home', bubbles: true }));
    const operations = details.querySelector('code').textContent.match(/[a-z_0-9]+(?=~)/g).filter((it) => it !== 'none');
    const labels = [...details.querySelectorAll('svg text')].map((it) => it.textContent);
    return operations.length > 0 && operations.every((it) => labels.includes(it)) && labels.includes('output');
  });
  await step('keys', () => {
    const first = details.textContent;
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
    const second = details.textContent;
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
    return first !== second && details.textContent === first && /True rank(1 of|1 to)/.test(first);
  });
  await step('held', () => {
    const before = details.textContent;
    move('pointermove', width / 2, height / 2);
    const held = details.textContent === before;
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    move('pointermove', width / 2, height / 2);
    return held && details.textContent !== before;
  });
  await step('estimators', async () => {
    const select = document.getElementById('estimator');
    const axes = document.getElementById('axes');
    const pictures = new Set();
    for (const kind of ['value', 'rank']) {
      axes.value = kind;
      axes.dispatchEvent(new Event('change'));
      for (const option of select.options) {
        select.value = option.value;
        select.dispatchEvent(new Event('change'));
        pictures.add(canvas.toDataURL());
      }
    }
    const left = [...select.options].find((it) => it.textContent === 'jacob_cov');
    select.value = left.value;
    select.dispatchEvent(new Event('change'));
    const told = document.getElementById('left-out').textContent.includes('of 15,625 architectures');
    select.value = '0';
    select.dispatchEvent(new Event('change'));
    return pictures.size === 2 * select.options.length && told;
  });
  await step('theme', async () => {
    const theme = document.getElementById('theme');
    const look = () => {
      const text = document.querySelector('figure svg text');
      return [getComputedStyle(document.body).backgroundColor, getComputedStyle(text).fill, canvas.toDataURL()];
    };
    const looks = {};
    for (let i = 0; i < 3; i++) {
      theme.click();
      looks[root.dataset.theme || 'system'] = look();
    }
    const differs = looks.light.every((it, i) => it !== looks.dark[i]);
    return differs && Object.keys(looks).length === 3 && root.dataset.theme === undefined;
  });
  await step('svg_file', async () => {
    const link = document.querySelector('a.svg-file');
    link.addEventListener('click', (event) => event.preventDefault());
    link.click();
    const text = await new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open('GET', link.href);
      request.onload = () => done(request.responseText);
      request.send();
    });
    const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
    return parsed.documentElement.tagName === 'svg' && text.includes('xmlns=') && text.includes('fill="#0072b2"');
  });

  console.log(`SELFTEST ${JSON.stringify({
    width: innerWidth,
    errors,
    cut: found,
    steps,
    hover_ms: hover,
    first_paint_ms: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 1e9,
  })}`);
})();
