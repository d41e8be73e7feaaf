import { createHash } from 'node:crypto';
import { SpoolError } from '@switchgear/breaker/spool';
import type { RedisClient } from './redis-client.ts';

/** Why a script failed. */
export interface ScriptFailure {
  /** Whether Redis may have run it all the same: it was sent, and the answer was lost. */
  readonly mayBeDone: boolean;
  /** Whether Redis was not reached, or did not answer. */
  readonly isAway: boolean;
  /** For the caller of the spool; its cause is what the client threw. */
  readonly error: SpoolError;
}

/** Runs scripts by their hash, and by their text where Redis does not know them, as after a restart. */
export class ScriptRunner {
  readonly #client: RedisClient;
  readonly #keys: readonly string[];
  readonly #timeoutMs: number;

  constructor(client: RedisClient, keys: readonly string[], timeoutMs: number) {
    this.#client = client;
    this.#keys = keys;
    this.#timeoutMs = timeoutMs;
  }

  /** The reply, or why there is none: Redis is away, has not answered in time, or refused. */
  async run(script: string, args: readonly string[]): Promise<{ readonly reply: unknown } | ScriptFailure> {
    // A client that is away would keep the command until it is back, long after its caller was told that it failed.
    if (this.#client.isReady === false) return { mayBeDone: false, isAway: true, error: failure('it is away') };
    const rest = [String(this.#keys.length), ...this.#keys, ...args];
    try {
      const reply = await this.#ask(['EVALSHA', hashOf(script), ...rest]).catch((error: unknown) => {
        if (!isRefusal(error, 'NOSCRIPT')) throw error;
        return this.#ask(['EVAL', script, ...rest]);
      });
      return { reply };
    } catch (error) {
      const isAway = !isRefusal(error);
      return { mayBeDone: isAway, isAway, error: failure(messageOf(error), error) };
    }
  }

  async #ask(command: readonly string[]): Promise<unknown> {
    const unsent = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`it did not answer within ${this.#timeoutMs} ms`));
        unsent.abort();
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([this.#client.sendCommand(command, { abortSignal: unsent.signal }), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether Redis itself answered with an error: it begins with a code in capitals. */
export function isRefusal(error: unknown, code = '[A-Z]+'): boolean {
  return new RegExp(`^${code}\\b`).test(messageOf(error));
}

function failure(why: string, cause?: unknown): SpoolError {
  return new SpoolError('SPOOL_FAILED', `Redis failed: ${why}`, cause);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const hashes = new Map<string, string>();

function hashOf(script: string): string {
  let hash = hashes.get(script);
  if (hash === undefined) {
    hash = createHash('sha1').update(script).digest('hex');
    hashes.set(script, hash);
  }
  return hash;
}
