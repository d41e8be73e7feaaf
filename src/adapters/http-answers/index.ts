export { HttpAnswer, type HttpAnswerOptions, httpAnswer } from '../http-calls/http-answer.ts';
export type { HttpRequest, KeptRequest, ResponseHead } from '../http-calls/http-request.ts';
export type { HttpWire } from '../http-calls/http-wire.ts';
export { type HttpBuffer, httpBuffer } from './http-buffer.ts';
export type { HttpBufferOptions } from './http-buffer-options.ts';
export { type HttpCacheOptions, httpCache } from './http-cache.ts';
export { type OriginWireOptions, originWire } from './origin-wire.ts';
export { requestOf } from './request-of.ts';
export { type StaticAnswerOptions, staticAnswer } from './static-answer.ts';
