import { expect, test } from 'vitest';
import { orderBreaches } from './key-order.ts';

// 5, 10, 15 are of one key; 6, 11 of another.
test.each([
  ['calls of a key one after the other, those of another beside them', '+5 +6 +10 <5 <6 ~6 -6 ~5 -5 <10 =10'],
  ['a call that was given back, and taken again', '+5 +10 <5 ^5 <5 ~5 <10 ~10 -5 -10'],
  ['a call that was taken as its process was killed, and one that was given back then', '+5 +6 <5 <6 ^6 | <5 <6'],
  ['an end that a kill cut off, as it was made', '+5 +10 <5 ~5 | <10 =10'],
  ['an end that a kill cut off, before it was made', '+5 +10 <5 ~5 | <5 ~5 -5 <10 =10'],
  ['a call of which nobody was told, because of a kill', '+10 | <5 ~5 -5 <10'],
  ['a call that is held after it was taken last', '+5 +10 <5 ~5 -5 <10 | =10'],
])('no breach of the order: %s', (_, told) => {
  expect(orderBreaches(said(told))).toEqual([]);
});

test.each([
  ['an older one was taken, and its end not begun', '+5 +10 <5 <10 ~5', '10 was taken while 5 was held'],
  ['an older one waits, given back', '+5 +10 <5 ^5 <10', '10 was taken while 5 was held'],
  ['an older one was skipped', '+5 +10 +15 <5 ~5 -5 <15', '15 was taken while 10 was held'],
  ['an older one, taken as its process was killed, was skipped', '+5 +10 <5 | <10', '10 was taken while 5 was held'],
  ['one of which nobody was told was skipped', '+10 | <10 ~10 -10 =5', '10 was taken while 5 was held'],
  ['the end that was begun before a kill was taken back', '+5 +10 <5 ~5 <10 | <5', '5 was taken after 10'],
  ['the same, and it was not taken again', '+5 +10 <5 ~5 <10 | =5 =10', '5 is held after 10 was taken'],
  ['taken again, it is in the way again', '+5 +10 <5 ~5 | <5 <10', '10 was taken while 5 was held'],
  ['two have it at a time', '+5 <5 <5', '5 was taken twice at a time'],
  ['it has ended', '+5 <5 ~5 -5 | <5', '5 was taken after its end'],
  ['it is held though it has ended', '+5 <5 ~5 -5 | =5', '5 is held after its end'],
  ['what is held is in no order', '+5 +6 | =6 =5', '5 is held behind 6'],
])('a breach of the order: %s', (_, told, breach) => {
  expect(orderBreaches(said(told))).toContain(breach);
});

/** Of each process what it said, up to its end. */
function said(told: string): string[] {
  return ['open', ...told.split(' ').map((word) => (word === '|' ? 'open' : `${word[0]} ${word.slice(1)}`))];
}
