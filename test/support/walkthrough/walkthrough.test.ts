import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../folders.ts';
import { Reader } from './reader.ts';
import { endOfShown, showsAll } from './shown.ts';
import { stepsOf } from './steps.ts';

test('a page is files, commands with what they print, Ctrl-C, and lines that come later', () => {
  const page = [
    '# A page',
    fenced('js', '// app.mjs', 'run();'),
    fenced('console', '$ ls', 'app.mjs', '…', 'app$ node app.mjs', 'app> it listens', 'app> it is asked', 'app$ ^C'),
  ].join('\n');
  expect(stepsOf(page)).toEqual([
    { kind: 'file', line: 3, path: 'app.mjs', text: '// app.mjs\nrun();\n' },
    { kind: 'command', line: 7, terminal: '', command: 'ls', shown: ['app.mjs', '…'] },
    { kind: 'command', line: 10, terminal: 'app', command: 'node app.mjs', shown: [] },
    { kind: 'output', line: 11, terminal: 'app', shown: ['it listens', 'it is asked'] },
    { kind: 'interrupt', line: 13, terminal: 'app' },
  ]);
});

test('no block of a page is passed over', () => {
  expect(() => stepsOf(fenced('yaml', 'breakers: {}'))).toThrow('line 2: the first line of this block names no file');
  expect(() => stepsOf(fenced('console', 'printed by nobody'))).toThrow('line 2: no command has printed this');
});

test.each([
  [['fine'], 'fine\n', true],
  [['fine'], '\nfine  \n\n', true],
  [['fine'], 'fine\nfine\n', false],
  [['fine', 'fine'], 'fine\n', false],
  [['a.b'], 'axb\n', false],
  [['added … in …'], 'added 3 packages in 2s\n', true],
  [['…', 'last'], 'first\nsecond\nlast\n', true],
  [['…'], '', true],
  [[], 'something\n', false],
])('what %j shows of %j is all: %s', (shown, printed, expected) => {
  expect(showsAll(shown, printed)).toBe(expected);
});

test('lines that come later stand one after the other, among others', () => {
  expect(endOfShown(['two', 'three'], 'one\ntwo\nthree\nfour\n')).toBe('one\ntwo\nthree\n'.length);
  expect(endOfShown(['one', 'three'], 'one\ntwo\nthree\n')).toBe(-1);
  expect(endOfShown(['two'], 'one\ntwo')).toBe(-1);
});

test('a reader sees what a command prints, keeps folder and variables, and ends what runs', async () => {
  const { follow, folder } = reading();
  await follow('$ mkdir inside && cd inside', '$ export WORD=kept');
  await follow('$ echo "$WORD"; basename "$PWD"', 'kept', 'inside');
  await follow('other$ echo starts; sleep 600', 'starts', 'other$ ^C', 'other$ echo goes on', 'goes on');
  await follow('$ for number in 1 2; do echo $number >> lines; done', '$ wc -l < lines', '2');
  expect(readFileSync(join(folder, 'inside/lines'), 'utf8')).toBe('1\n2\n');
});

test('a reader stops where something else is printed, or where a command fails', async () => {
  const { follow } = reading();
  await expect(follow('$ echo other', 'expected')).rejects.toThrow('exit code 0, and it printed\nother');
  await expect(follow('$ echo as shown; false', 'as shown')).rejects.toThrow('exit code 1');
  await expect(follow('app$ echo other', 'expected')).rejects.toThrow('it ended with 0 before it printed this');
});

function fenced(language: string, ...lines: readonly string[]): string {
  return `\`\`\`${language}\n${lines.join('\n')}\n\`\`\``;
}

function reading() {
  const folder = temporaryFolder('walkthrough');
  const reader = new Reader({ folder: folder.path, env: process.env, looks: /^never / });
  onTestFinished(async () => {
    await reader.close();
    folder.remove();
  });
  const follow = async (...lines: readonly string[]) => {
    for (const step of stepsOf(fenced('console', ...lines))) await reader.follow(step);
  };
  return { follow, folder: folder.path };
}
