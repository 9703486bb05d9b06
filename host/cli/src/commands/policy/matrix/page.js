'use strict';
// Filters by kind of session and by source. The content stands in the page;
// without this script all of it is shown.
(() => {
  const form = document.getElementById('filters');
  const rows = [...document.querySelectorAll('tbody tr[data-source]')];
  const show = () => {
    const surfaces = [...form.elements.surface].filter((box) => box.checked).map((box) => box.value);
    const source = form.elements.source.value;
    const passed = form.elements.passed.checked;
    for (const cell of document.querySelectorAll('[data-surfaces]')) {
      cell.hidden = !cell.dataset.surfaces.split(' ').some((one) => surfaces.includes(one));
    }
    let shown = 0;
    let before;
    for (const row of rows) {
      row.hidden = (source !== '' && row.dataset.source !== source) || (row.classList.contains('passed') && !passed);
      if (row.hidden) continue;
      row.classList.toggle('first', row.dataset.source !== before);
      before = row.dataset.source;
      shown += 1;
    }
    document.getElementById('none').hidden = shown > 0 && surfaces.length > 0;
  };
  form.addEventListener('input', show);
  form.addEventListener('submit', (event) => event.preventDefault());
  show();
})();
