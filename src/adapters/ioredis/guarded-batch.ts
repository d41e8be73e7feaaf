import { type Breaker, BreakerOpenError, CallTimeoutError } from '@switchgear/breaker';
import type { Command } from './ioredis-types.ts';

/**
 * The commands of a pipeline, which come one after the other without a pause. They are sent together or not at all; where they are
 * not, each has the breaker's error, as each has its own of Redis.
 */
export class GuardedBatch {
  readonly #commands: Command[] = [];
  readonly #end = Promise.withResolvers<void>();
  #isAdmitted = false;
  #pending = 0;
  /** The first error is the one that the others come from. */
  #error: { readonly reason: unknown } | undefined = undefined;

  constructor(breaker: Breaker) {
    const ended = breaker.execute(() => {
      this.#isAdmitted = true;
      return this.#end.promise;
    });
    ended.then(
      // A wire has answered, and commands have their own answers.
      () => this.#isAdmitted || this.#reject(new BreakerOpenError(breaker.name, null)),
      (error) => {
        if (!this.#isAdmitted || error instanceof CallTimeoutError) this.#reject(error);
      },
    );
  }

  send(command: Command, send: () => unknown): unknown {
    this.#commands.push(command);
    if (!this.#isAdmitted) return command.promise;
    this.#pending += 1;
    const { resolve, reject } = command;
    // Heard here, the breaker knows how it ended before the caller does.
    command.resolve = (reply) => {
      resolve.call(command, reply);
      this.#settled();
    };
    command.reject = (reason) => {
      reject.call(command, reason);
      this.#error ??= { reason };
      this.#settled();
    };
    return send();
  }

  #settled(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    if (this.#error) this.#end.reject(this.#error.reason);
    else this.#end.resolve();
  }

  #reject(error: unknown): void {
    for (const command of this.#commands) if (!command.isSettled) command.reject(error);
  }
}
