import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { flushAtProcessEnd } from '../../src/register/process-end.ts';

test('a signal ends the process once all is told, and a second one at once', async () => {
  const { process, kills, shutDown } = watched();
  process.emit('SIGINT');
  await Promise.resolve();
  expect(kills).toEqual([]);
  process.emit('SIGINT');
  expect(kills).toEqual(['SIGINT']);
  expect(process.listenerCount('SIGINT')).toBe(0);
  shutDown.resolve();
});

test('a signal that the service handles is its own', async () => {
  const { process, kills, flushed } = watched();
  process.on('SIGTERM', () => {});
  process.emit('SIGTERM');
  process.emit('SIGTERM');
  await Promise.resolve();
  expect(kills).toEqual([]);
  expect(flushed()).toBe(2);
});

function watched() {
  const shutDown = Promise.withResolvers<void>();
  const kills: string[] = [];
  let flushes = 0;
  const process = Object.assign(new EventEmitter(), {
    pid: 1,
    kill: (_: number, signal: string) => kills.push(signal),
  });
  const switchgear = {
    shutdown: () => shutDown.promise,
    flush: async () => {
      flushes += 1;
    },
  };
  flushAtProcessEnd(switchgear, process as unknown as NodeJS.Process);
  return { process, kills, shutDown, flushed: () => flushes };
}
