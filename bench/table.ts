import type { Unit } from './measurement.ts';
import type { Row } from './rows.ts';

const HEADINGS = ['what', 'figure', 'beside', 'its figure', 'ratio', 'goal', ''];

/** For a terminal. */
export function plainTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function markdownTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, HEADINGS.map(() => '---'), ...rows.map(cellsOf)];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** How many goals there are, and how many were reached. */
export function verdict(rows: readonly Row[]): string {
  const judged = rows.filter(({ met }) => met !== null);
  return `${judged.filter(({ met }) => met).length} of ${judged.length} goals met`;
}

function cellsOf({ what, unit, figure, peer, peerFigure, ratio, goal, met }: Row): string[] {
  return [
    what,
    withUnit(figure, unit),
    peer ?? '',
    peerFigure === null ? '' : withUnit(peerFigure, unit),
    ratio === null ? '' : ratio.toFixed(ratio < 0.1 ? 3 : 2),
    goal === null ? '' : `≤ ${ratio === null ? withUnit(goal, unit) : goal}`,
    met === null ? '' : met ? 'met' : 'missed',
  ];
}

function withUnit(figure: number, unit: Unit): string {
  if (unit === 'ms' && figure < 10) return `${figure.toFixed(1)} ms`;
  return `${Math.round(figure).toLocaleString('en')} ${unit}`;
}
