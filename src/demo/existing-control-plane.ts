import type { ControlPlaneHandle } from './control-plane-keeper.ts';

const ANSWER_WITHIN_MS = 5_000;

/**
 * The control plane at `SWITCHGEAR_URL`.
 * @throws Error, in one sentence, where the environment does not name it, or it does not answer or refuses the token
 */
export async function existingControlPlane(env: NodeJS.ProcessEnv): Promise<ControlPlaneHandle> {
  const url = env.SWITCHGEAR_URL?.replace(/\/+$/, '');
  const token = env.SWITCHGEAR_TOKEN;
  if (!url || !URL.canParse(url))
    throw new Error('--no-control-plane needs SWITCHGEAR_URL, the address of one that runs');
  if (!token) throw new Error('--no-control-plane needs SWITCHGEAR_TOKEN, which may read from that control plane');
  const status = await ask(url, token);
  if (status !== 200) throw new Error(`The control plane at ${url} answers ${status} to SWITCHGEAR_TOKEN`);
  return {
    url,
    operatorToken: token,
    agentToken: env.SWITCHGEAR_AGENT_TOKEN || token,
    pid: null,
    stop: async () => {},
  };
}

async function ask(url: string, token: string): Promise<number> {
  try {
    const response = await fetch(`${url}/api/v1/breakers?limit=1`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error(`The control plane at ${url} does not answer: ${cause instanceof Error ? cause.message : message}`);
  }
}
