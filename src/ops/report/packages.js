'use strict';
// How old an image says that it is; how long ago that was, the clock of the reader says.
const showAge = ({ data, $, el, table, code }) => {
  const { made, layers, base, base_digest: digest, known_base: known, os, support_end: end } = data.age;
  const now = Date.now() / 1000;
  const date = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const isReal = (seconds) => seconds !== null && seconds > 631152000 && seconds < 253402300800;
  const plural = (number, unit) => `${number} ${unit}${number === 1 ? '' : 's'}`;
  const ago = (seconds) => {
    const days = Math.floor((now - seconds) / 86400);
    if (days < 0) return 'in the future';
    if (days < 60) return days === 0 ? 'today' : `${plural(days, 'day')} ago`;
    const months = Math.floor(days / 30.44);
    if (months < 24) return `${plural(months, 'month')} ago`;
    const years = plural(Math.floor(months / 12), 'year');
    return months % 12 ? `${years} and ${plural(months % 12, 'month')} ago` : `${years} ago`;
  };
  const when = (seconds) => {
    if (seconds === null) return 'not said';
    if (!isReal(seconds)) return 'not said: the date is one that builds write which are to be the same each time';
    return `${date(seconds)}, ${ago(seconds)}`;
  };
  const rows = [['Made', when(made)]];
  const dated = layers.map((seconds, at) => ({ seconds, at })).filter((one) => isReal(one.seconds));
  if (dated.length) {
    const oldest = dated.reduce((one, other) => (other.seconds < one.seconds ? other : one));
    const newest = dated.reduce((one, other) => (other.seconds >= one.seconds ? other : one));
    const layer = (word, { seconds, at }) => rows.push([`${word} layer`, `${when(seconds)}: layer ${at + 1}, `, data.layers[at].line]);
    layer('Oldest', oldest);
    if (newest.at !== oldest.at) layer('Newest', newest);
  }
  if (known) {
    rows.push(['Base image', `${known.by}: the lowest ${plural(known.layers, 'layer')}, made ${when(known.made)}, of `, known.name]);
    if (known.now) {
      rows.push(known.now.same
        ? ['Base now', 'the same image: the store has no newer one of that name']
        : ['Base now', `outdated: another image has that name in the store, made ${when(known.now.made)}. To use it: `, 'imgtool rebase']);
    }
  } else rows.push(['Base image', base || digest ? 'as the image says, ' : 'the image does not say', [base, digest].filter(Boolean).join('@')]);
  if (os) {
    const over = end && Date.parse(end) / 1000 < now;
    const support = end ? `, which says that it is cared for until ${end}${over ? ': that is over' : ''}` : '';
    rows.push(['Distribution', os + support]);
  }
  table($('age-table'), [['', ''], ['', '']], rows.map(([what, words, more]) => {
    const said = el('span', '', words);
    if (more) said.append(code(more));
    return [what, said];
  }));
  const note = 'Newer packages, a newer base in a registry, and the end of a distribution are not in an image: this page cannot know of them. '
    + 'What was made long ago has none of the security updates since.';
  $('age').append(el('p', 'quiet', note));
};

// The packages: one list for all types, of which the lines that are seen are there.
const showPackages = ({ data, $, el, size, count, colour, virtual, steps, line }) => {
  const all = data.packages;
  const total = all.names.length;
  const sum = all.kinds.reduce((sum, [, number]) => sum + number, 0);
  const words = all.kinds.map(([word, number]) => `${count(number)} ${word}`);
  $('packages-about').textContent = sum
    ? `${count(sum)} packages are recorded: ${words.join(', ')}.${all.more ? ` The first ${count(total)} are listed.` : ''} What was copied or compiled without a record is not among them.`
    : 'No package manager or compiler left a record that is known.';
  for (const text of all.unread) $('packages-about').append(el('br'), text);
  if (all.changes) showPackageChanges({ all, $, el, count, virtual });
  $('packages-body').hidden = !total;
  if (!total) return;

  let rows = [];
  let on = -1;
  let kind = -1;
  let order = 'name';
  const text = (column, at) => all.texts[all[column][at]];
  const haystack = all.names.map((name, at) => `${name} ${all.versions[at]} ${text('licenses', at)}`.toLowerCase());
  const list = virtual($('package-list'), (at) => {
    const one = rows[at];
    const row = el('div', 'row' + (at === on ? ' on' : ''));
    row.setAttribute('role', 'option');
    row.setAttribute('aria-selected', String(at === on));
    row.append(el('span', 'layer ' + colour(all.layers[one]), String(all.layers[one] + 1)), el('span', 'kind', all.kinds[all.types[one]][0]));
    row.append(el('span', 'path', all.names[one]), el('span', 'version', all.versions[one]));
    row.append(el('span', 'license', text('licenses', one)), el('span', 'size', all.sizes[one] === null ? '' : size(all.sizes[one])));
    row.title = `${all.names[one]} ${all.versions[one]}`;
    row.addEventListener('click', () => select(at));
    return row;
  });
  const select = (at) => {
    on = Math.max(0, Math.min(at, rows.length - 1));
    if (!rows.length) { on = -1; return; }
    list.reveal(on);
    list.render();
    const one = rows[on];
    const arch = text('archs', one);
    const detail = $('package-detail');
    detail.replaceChildren(el('b', '', `${all.names[one]} ${all.versions[one]}`), arch ? ` ${arch}` : '');
    if (all.sizes[one] !== null) detail.append(` ${size(all.sizes[one])}`);
    if (text('licenses', one)) detail.append(`\nlicence: ${text('licenses', one)}`);
    detail.append(`\nbrought by layer ${line(all.layers[one])}\nrecorded in /${text('records', one)}`);
  };
  const filter = () => {
    const typed = $('package-search').value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = typed.filter((word) => /^layer:\d+$/.test(word)).map((word) => Number(word.slice(6)) - 1);
    const parts = typed.filter((word) => !/^layer:\d+$/.test(word));
    rows = [];
    for (let at = 0; at < total; at += 1) {
      if (kind >= 0 && all.types[at] !== kind) continue;
      if (wanted.length && !wanted.includes(all.layers[at])) continue;
      if (parts.every((part) => haystack[at].includes(part))) rows.push(at);
    }
    // The order of the data is that of type and name.
    if (order === 'size') rows.sort((a, b) => (all.sizes[b] ?? -1) - (all.sizes[a] ?? -1) || a - b);
    if (order === 'layer') rows.sort((a, b) => all.layers[a] - all.layers[b] || a - b);
    on = -1;
    $('package-list').scrollTop = 0;
    $('package-detail').replaceChildren();
    $('package-found').textContent = rows.length === total ? `${count(total)} packages` : `${count(rows.length)} found`;
    list.set(rows.length);
  };
  const choice = (target, words, chosen) => {
    const buttons = words.map((word, at) => {
      const button = el('button', '', word);
      button.type = 'button';
      button.addEventListener('click', () => {
        buttons.forEach((other) => other.setAttribute('aria-pressed', String(other === button)));
        chosen(at);
        filter();
      });
      button.setAttribute('aria-pressed', String(at === 0));
      target.append(button);
      return button;
    });
  };
  if (all.kinds.length > 1) choice($('package-kinds'), ['all', ...all.kinds.map(([word, number]) => `${word} ${count(number)}`)], (at) => { kind = at - 1; });
  const orders = all.sizes.some((one) => one !== null) ? ['name', 'size', 'layer'] : ['name', 'layer'];
  choice($('package-orders'), orders.map((word) => `by ${word}`), (at) => { order = orders[at]; });
  let waiting = 0;
  $('package-search').addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  $('package-search').addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'Enter') { $('package-list').focus(); select(0); event.preventDefault(); }
  });
  $('package-list').addEventListener('keydown', (event) => {
    const to = steps(event.key, $('package-list'), on, rows.length);
    if (to === undefined) return;
    select(to);
    event.preventDefault();
  });
  filter();
};

// The packages that came, went or have another version.
const showPackageChanges = ({ all, $, el, count, virtual }) => {
  const changes = all.changes;
  const word = ([, , , old, now]) => (!old ? 'added' : !now ? 'removed' : 'changed');
  const number = (wanted) => count(changes.filter((change) => word(change) === wanted).length);
  $('package-changes').hidden = false;
  $('package-changes-about').textContent = changes.length
    ? `${number('added')} packages added, ${number('removed')} removed, ${number('changed')} with another version.`
    : 'The same packages, in the same versions.';
  $('package-changes-list').hidden = !changes.length;
  const list = virtual($('package-changes-list'), (at) => {
    const [kind, name, arch, old, now] = changes[at];
    const row = el('div', 'row');
    row.append(el('span', '', { added: 'A', removed: 'D', changed: 'C' }[word(changes[at])]), el('span', 'kind', kind));
    row.append(el('span', 'path', arch ? `${name} (${arch})` : name), el('span', 'change', old && now ? `${old} → ${now}` : old || now));
    row.title = `${name} ${old || 'nothing'} → ${now || 'nothing'}`;
    return row;
  });
  list.set(changes.length);
};
