import { GOALS } from './goals.ts';
import type { Measurement, Unit } from './measurement.ts';

/** One line of the table: a figure, alone or beside a peer's. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly unit: Unit;
  readonly figure: number;
  readonly peer: string | null;
  readonly peerFigure: number | null;
  /** Of our figure to the peer's. */
  readonly ratio: number | null;
  /** The most that the ratio may be, or the figure where there is no peer; null where it is for information. */
  readonly goal: number | null;
  readonly met: boolean | null;
}

export function rowsOf({ name, what, unit, figure, peers }: Measurement): Row[] {
  const goals = GOALS[name] ?? {};
  const unknown = Object.keys(goals.ratio ?? {}).filter((peer) => !(peer in peers));
  if (unknown.length > 0) throw new Error(`${name} has a goal beside ${unknown.join(', ')}, which it did not measure`);
  const own = { name, what, unit, figure };
  const alone = { ...own, peer: null, peerFigure: null, ratio: null, ...judged(figure, goals.figure) };
  const beside = Object.entries(peers).map(([peer, peerFigure]) => {
    const ratio = figure / peerFigure;
    return { ...own, peer, peerFigure, ratio, ...judged(ratio, goals.ratio?.[peer]) };
  });
  return beside.length > 0 && goals.figure === undefined ? beside : [alone, ...beside];
}

function judged(value: number, goal: number | undefined): Pick<Row, 'goal' | 'met'> {
  return goal === undefined ? { goal: null, met: null } : { goal, met: value <= goal };
}
