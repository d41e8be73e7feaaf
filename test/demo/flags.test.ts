import { describe, expect, test } from 'vitest';
import { HELP, readFlags } from '../../src/demo/flags.ts';

describe('the command line', () => {
  test('without options it runs until Ctrl-C on the fixed ports', () => {
    expect(readFlags([])).toEqual({
      forSeconds: null,
      rate: 40,
      port: 4390,
      metricsPorts: [9464, 9465, 9466],
      dataFolder: null,
      controlPlane: true,
      jsonFile: null,
      seed: null,
    });
  });

  test('every option of the help text is read', () => {
    const args = '--for 60 --rate 100 --port 0 --metrics-ports 1,2,3 --data d --no-control-plane --seed 9 --json f';
    expect(readFlags(args.split(' '))).toEqual({
      forSeconds: 60,
      rate: 100,
      port: 0,
      metricsPorts: [1, 2, 3],
      dataFolder: 'd',
      controlPlane: false,
      jsonFile: 'f',
      seed: 9,
    });
    for (const option of args.match(/--[\w-]+/g)!) expect(HELP).toContain(`  ${option} `);
    expect(readFlags(['--help'])).toBe('help');
  });

  test.each([
    [['--for', '5'], '`--for` must be an integer from 12 to 86400, got "5"'],
    [['--for', 'ever'], '`--for` must be an integer from 12 to 86400, got "ever"'],
    [['--rate', '0'], '`--rate` must be an integer from 10 to 500, got "0"'],
    [['--port', '65536'], '`--port` must be an integer from 0 to 65535, got "65536"'],
    [['--metrics-ports', '1,2'], '`--metrics-ports` must be three ports with commas between them, got "1,2"'],
    [['--metrics-ports', '1,2,x'], '`--metrics-ports` must be an integer from 0 to 65535, got "x"'],
    [['--fro', '5'], "Unknown option '--fro'"],
    [['60'], "Unexpected argument '60'"],
  ])('%j is one line that names the option, and points to --help', (args, message) => {
    expect(() => readFlags(args)).toThrow(message);
    expect(() => readFlags(args)).toThrow(/^[^\n]*; see --help$/);
  });
});
