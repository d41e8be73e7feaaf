/** What of undici's dispatchers the guard touches: versions 6 to 8, and the one that is built into Node.js. */
export interface DispatchOptions {
  readonly origin?: string | URL | undefined;
  readonly path?: string | undefined;
  readonly method?: string | undefined;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, unknown>> | null | undefined;
  readonly upgrade?: unknown;
  /** Of `request` and `stream`; the one of `fetch` is nowhere to be seen. */
  readonly signal?: unknown;
}

export interface DispatchController {
  readonly aborted: boolean;
  readonly reason: unknown;
  abort(reason: unknown): void;
  pause(): void;
  resume(): void;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Hears of a request. The first methods are those of undici 7 and 8, the last those of 6, which 7 takes as well. */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): void;
  onResponseStart?(controller: DispatchController, status: number, headers: Headers, statusText?: string): void;
  onResponseData?(controller: DispatchController, chunk: Buffer): void;
  onResponseEnd?(controller: DispatchController, trailers: Headers): void;
  onResponseError?(controller: DispatchController | null, error: unknown): void;
  onRequestUpgrade?(...told: unknown[]): unknown;

  onConnect?(abort: (reason?: unknown) => void, context?: unknown): void;
  onHeaders?(status: number, headers: Buffer[], resume: () => void, statusText?: string): boolean;
  onData?(chunk: Buffer): boolean;
  onComplete?(trailers: Buffer[] | null): void;
  onError?(error: unknown): void;
  onUpgrade?(...told: unknown[]): unknown;

  onResponseStarted?(): void;
  onBodySent?(chunk: unknown): unknown;
  onRequestSent?(): unknown;
}

/** What a method of a handler is told. */
export type Told<Name extends keyof DispatchHandler> = Parameters<NonNullable<DispatchHandler[Name]>>;

export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean;
