import { describe, expect, test } from 'vitest';
import { Narrator } from '../../src/demo/narrator.ts';

const NOON = () => new Date(2026, 10, 23, 12, 0, 5);
const ESCAPE = '\x1b[';

describe('on a terminal', () => {
  test('lines go above a status line that stays', () => {
    const { narrator, written } = narrate({ isTTY: true, columns: 40 }, {});
    narrator.status('all well');
    narrator.tell('TRIP', 'bad');
    expect(written()).toBe(
      `\r${ESCAPE}2K${ESCAPE}1mall well${ESCAPE}0m` +
        `\r${ESCAPE}2K${ESCAPE}2m12:00:05${ESCAPE}0m  ${ESCAPE}31mTRIP${ESCAPE}0m\n${ESCAPE}1mall well${ESCAPE}0m`,
    );
  });

  test('a status longer than the terminal is wide is cut, since a wrapped one could not be cleared', () => {
    const { narrator, written } = narrate({ isTTY: true, columns: 10 }, { NO_COLOR: '1' });
    narrator.status('0123456789abc');
    expect(written()).toBe(`\r${ESCAPE}2K01234567…`);
  });

  test('NO_COLOR leaves no color', () => {
    const { narrator, written } = narrate({ isTTY: true }, { NO_COLOR: '1' });
    narrator.tell('TRIP', 'bad');
    expect(written()).toBe('12:00:05  TRIP\n');
  });
});

test('into a file it writes plain lines, the status among them', () => {
  const { narrator, written } = narrate({}, {});
  narrator.status('all well');
  narrator.tell('TRIP', 'bad');
  narrator.endStatus();
  expect(written()).toBe('12:00:05  all well\n12:00:05  TRIP\n');
});

function narrate(terminal: { isTTY?: boolean; columns?: number }, env: NodeJS.ProcessEnv) {
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  return { narrator: new Narrator({ terminal: { ...terminal, write }, env, now: NOON }), written: () => text };
}
