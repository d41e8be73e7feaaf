type End = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: () => unknown };

/** What will be known of a call some day. Hardly anybody waits for it, so the promise is made for the first who does. */
export class Outcome {
  #end: End | undefined = undefined;
  #waiting: PromiseWithResolvers<unknown> | undefined = undefined;

  done(): Promise<unknown> {
    this.#waiting ??= Promise.withResolvers();
    this.#tell();
    return this.#waiting.promise;
  }

  succeed(value: unknown): void {
    this.#end ??= { ok: true, value };
    this.#tell();
  }

  /** @param error makes it for whoever waits: a purge of a million calls needs no errors */
  fail(error: () => unknown): void {
    this.#end ??= { ok: false, error };
    this.#tell();
  }

  #tell(): void {
    if (!this.#end || !this.#waiting) return;
    if (this.#end.ok) this.#waiting.resolve(this.#end.value);
    else this.#waiting.reject(this.#end.error());
  }
}
