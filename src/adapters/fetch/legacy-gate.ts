import { STATUS_CODES } from 'node:http';
import type { HttpAnswer } from '../http-calls/http-answer.ts';
import { joinedHeaders } from '../http-calls/joined-headers.ts';
import type { DispatchHandler, Told } from './dispatcher.ts';
import { Gate } from './gate.ts';
import { rawHeadersOf } from './raw-headers.ts';

/** A gate before a handler that says by what it returns whether more may come: undici 6, and the one of Node.js 22 and 24. */
export class LegacyGate extends Gate implements DispatchHandler {
  #abort: ((reason?: unknown) => void) | undefined = undefined;
  #callersReason: { readonly reason: unknown } | undefined = undefined;
  #resume: (() => void) | undefined = undefined;
  /** What the handler returned last. */
  #mayGoOn = true;

  onConnect(...[abort, context]: Told<'onConnect'>): void {
    this.#abort = abort;
    if (this.ending) {
      abort(this.ending.reason);
      return;
    }
    const noting = (reason?: unknown) => {
      this.#callersReason ??= { reason };
      abort(reason);
    };
    this.handler.onConnect?.(noting, context);
  }

  onUpgrade(...told: unknown[]): unknown {
    return this.handler.onUpgrade?.(...told);
  }

  onHeaders(...told: Told<'onHeaders'>): boolean {
    const [status, headers, resume] = told;
    // A response of 1xx is none yet.
    if (status < 200) return this.handler.onHeaders?.(...told) ?? true;
    this.#resume = resume;
    this.headCame({ status, headers: () => joinedHeaders(headers) }, () => {
      this.#mayGoOn = this.handler.onHeaders?.(...told) !== false;
    });
    return !this.isHeld && this.#mayGoOn;
  }

  onData(...told: Told<'onData'>): boolean {
    const isTold = this.pass(() => {
      this.keep(told[0]);
      this.#mayGoOn = this.handler.onData?.(...told) !== false;
    });
    return isTold && this.#mayGoOn;
  }

  onComplete(...told: Told<'onComplete'>): void {
    this.pass(() => {
      this.keptAll();
      this.handler.onComplete?.(...told);
    });
  }

  onError(error: unknown): void {
    this.errorCame(error, this.#callersReason, () => this.handler.onError?.(error));
  }

  protected override abortRequest(reason: unknown): void {
    this.#abort?.(reason);
  }

  protected override beforeRelease(): void {}

  protected override afterRelease(): void {
    if (this.#mayGoOn) this.#resume?.();
  }

  protected override tellAnswer({ status, headers }: HttpAnswer, body: Buffer | undefined): void {
    const { handler } = this;
    let aborted: { readonly reason: unknown } | undefined;
    const abort = (reason?: unknown) => {
      aborted ??= { reason };
    };
    if (!this.#abort) handler.onConnect?.(abort, {});
    if (!aborted) handler.onHeaders?.(status, rawHeadersOf(headers), () => {}, STATUS_CODES[status] ?? '');
    if (!aborted && body) handler.onData?.(body);
    if (aborted) handler.onError?.((aborted as { readonly reason: unknown }).reason);
    else handler.onComplete?.([]);
  }

  protected override tellError(error: unknown): void {
    this.handler.onError?.(error);
  }
}
