import { diag, type LoggerProvider, type TracerProvider } from '@opentelemetry/api';
import {
  ENTRIES,
  type Entry,
  laterVersion,
  putGlobal,
  registeredGlobals,
  removeGlobal,
  speakVersion,
} from './registered-globals.ts';
import type { RegistrationListener } from './service-sdk.ts';
import { YieldingLoggerProvider, YieldingTracerProvider } from './yielding-providers.ts';

interface Registration {
  readonly value: unknown;
  readonly end: () => Promise<void>;
}

const REFUSED =
  "The service's SDK came by a copy of @opentelemetry/api that register could not see, such as one in a bundle: " +
  'what it was refused for that goes by register';

/** What register has registered with OpenTelemetry, each until the service registers its own. */
export class OwnRegistrations implements RegistrationListener {
  readonly #apiVersion: string;
  readonly #onTaken: (entry: Entry) => void;
  readonly #own = new Map<Entry, Registration>();
  readonly #ending: Promise<unknown>[] = [];
  #isRefusing = false;

  /**
   * @param apiVersion of register's copy of the API
   * @param onTaken hears what the service has registered in the place of register's
   */
  constructor(apiVersion: string, onTaken: (entry: Entry) => void) {
    this.#apiVersion = apiVersion;
    this.#onTaken = onTaken;
    speakVersion(laterVersion(registeredGlobals().version ?? apiVersion, apiVersion));
  }

  /** Registers what is free. */
  put(made: Readonly<Partial<Record<Entry, unknown>>>): void {
    for (const entry of ENTRIES) {
      if (made[entry] === undefined || registeredGlobals()[entry] !== undefined) continue;
      const value = yielding(entry, made[entry]);
      putGlobal(entry, value, this.#apiVersion);
      this.#own.set(entry, { value, end: () => endOf(entry, made[entry]) });
    }
    // Registered before anything could be made.
    this.#own.set('diag', { value: registeredGlobals().diag, end: async () => {} });
  }

  before(entry: Entry, apiVersion = this.#apiVersion): void {
    const own = this.#own.get(entry);
    if (own && registeredGlobals()[entry] === own.value) removeGlobal(entry);
    speakVersion(apiVersion);
  }

  after(entry: Entry, apiVersion = this.#apiVersion): void {
    speakVersion(laterVersion(apiVersion, this.#apiVersion));
    const own = this.#own.get(entry);
    const now = registeredGlobals()[entry];
    if (!own || now === own.value) return;
    if (now === undefined) {
      putGlobal(entry, own.value, this.#apiVersion);
      return;
    }
    this.#own.delete(entry);
    if (own.value instanceof YieldingTracerProvider) own.value.setDelegate(now as TracerProvider);
    if (own.value instanceof YieldingLoggerProvider) own.value.setDelegate(now as LoggerProvider);
    const end = own.end();
    this.#ending.push(end.catch((error: Error) => diag.debug(`The end of register's own ${entry}: ${error.message}`)));
    this.#onTaken(entry);
  }

  /**
   * What the API says where it refuses the service a registration: its copy is one that could not be watched. What it has not come to
   * yet is made free for it. Returns false where it is about something else.
   */
  hearRefusal(message: string): boolean {
    const [, entry] = /Attempted duplicate registration of API: (\w+)/.exec(message) ?? [];
    const [, apiVersion] = /does not match previously registered API v(\S+)/.exec(message) ?? [];
    if (apiVersion !== undefined && this.#isRefusing) {
      // From now on it registers what is left.
      speakVersion(apiVersion);
      return true;
    }
    const own = this.#own.get(entry as Entry);
    if (!own || registeredGlobals()[entry as Entry] !== own.value) return false;
    if (this.#isRefusing) return true;
    this.#isRefusing = true;
    const version = registeredGlobals().version;
    const free = ENTRIES.filter((other) => other !== entry && other !== 'diag');
    for (const other of free) this.before(other, version);
    setImmediate(() => {
      this.#isRefusing = false;
      for (const other of free) this.after(other, version);
      diag.warn(REFUSED);
    });
    return true;
  }

  /** Ends what is still there. */
  async end(): Promise<void> {
    await Promise.all([...this.#ending, ...[...this.#own.values()].map(({ end }) => end())]);
  }
}

function yielding(entry: Entry, made: unknown): unknown {
  if (entry === 'trace') return new YieldingTracerProvider(made as TracerProvider);
  if (entry === 'logs') return new YieldingLoggerProvider(made as LoggerProvider);
  return made;
}

/** A context manager goes on without an end: exports that are under way are marked by it. */
async function endOf(entry: Entry, made: unknown): Promise<void> {
  if (entry === 'trace' || entry === 'metrics' || entry === 'logs') {
    await (made as { shutdown(): Promise<void> }).shutdown();
  }
}
