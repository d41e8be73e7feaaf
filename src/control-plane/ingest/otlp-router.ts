import express, { type Request, type Response, type Router } from 'express';
import { HttpProblem } from '../http/problem.ts';
import { jsonResponse, protobufResponse, type Signal } from './export-response.ts';
import { readLogs } from './json/logs.ts';
import { readMetrics } from './json/metrics.ts';
import { readTraces } from './json/traces.ts';
import { LogBatch } from './log-batch.ts';
import { MetricBatch } from './metric-batch.ts';
import type { Observation, ObservationSink } from './observation.ts';
import { scanLogs } from './protobuf/logs.ts';
import { scanMetrics } from './protobuf/metrics.ts';
import { scanTraces } from './protobuf/traces.ts';
import type { Rejections } from './rejections.ts';
import { readBody } from './request-body.ts';
import { TraceBatch } from './trace-batch.ts';

export interface OtlpRouterOptions {
  /** Gets the observations of each request before it is acknowledged; where it throws, the sender is told to try again. */
  readonly sink: ObservationSink;
  /** Bound of a body in bytes, before and after decompression. Default 4 MiB. */
  readonly maxBytes?: number;
  /**
   * Hears of each request: `accepted` with the points, records or spans that were taken, and `refused` with those that
   * were turned away: 0 where the request could not be read, all of them where the sink failed.
   */
  readonly onBatch?: (signal: Signal, result: 'accepted' | 'refused', points: number) => void;
  /** Hears why the sink failed. */
  readonly onSinkError?: (error: unknown) => void;
  /** Milliseconds since the epoch, for points without a time. Default `Date.now`. */
  readonly now?: () => number;
}

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
/** Seconds after which a sender may try again when the sink failed. */
const RETRY_AFTER_SECONDS = 5;

type ContentType = 'application/x-protobuf' | 'application/json';

interface Decoded {
  readonly observations: readonly Observation[];
  /** What was taken. */
  readonly points: number;
  readonly rejections: Rejections;
}

type Decode = (body: Uint8Array, type: ContentType, now: number) => Decoded;

/**
 * OTLP/HTTP for metrics, logs and traces as the stock OpenTelemetry exporters send it: `POST /metrics`, `/logs` and
 * `/traces` under its mount point. Answers 200 with an `Export…ServiceResponse` in the content type of the request,
 * with `partial_success` where something was turned away; throws HttpProblem or InvalidInputError otherwise:
 * 400 malformed, 413 too large, 415 unknown type or encoding, 503 with Retry-After where the sink failed.
 * It has no authentication of its own.
 */
export function otlpRouter(options: OtlpRouterOptions): Router {
  const router = express.Router();
  router.post('/metrics', exportHandler('metrics', decodeMetrics, options));
  router.post('/logs', exportHandler('logs', decodeLogs, options));
  router.post('/traces', exportHandler('traces', decodeTraces, options));
  return router;
}

function exportHandler(signal: Signal, decode: Decode, options: OtlpRouterOptions) {
  const { sink, onBatch, onSinkError, maxBytes = DEFAULT_MAX_BYTES, now = Date.now } = options;
  return async (request: Request, response: Response): Promise<void> => {
    let decoded: Decoded;
    let type: ContentType;
    try {
      type = contentType(request);
      decoded = decode(await readBody(request, maxBytes), type, now());
    } catch (error) {
      onBatch?.(signal, 'refused', 0);
      // What is left of an oversized body is not worth reading.
      if (!request.complete) response.set('Connection', 'close');
      throw error;
    }
    const { observations, points, rejections } = decoded;
    try {
      if (observations.length > 0) await sink(observations);
    } catch (error) {
      onBatch?.(signal, 'refused', points + rejections.count);
      onSinkError?.(error);
      response.set('Retry-After', String(RETRY_AFTER_SECONDS));
      throw new HttpProblem(503, 'The telemetry was read but could not be kept; send it again.');
    }
    onBatch?.(signal, 'accepted', points);
    if (rejections.count > 0) onBatch?.(signal, 'refused', rejections.count);
    response.status(200).set('Content-Type', type);
    if (type === 'application/json') response.end(jsonResponse(signal, rejections));
    else response.end(protobufResponse(rejections));
  };
}

function contentType(request: Request): ContentType {
  const value = request.headers['content-type'];
  const type = value?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf' || type === 'application/json') return type;
  const rule = 'must be application/x-protobuf or application/json';
  throw new HttpProblem(415, `The request is refused: Content-Type ${rule}.`, [{ field: 'Content-Type', rule, value }]);
}

function decodeMetrics(body: Uint8Array, type: ContentType, now: number): Decoded {
  const batch = new MetricBatch(now);
  if (type === 'application/json') readMetrics(body, batch);
  else scanMetrics(body, batch);
  return { observations: batch.observations, points: batch.observations.length, rejections: batch.rejections };
}

function decodeLogs(body: Uint8Array, type: ContentType, now: number): Decoded {
  const batch = new LogBatch(now);
  if (type === 'application/json') readLogs(body, batch);
  else scanLogs(body, batch);
  return { observations: batch.observations, points: batch.observations.length, rejections: batch.rejections };
}

function decodeTraces(body: Uint8Array, type: ContentType): Decoded {
  const batch = new TraceBatch();
  if (type === 'application/json') readTraces(body, batch);
  else scanTraces(body, batch);
  return { observations: [], points: batch.spans, rejections: batch.rejections };
}
