/**
 * The script of a report: shows single values under the pointer, or with the arrow keys in a plot
 * that has the focus. The page says everything without it.
 */
export const PAGE_SCRIPT = `
'use strict';
for (const plot of document.querySelectorAll('svg.plot')) {
  const { at, text } = JSON.parse(plot.dataset.plot);
  const cursor = plot.querySelector('.cursor');
  const readout = plot.closest('figure').querySelector('.readout');
  let shown = -1;
  const show = (index) => {
    shown = index;
    const isShown = index >= 0 && index < at.length;
    cursor.setAttribute('visibility', isShown ? 'visible' : 'hidden');
    if (isShown) { cursor.setAttribute('x1', at[index]); cursor.setAttribute('x2', at[index]); }
    readout.textContent = isShown ? text[index] : '';
  };
  const nearest = (x) => {
    let low = 0, high = at.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (at[middle] < x) low = middle + 1; else high = middle; }
    return low > 0 && x - at[low - 1] < at[low] - x ? low - 1 : low;
  };
  plot.addEventListener('pointermove', (event) => {
    const box = plot.getBoundingClientRect();
    show(nearest((event.clientX - box.left) * plot.viewBox.baseVal.width / box.width));
  });
  plot.addEventListener('pointerleave', () => show(-1));
  plot.setAttribute('tabindex', '0');
  plot.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(Math.max(0, Math.min(at.length - 1, shown + step)));
  });
  plot.addEventListener('blur', () => show(-1));
}
`
