import { diagError } from '../telemetry/isolated-observer.ts';
import type { Receipt } from './receipt.ts';

/** A call that was replayed as often as allowed and failed each time, or failed in a way no replay mends. */
export interface DeadCall {
  readonly receipt: Receipt;
  readonly input: unknown;
  readonly key: string | undefined;
  readonly idempotencyKey: string;
  /** Wall time, ms. */
  readonly divertedAt: number;
  readonly attempts: number;
  readonly error: unknown;
}

export type DeadCallHandler = (call: DeadCall) => void | Promise<void>;

/** Hands a dead call over. Returns whether somebody has it now. */
export async function handOverDead(
  call: DeadCall,
  onDead: DeadCallHandler | undefined,
  whose: string,
): Promise<boolean> {
  if (!onDead) return false;
  try {
    await onDead(call);
    return true;
  } catch (thrown) {
    diagError(`onDead of ${whose} threw`, thrown);
    return false;
  }
}
