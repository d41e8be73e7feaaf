import type { Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';

/** Grafana's grid is this wide. */
export const COLUMNS = 24;

/** A titled row of panels of one height; panels that do not fit beside each other begin a new line. */
export interface Row {
  readonly title: string;
  readonly lines: readonly { readonly height: number; readonly panels: readonly Cell[] }[];
}

export interface Cell {
  /** Columns, 1 to 24. */
  readonly width: number;
  readonly panel: Panel;
}

/** Gives every panel its id and its place, top to bottom; throws where a line is wider than the grid. */
export function layOut(rows: readonly Row[]): (Panel | RowPanel)[] {
  const placed: (Panel | RowPanel)[] = [];
  let y = 0;
  for (const row of rows) {
    placed.push(rowHeader(row.title, placed.length + 1, y));
    y += 1;
    for (const line of row.lines) {
      let x = 0;
      for (const { width, panel } of line.panels) {
        if (x + width > COLUMNS)
          throw new RangeError(`row "${row.title}": a line has ${COLUMNS} columns, got ${x + width}`);
        placed.push({ ...panel, id: placed.length + 1, gridPos: { h: line.height, w: width, x, y } });
        x += width;
      }
      y += line.height;
    }
  }
  return placed;
}

function rowHeader(title: string, id: number, y: number): RowPanel {
  return { type: 'row', title, id, collapsed: false, panels: [], gridPos: { h: 1, w: COLUMNS, x: 0, y } };
}
