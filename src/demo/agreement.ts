import type { BreakerState, CallOutcome } from '@switchgear/breaker';

/** What a service says of one of its breakers. */
export interface Claim {
  readonly service: string;
  readonly instance: string;
  readonly breaker: string;
  readonly state: BreakerState;
  /** `null` where the numbers do not reach the control plane straight. */
  readonly calls: Readonly<Record<CallOutcome, number>> | null;
}

/** As much of the API's answer as is compared. */
interface BreakerAnswer {
  readonly byInstance: readonly {
    readonly instance: string;
    readonly state: BreakerState | null;
    readonly calls: Readonly<Record<string, number>>;
  }[];
}

const ASK_EVERY_MS = 250;
const REQUEST_TIMEOUT_MS = 3_000;

/**
 * Asks the control plane for every breaker until it says the same as the services do.
 * @returns where it still says something else after `withinMs`; an empty list where it agrees
 */
export async function disagreements(
  controlPlane: { readonly url: string; readonly operatorToken: string },
  claims: () => Promise<readonly Claim[]>,
  withinMs: number,
): Promise<string[]> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await Promise.all((await claims()).map((claim) => compare(controlPlane, claim)));
    const left = found.filter((difference) => difference !== null);
    if (left.length === 0 || performance.now() >= end) return left;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

async function compare(
  { url, operatorToken }: { readonly url: string; readonly operatorToken: string },
  { service, instance, breaker, state, calls }: Claim,
): Promise<string | null> {
  const name = `${service} → ${breaker}`;
  const path = `/api/v1/breakers/${encodeURIComponent(service)}/${encodeURIComponent(breaker)}`;
  try {
    const response = await fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${operatorToken}` },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) return `${name}: the control plane answered ${response.status}`;
    const seen = (JSON.parse(text) as BreakerAnswer).byInstance.find((each) => each.instance === instance);
    if (!seen) return `${name}: the control plane does not know this instance`;
    if (seen.state !== state) return `${name}: the control plane has it as ${seen.state}, it is ${state}`;
    for (const [outcome, count] of Object.entries(calls ?? {})) {
      if (seen.calls[outcome] !== count) {
        return `${name}: the control plane counts ${seen.calls[outcome]} calls as ${outcome}, they are ${count}`;
      }
    }
    return null;
  } catch (error) {
    const cause = (error as Error).cause;
    return `${name}: the control plane does not answer (${(cause instanceof Error ? cause : (error as Error)).message})`;
  }
}
