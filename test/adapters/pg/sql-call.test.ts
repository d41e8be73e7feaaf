import { expect, test } from 'vitest';
import { databaseOf, sqlCallOf } from '../../../src/adapters/pg/sql-call.ts';
import { sqlCommand } from '../../../src/adapters/pg/sql-command.ts';

test.each([
  ['SELECT 1', 'SELECT'],
  ['  \n\tinsert into orders values (1)', 'INSERT'],
  ['-- why\n/* and /* how */ update orders set id = 1', 'UPDATE'],
  ['(SELECT 1) UNION (SELECT 2)', 'SELECT'],
  ['WITH paid AS (SELECT 1) SELECT * FROM paid', 'WITH'],
  ['rollback;', 'ROLLBACK'],
  ['', ''],
  ['-- nothing but words', ''],
  ['/* without an end', ''],
  [';', ''],
  [`${' '.repeat(5_000)}SELECT 1`, ''],
])('the command of %j is %s', (text, command) => {
  expect(sqlCommand(text)).toBe(command);
});

test.each([
  [{ host: 'db', port: 5432, database: 'shop' }, 'postgres://db:5432/shop', 'db'],
  [{ host: 'db', port: 6432, database: 'shop' }, 'postgres://db:6432/shop', 'db:6432'],
  [{ host: '::1', port: '5433', database: 'a/b' }, 'postgres://[::1]:5433/a%2Fb', '[::1]:5433'],
  [
    { host: '/run/postgresql', port: 5432, database: 'shop' },
    'postgres://%2Frun%2Fpostgresql:5432/shop',
    '%2Frun%2Fpostgresql',
  ],
  [{}, 'postgres://localhost:5432/', 'localhost'],
])('%j is %s', (parameters, origin, host) => {
  expect(databaseOf(parameters)).toEqual({ origin, host });
});

test('text and values are those of the query, however they are given', () => {
  const database = { origin: 'postgres://db:5432/shop', host: 'db' };
  expect(sqlCallOf(database, 'SELECT $1', [1])).toMatchObject({ text: 'SELECT $1', values: [1] });
  expect(sqlCallOf(database, { text: 'SELECT $1', values: [2] }, undefined)).toMatchObject({ values: [2] });
  expect(sqlCallOf(database, { name: 'known' }, () => {})).toMatchObject({ method: '', text: '', values: undefined });
});
