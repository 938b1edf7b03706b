(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  // All text comes in through textContent, never as markup.
  const el = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const size = (bytes) => {
    const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
    let unit = 0;
    while (bytes >= 999.5 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
    const digits = unit === 0 || bytes >= 99.5 ? 0 : bytes >= 9.95 ? 1 : 2;
    return bytes.toFixed(digits) + ' ' + units[unit];
  };
  const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ' ');
  const colour = (layer) => 'c' + (layer % 8);

  // The tree: nodes in walk order, the root first; the children of a node follow it.
  const files = data.files;
  const names = files.names.split('/');
  const total = names.length;
  const parent = new Int32Array(total);
  const end = new Int32Array(total).fill(total);
  const bytes = Float64Array.from(files.sizes);
  const inside = new Int32Array(total);
  const largest = new Float64Array(total);
  const layerOf = Int32Array.from(files.layers);
  const isDir = (node) => files.kinds[node] === 'd';
  const open = [];
  for (let node = 0; node < total; node += 1) {
    const depth = files.depths[node];
    while (open.length > depth) end[open.pop()] = node;
    parent[node] = open.length ? open[open.length - 1] : -1;
    open.push(node);
  }
  for (let node = total - 1; node > 0; node -= 1) {
    const above = parent[node];
    if (!isDir(node)) { inside[node] += 1; largest[node] = bytes[node]; }
    bytes[above] += bytes[node];
    inside[above] += inside[node];
    // A directory has the colour of its largest file.
    if (largest[node] > largest[above]) { largest[above] = largest[node]; layerOf[above] = layerOf[node]; }
  }
  const children = (node) => {
    const found = [];
    for (let child = node + 1; child < end[node]; child = end[child]) found.push(child);
    return found;
  };
  const pathOf = (node) => {
    const parts = [];
    for (let at = node; at > 0; at = parent[at]) parts.push(names[at]);
    return '/' + parts.reverse().join('/');
  };

  // Summary
  document.title = data.name + ' — image report';
  $('name').textContent = data.name;
  $('about').textContent = data.about.join(' · ');
  for (const [what, value, more] of data.cards) {
    const card = el('div');
    card.append(el('dt', '', what));
    const dd = el('dd', '', typeof value === 'number' ? size(value) : value);
    if (more) dd.append(el('small', '', more));
    card.append(dd);
    $('cards').append(card);
  }

  const table = (target, heads, rows) => {
    const head = el('tr');
    for (const [text, kind] of heads) head.append(el('th', kind, text));
    const thead = el('thead');
    thead.append(head);
    const body = el('tbody');
    for (const cells of rows) {
      const row = el('tr');
      cells.forEach((cell, at) => {
        const td = el('td', heads[at][1]);
        td.append(cell);
        row.append(td);
      });
      body.append(row);
    }
    target.append(thead, body);
  };
  const code = (text) => el('code', '', text);

  // What can go
  const waste = $('waste-body');
  const wasteItems = data.waste.map((one) => {
    const item = el('div', 'item');
    const line = el('div');
    line.append(el('b', '', size(one.size)), ` ${one.what} in `, code(one.directory));
    line.append(el('span', 'quiet', ` ${count(one.files)} files, layer ${one.layer + 1}${one.gone ? ', deleted too late' : ''}`));
    item.append(line, code(data.layers[one.layer].line));
    const write = el('code', 'write', one.instead);
    item.append(el('span', 'quiet', 'Write instead'), write);
    return item;
  });
  const some = (target, items, most) => {
    items.slice(0, most).forEach((item) => target.append(item));
    if (items.length <= most) return;
    const more = el('details');
    more.append(el('summary', '', `${count(items.length - most)} more`));
    items.slice(most).forEach((item) => more.append(item));
    target.append(more);
  };
  const line = (layer) => `${layer + 1}: ${data.layers[layer].line}`;
  const wasteTable = (title, heads, rows) => {
    if (!rows.length) return;
    waste.append(el('h3', '', title));
    const most = 10;
    const wide = el('div', 'wide');
    const first = el('table');
    table(first, heads, rows.slice(0, most));
    wide.append(first);
    waste.append(wide);
    if (rows.length > most) {
      const more = el('details');
      more.append(el('summary', '', `${count(rows.length - most)} more`));
      const rest = el('table');
      table(rest, heads, rows.slice(most));
      more.append(rest);
      waste.append(more);
    }
  };
  some(waste, wasteItems, 6);
  wasteTable('Deleted too late: in the image, but not to be seen', [['Size', 'n'], ['Path', ''], ['Written by', ''], ['Deleted by', '']],
    data.deleted.map((one) => [size(one.size), code(one.path), code(line(one.written)), code(line(one.deleted))]));
  wasteTable('Written in several layers', [['Size', 'n'], ['Layers', 'n'], ['Path', '']],
    data.inefficient.map((one) => [size(one.size), String(one.count), code(one.path)]));
  wasteTable('The same content several times', [['Could save', 'n'], ['Copies', '']],
    data.duplicates.map((one) => [size(one.wasted), code(one.copies.map(([path, layer]) => `${path} (layer ${layer + 1})`).join('\n'))]));
  if (!waste.childElementCount) waste.append(el('p', '', 'Nothing was found that could go.'));

  // Layers
  const sum = data.layers.reduce((all, layer) => all + layer.size, 0) || 1;
  data.layers.forEach((layer, at) => {
    const part = el('button', colour(at), layer.size / sum > 0.06 ? `${at + 1} · ${size(layer.size)}` : '');
    part.type = 'button';
    part.style.flexGrow = String(Math.max(layer.size / sum * 1000, 0.01));
    part.title = `Layer ${at + 1}, ${size(layer.size)}: ${layer.line}`;
    part.setAttribute('aria-label', part.title);
    part.addEventListener('click', () => search(`layer:${at + 1}`));
    $('bar').append(part);
  });
  table($('layer-table'), [['Layer', ''], ['Size', 'n'], ['Files', 'n'], ['Made by', '']], data.layers.map((layer, at) => {
    const number = el('span');
    number.append(el('span', 'swatch ' + colour(at)), String(at + 1));
    number.title = layer.digest;
    return [number, size(layer.size), count(layer.files), code(layer.line)];
  }));

  // Space: a squarified treemap of two levels.
  const map = $('map');
  let here = 0;
  const squarify = (nodes, box, place) => {
    let { x, y, w, h } = box;
    let rest = nodes.reduce((all, node) => all + bytes[node], 0);
    let at = 0;
    while (at < nodes.length && rest > 0 && w > 0 && h > 0) {
      const scale = w * h / rest;
      const side = Math.min(w, h);
      let row = 0;
      let area = 0;
      let worst = Infinity;
      while (at + row < nodes.length) {
        const next = area + bytes[nodes[at + row]] * scale;
        const max = bytes[nodes[at]] * scale;
        const min = bytes[nodes[at + row]] * scale;
        const ratio = Math.max(side * side * max / (next * next), next * next / (side * side * min));
        if (ratio > worst) break;
        worst = ratio; area = next; row += 1;
      }
      const thick = area / side;
      let along = 0;
      for (let one = at; one < at + row; one += 1) {
        const length = bytes[nodes[one]] * scale / thick;
        place(nodes[one], w >= h ? { x, y: y + along, w: thick, h: length } : { x: x + along, y, w: length, h: thick });
        along += length;
        rest -= bytes[nodes[one]];
      }
      if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
      at += row;
    }
  };
  const bySize = (node) => children(node).filter((child) => bytes[child] > 0).sort((a, b) => bytes[b] - bytes[a]);
  const put = (node, box) => {
    node.style.left = box.x + 'px'; node.style.top = box.y + 'px';
    node.style.width = box.w + 'px'; node.style.height = box.h + 'px';
  };
  const draw = (focus) => {
    map.replaceChildren();
    const crumbs = $('crumbs');
    crumbs.replaceChildren();
    const trail = [];
    for (let at = here; at >= 0; at = parent[at]) trail.push(at);
    trail.reverse().forEach((node, at) => {
      if (at > 1) crumbs.append('/');
      const crumb = el('button', '', node === 0 ? '/' : names[node]);
      crumb.type = 'button';
      crumb.addEventListener('click', () => enter(node));
      crumbs.append(crumb);
    });
    crumbs.append(el('span', 'quiet', `${size(bytes[here])} in ${count(inside[here])} files`));
    const box = { x: 0, y: 0, w: map.clientWidth, h: map.clientHeight };
    squarify(bySize(here).slice(0, 200), box, (node, place) => {
      if (place.w < 3 || place.h < 3) return;
      const one = el('button', (isDir(node) ? 'dir ' : '') + colour(layerOf[node]));
      one.type = 'button';
      one.dataset.node = String(node);
      const what = `${names[node]}${isDir(node) ? '/' : ''} ${size(bytes[node])}`;
      one.append(el('span', '', what));
      one.title = `${pathOf(node)}\n${size(bytes[node])}${isDir(node) ? ` in ${count(inside[node])} files` : `, layer ${layerOf[node] + 1}`}`;
      one.setAttribute('aria-label', what);
      put(one, place);
      one.addEventListener('click', () => (isDir(node) ? enter(node) : show(node)));
      if (isDir(node) && place.w > 40 && place.h > 40) {
        squarify(bySize(node).slice(0, 60), { x: 2, y: 18, w: place.w - 8, h: place.h - 24 }, (below, at) => {
          if (at.w < 6 || at.h < 6) return;
          const part = el('i', '', at.w > 36 && at.h > 12 ? names[below] : '');
          put(part, at);
          one.append(part);
        });
      }
      map.append(one);
    });
    if (!map.childElementCount) map.append(el('p', 'quiet', 'Nothing here has a size.'));
    if (focus) (map.querySelector('button') || crumbs.querySelector('button')).focus();
  };
  const enter = (node) => { here = node; draw(true); };
  map.addEventListener('keydown', (event) => {
    const parts = [...map.querySelectorAll('button')];
    const at = parts.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && parts.length) {
      parts[(at + step + parts.length) % parts.length].focus();
    } else if ((event.key === 'Backspace' || event.key === 'Escape') && here > 0) {
      enter(parent[here]);
    } else {
      return;
    }
    event.preventDefault();
  });
  let drawn = 0;
  const redraw = () => { if (map.clientWidth !== drawn) { drawn = map.clientWidth; draw(false); } };
  redraw();
  new ResizeObserver(redraw).observe(map);

  // A list of any length, of which only what is seen is there.
  const HEIGHT = 24;
  const MOST_HEIGHT = 8000000;
  const virtual = (list, row) => {
    const fill = el('div');
    list.append(fill);
    let length = 0;
    const render = () => {
      const first = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - 4);
      const last = Math.min(length, first + Math.ceil(list.clientHeight / HEIGHT) + 8);
      fill.replaceChildren();
      for (let at = first; at < last; at += 1) {
        const one = row(at);
        one.style.top = at * HEIGHT + 'px';
        fill.append(one);
      }
    };
    list.addEventListener('scroll', render, { passive: true });
    new ResizeObserver(render).observe(list);
    return {
      render,
      set(rows) { length = rows; fill.style.height = Math.min(rows * HEIGHT, MOST_HEIGHT) + 'px'; render(); },
      reveal(at) {
        const top = at * HEIGHT;
        if (top < list.scrollTop) list.scrollTop = top;
        if (top + HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + HEIGHT - list.clientHeight;
      },
    };
  };

  // Where a key leads in a list, from the row that is chosen; nowhere if it is no such key.
  const steps = (key, list, from, length) => {
    const page = Math.max(1, Math.floor(list.clientHeight / HEIGHT) - 1);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[key];
    return by === undefined ? undefined : Math.max(0, Math.min(from + by, length - 1));
  };

  // Files
  const expanded = new Set([0]);
  let rows = [];
  let flat = false;
  let on = -1;
  const mode = (node) => {
    const bits = files.modes[node];
    let text = files.kinds[node] === 'f' || files.kinds[node] === 'h' ? '-' : files.kinds[node];
    for (const [shift, special, letter] of [[6, 0o4000, 's'], [3, 0o2000, 's'], [0, 0o1000, 't']]) {
      const part = bits >> shift;
      text += (part & 4 ? 'r' : '-') + (part & 2 ? 'w' : '-');
      text += bits & special ? (part & 1 ? letter : letter.toUpperCase()) : part & 1 ? 'x' : '-';
    }
    return text;
  };
  const fileList = virtual($('file-list'), (at) => {
    const node = rows[at];
    const row = el('div', 'row' + (at === on ? ' on' : ''));
    row.setAttribute('role', 'option');
    row.setAttribute('aria-selected', String(at === on));
    row.append(el('span', 'mode', mode(node)), el('span', 'size', size(bytes[node])));
    row.append(el('span', 'layer ' + colour(Number(files.layers[node])), String(files.layers[node] + 1)));
    const indent = flat ? '' : '  '.repeat(files.depths[node] - 1);
    const sign = isDir(node) && !flat ? (expanded.has(node) ? '▾ ' : '▸ ') : flat ? '' : '  ';
    const label = flat ? pathOf(node) : names[node] + (isDir(node) ? '/' : '');
    row.append(el('span', 'path', indent + sign + label));
    row.title = pathOf(node);
    row.addEventListener('click', () => { select(at); if (isDir(node) && !flat) toggle(node); });
    return row;
  });
  const changed = new Map(data.changed);
  const select = (at) => {
    on = Math.max(0, Math.min(at, rows.length - 1));
    if (!rows.length) { on = -1; return; }
    fileList.reveal(on);
    fileList.render();
    const node = rows[on];
    const layers = changed.get(node) || [files.layers[node]];
    const detail = $('detail');
    detail.replaceChildren(el('b', '', pathOf(node)), ` ${size(bytes[node])}\n`);
    layers.forEach((layer, place) => {
      const word = place === 0 ? 'brought by' : 'changed by';
      detail.append(`${word} layer ${layer + 1}: ${data.layers[layer] ? data.layers[layer].line : ''}\n`);
    });
  };
  const unfold = () => {
    rows = [];
    const walk = (node) => {
      for (let child = node + 1; child < end[node]; child = end[child]) {
        rows.push(child);
        if (expanded.has(child)) walk(child);
      }
    };
    walk(0);
    flat = false;
    $('found').textContent = `${count(inside[0])} files`;
    fileList.set(rows.length);
  };
  const toggle = (node) => {
    if (!expanded.delete(node)) expanded.add(node);
    unfold();
  };
  const filter = (typed) => {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = words.filter((word) => /^layer:\d+$/.test(word)).map((word) => Number(word.slice(6)) - 1);
    const parts = words.filter((word) => !/^layer:\d+$/.test(word));
    on = -1;
    $('file-list').scrollTop = 0;
    $('detail').replaceChildren();
    if (!words.length) { unfold(); return; }
    const paths = [''];
    rows = [];
    for (let node = 1; node < total; node += 1) {
      const depth = files.depths[node];
      paths.length = depth;
      paths.push(paths[depth - 1] + '/' + names[node].toLowerCase());
      if (wanted.length && (isDir(node) || !wanted.includes(files.layers[node]))) continue;
      if (parts.every((part) => paths[depth].includes(part))) rows.push(node);
    }
    flat = true;
    $('found').textContent = `${count(rows.length)} found`;
    fileList.set(rows.length);
  };
  const search = (typed) => {
    $('search').value = typed;
    filter(typed);
    $('files').scrollIntoView();
    $('search').focus();
  };
  const show = (node) => {
    $('search').value = '';
    for (let at = parent[node]; at >= 0; at = parent[at]) expanded.add(at);
    unfold();
    $('files').scrollIntoView();
    select(rows.indexOf(node));
    $('file-list').focus();
  };
  let waiting = 0;
  $('search').addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => filter($('search').value), 120);
  });
  $('search').addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'Enter') { $('file-list').focus(); select(0); event.preventDefault(); }
  });
  $('file-list').addEventListener('keydown', (event) => {
    const node = rows[on];
    const to = steps(event.key, $('file-list'), on, rows.length);
    if (to !== undefined) {
      select(to);
    } else if (node !== undefined && !flat && event.key === 'ArrowRight' && isDir(node) && !expanded.has(node)) {
      toggle(node);
    } else if (node !== undefined && !flat && event.key === 'ArrowLeft') {
      if (expanded.has(node)) toggle(node);
      else if (parent[node] > 0) select(rows.indexOf(parent[node]));
    } else if (node !== undefined && event.key === 'Enter') {
      if (flat) show(node); else if (isDir(node)) toggle(node);
    } else {
      return;
    }
    event.preventDefault();
  });
  unfold();
  if (files.folded) $('found').textContent += ` (${count(files.folded)} of them only counted in their directories)`;

  // Differences
  if (data.changes) {
    const { about, paths, kinds, old, now } = data.changes;
    $('changes').hidden = false;
    $('changes-about').textContent = about;
    const list = virtual($('changes-list'), (at) => {
      const row = el('div', 'row');
      const grown = now[at] - old[at];
      row.append(el('span', '', kinds[at]), el('span', 'size', (grown > 0 ? '+' : grown < 0 ? '−' : '') + size(Math.abs(grown))));
      row.append(el('span', 'path', paths[at]));
      row.title = paths[at];
      return row;
    });
    $('changes-list').tabIndex = 0;
    list.set(paths.length);
  }

  // Packages, age
  showAge({ data, $, el, table, code });
  showPackages({ data, $, el, size, count, colour, virtual, steps, line });

  // Config
  table($('config-table'), [['', ''], ['', '']], data.config.map(([what, value]) => [what, code(value)]));
  for (const section of document.querySelectorAll('main > section:not([hidden])')) {
    const link = el('a', '', section.querySelector('h2').textContent);
    link.href = '#' + section.id;
    $('nav').append(link);
  }
})();
