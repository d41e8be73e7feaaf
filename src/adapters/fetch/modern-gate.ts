import { STATUS_CODES } from 'node:http';
import type { HttpAnswer } from '../http-calls/http-answer.ts';
import { joinedHeaders } from '../http-calls/joined-headers.ts';
import type { DispatchController, DispatchHandler, Told } from './dispatcher.ts';
import { Gate } from './gate.ts';
import { rawHeadersOf } from './raw-headers.ts';

/** A gate before a handler that has a controller: undici 7 and 8. */
export class ModernGate extends Gate implements DispatchHandler {
  #controller: DispatchController | undefined = undefined;

  onRequestStart(...[controller, context]: Told<'onRequestStart'>): void {
    this.#controller = controller;
    if (this.ending) controller.abort(this.ending.reason);
    else this.handler.onRequestStart?.(controller, context);
  }

  onResponseStart(...told: Told<'onResponseStart'>): void {
    const [controller, status, headers] = told;
    // A response of 1xx is none yet.
    if (status < 200) {
      this.handler.onResponseStart?.(...told);
      return;
    }
    this.headCame({ status, headers: () => joinedHeaders(headers) }, () => this.handler.onResponseStart?.(...told));
    if (this.isHeld) controller.pause();
  }

  onResponseData(...told: Told<'onResponseData'>): void {
    this.pass(() => {
      this.keep(told[1]);
      this.handler.onResponseData?.(...told);
    });
  }

  onResponseEnd(...told: Told<'onResponseEnd'>): void {
    this.pass(() => {
      this.keptAll();
      this.handler.onResponseEnd?.(...told);
    });
  }

  onResponseError(...told: Told<'onResponseError'>): void {
    const [controller, error] = told;
    const callersReason = controller?.aborted ? { reason: controller.reason } : undefined;
    this.errorCame(error, callersReason, () => this.handler.onResponseError?.(...told));
  }

  protected override abortRequest(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** Before: once the handler has its head, a pause is the handler's own. */
  protected override beforeRelease(): void {
    this.#controller?.resume();
  }

  protected override afterRelease(): void {}

  protected override tellAnswer({ status, headers }: HttpAnswer, body: Buffer | undefined): void {
    const { handler } = this;
    const controller = new AnswerController(rawHeadersOf(headers));
    if (!this.#controller) handler.onRequestStart?.(controller, {});
    if (!controller.aborted) handler.onResponseStart?.(controller, status, headers, STATUS_CODES[status] ?? '');
    if (!controller.aborted && body) handler.onResponseData?.(controller, body);
    if (!controller.aborted) handler.onResponseEnd?.(controller, {});
    else handler.onResponseError?.(controller, controller.reason);
  }

  protected override tellError(error: unknown): void {
    this.handler.onResponseError?.(this.#controller ?? null, error);
  }
}

/** The controller of a response that is there as a whole. */
class AnswerController implements DispatchController {
  readonly rawHeaders: Buffer[];
  readonly rawTrailers: Buffer[] = [];
  readonly paused = false;
  aborted = false;
  reason: unknown = null;

  constructor(rawHeaders: Buffer[]) {
    this.rawHeaders = rawHeaders;
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
  }

  pause(): void {}

  resume(): void {}
}
