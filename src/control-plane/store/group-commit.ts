/**
 * Gathers what is added within one turn of the event loop and hands it to `commit` as one batch: a storm of small
 * requests then pays for one sync of the disk, not for one each. What waits is bounded by the requests in flight.
 */
export class GroupCommit<Input, Output> {
  readonly #commit: (inputs: readonly Input[]) => readonly Output[];
  #waiting: { input: Input; done: PromiseWithResolvers<Output> }[] = [];
  #scheduled: NodeJS.Immediate | undefined;

  constructor(commit: (inputs: readonly Input[]) => readonly Output[]) {
    this.#commit = commit;
  }

  /** Resolves with this input's output once the whole batch is committed; rejects where the commit failed. */
  add(input: Input): Promise<Output> {
    const done = Promise.withResolvers<Output>();
    this.#waiting.push({ input, done });
    this.#scheduled ??= setImmediate(() => this.flush());
    return done.promise;
  }

  /** Commits what waits, now. */
  flush(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    try {
      const outputs = this.#commit(batch.map(({ input }) => input));
      batch.forEach(({ done }, index) => {
        done.resolve(outputs[index]!);
      });
    } catch (error) {
      for (const { done } of batch) done.reject(error);
    }
  }
}
