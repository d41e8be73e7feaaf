import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** agent: sends telemetry and takes desired state; viewer: reads; operator: everything. */
export const ROLES = ['agent', 'viewer', 'operator'] as const;
export type Role = (typeof ROLES)[number];

export type Tokens = Readonly<Partial<Record<Role, string>>>;

/** A token that was made because none was given. */
export interface MadeToken {
  readonly role: Role;
  readonly token: string;
  /** The file it is kept in; null where there is no data folder, and the next start makes another one. */
  readonly file: string | null;
}

/**
 * The tokens in force: those given, and for operator and agent, where none is given, the one kept in the data folder or
 * a new one, written there with mode 0600. `made` lists the new ones, so that they can be shown once.
 */
export function completeTokens(given: Tokens, dataFolder: string | null): { tokens: Tokens; made: MadeToken[] } {
  const tokens: Partial<Record<Role, string>> = { ...given };
  const made: MadeToken[] = [];
  for (const role of ['operator', 'agent'] as const) {
    if (tokens[role] !== undefined) continue;
    const file = dataFolder === null ? null : join(dataFolder, `${role}-token`);
    const kept = file === null ? undefined : readToken(file);
    tokens[role] = kept ?? randomBytes(32).toString('base64url');
    if (kept !== undefined) continue;
    if (file !== null) writeToken(dataFolder!, file, tokens[role]);
    made.push({ role, token: tokens[role], file });
  }
  return { tokens, made };
}

/** Tells whose token a request carries, in a time that does not depend on the token. */
export function tokenVerifier(tokens: Tokens): (token: string) => Role | undefined {
  const digests = ROLES.flatMap((role) => (tokens[role] === undefined ? [] : [{ role, digest: sha256(tokens[role]) }]));
  return (token) => {
    const digest = sha256(token);
    let found: Role | undefined;
    for (const known of digests) if (timingSafeEqual(known.digest, digest)) found = known.role;
    return found;
  };
}

function readToken(file: string): string | undefined {
  try {
    const token = readFileSync(file, 'utf8').trim();
    return token === '' ? undefined : token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeToken(folder: string, file: string, token: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
