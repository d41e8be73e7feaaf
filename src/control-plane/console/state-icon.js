/** A shape per state, so that colour is never the only sign. */
const SHAPES = /** @type {Record<string, string>} */ ({
  closed: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 0 0 0-13zM5 8.200l2.200 2.200L11.200 6',
  open: 'M5.200 1.500h5.600l3.700 3.700v5.600l-3.700 3.700H5.200L1.500 10.800V5.200zM5.500 5.500l5 5M10.500 5.500l-5 5',
  half_open: 'M8 1.500L15 14H1zM8 6v4M8 12v.2',
  forced_open: 'M3 7h10v7.500H3zM5 7V4.500a3 3 0 0 1 6 0V7',
  disabled: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 0 0 0-13zM3.500 12.500l9-9',
  shadow: 'M1 8c3-5.500 11-5.500 14 0c-3 5.500-11 5.500-14 0zM8 6a2 2 0 1 0 0 4a2 2 0 0 0 0-4z',
  unknown: 'M8 1l7 7-7 7-7-7zM6.300 6.500c.3-2 3.400-2 3.400 0c0 1.300-1.700 1.200-1.700 2.700M8 11v.2',
});

/** The shape of a state. @param {string} state */
export function stateIcon(state) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.dataset.state = state;
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SHAPES[state] ?? SHAPES.unknown ?? '');
  svg.append(path);
  return svg;
}
