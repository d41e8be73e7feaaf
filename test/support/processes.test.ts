import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { DeadlineError, waitUntil } from './deadline.ts';
import { Child, freePorts } from './processes.ts';

describe('child processes of the tests', () => {
  test('a line is waited for, and SIGTERM lets the child say goodbye', async () => {
    const child = script(
      "process.on('SIGTERM', () => { console.log('bye'); process.exit(3); }); console.log('port 1234'); setInterval(() => {}, 1000)",
    );
    const [, port] = await child.waitForOutput(/port (\d+)/);
    expect(port).toBe('1234');
    expect(child.isRunning).toBe(true);
    await child.end();
    expect(await child.ended).toBe(3);
    expect(child.output).toContain('bye');
    expect(() => process.kill(child.pid, 0)).toThrow('ESRCH');
  });

  test('a child that will not end is made to', async () => {
    const child = script("process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)");
    await child.waitForOutput(/ready/);
    await child.end(100);
    expect(await child.ended).toBeNull();
    expect(() => process.kill(child.pid, 0)).toThrow('ESRCH');
  });

  test('waiting for a child that dies fails at once and shows what it printed', async () => {
    const child = script("console.error('cannot open the store'); process.exit(7)");
    await expect(child.waitForOutput(/ready/, { deadlineMs: 60_000 })).rejects.toThrow(
      /ended with 7[\s\S]*cannot open the store/,
    );
  });

  test('a program that does not exist is an error, not a hang', async () => {
    const child = new Child('/nowhere/program', []);
    await expect(child.waitForOutput(/ready/, { deadlineMs: 60_000 })).rejects.toThrow('ENOENT');
  });

  test('200 is waited for through refused connections and other answers', async () => {
    const [port] = await freePorts(1);
    const child = script(`
      let asked = 0;
      const server = require('node:http').createServer((_, response) => { asked += 1; response.statusCode = asked < 3 ? 503 : 200; response.end('asked ' + asked); });
      setTimeout(() => server.listen(${port}, '127.0.0.1'), 200);`);
    expect(await child.waitForHttp(`http://127.0.0.1:${port}/`)).toBe('asked 3');
    await child.end();
  });

  test('free ports are different and can be listened on', async () => {
    const ports = await freePorts(5);
    expect(new Set(ports).size).toBe(5);
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(ports[0], '127.0.0.1', resolve));
    await new Promise((resolve) => server.close(resolve));
  });

  test('a deadline says what was waited for and what was seen last', async () => {
    const waiting = waitUntil('the queue to drain', () => Promise.reject(new Error('depth 4')), {
      deadlineMs: 20,
      everyMs: 5,
    });
    await expect(waiting).rejects.toThrow(DeadlineError);
    await expect(waiting).rejects.toThrow('the queue to drain: not within 20 ms; seen last: depth 4');
  });
});

function script(code: string): Child {
  return new Child(process.execPath, ['--input-type=commonjs', '--eval', code]);
}
