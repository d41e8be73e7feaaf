import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { deadLinks } from '../support/repository/links.ts';

const root = join(import.meta.dirname, '../..');

test('every relative link of the documents leads to a file and a heading', () => {
  const documents = globSync(['*.md', 'docs/**/*.md', 'dashboards/**/*.md', 'src/*/*.md'], { cwd: root });
  expect(documents.length).toBeGreaterThan(0);
  expect(documents.flatMap((path) => deadLinks(root, path))).toEqual([]);
});

test('dead links are found, links in code and to other hosts are left alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchgear-links-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'other.md'), '# First `one`: a start\n## Again\n## Again\n');
  writeFileSync(
    join(folder, 'a.md'),
    [
      '[good](other.md) [also](./other.md#first-one-a-start) [twice](other.md#again-1) [here](#top) [out](https://a.b/c)',
      '# Top',
      '`[code](nowhere.md)` [bad](missing.md) ![bad](picture.png "title") <img src="gone.png"> [bad](other.md#third)',
      '```md',
      '[fenced](nowhere.md)',
      '```',
      '[reference]: missing-too.md',
      '[outside](../../../etc/hostname)',
    ].join('\n'),
  );
  expect(deadLinks(folder, 'a.md').sort()).toEqual([
    'a.md: ../../../etc/hostname leads to no file',
    'a.md: gone.png leads to no file',
    'a.md: missing-too.md leads to no file',
    'a.md: missing.md leads to no file',
    'a.md: other.md#third leads to no heading',
    'a.md: picture.png leads to no file',
  ]);
});
