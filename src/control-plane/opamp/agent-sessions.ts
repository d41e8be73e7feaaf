import {
  DESIRED_STATE_FILE,
  INVENTORY_FILE,
  type Inventory,
  OPAMP_AGENT_CAPABILITIES,
  OPAMP_REPORT_FULL_STATE,
  OPAMP_SERVER_CAPABILITIES,
} from '@switchgear/conventions';
import type { EncodedDocument } from '../desired-state/document.ts';
import type { AgentIdentity } from '../ingest/observation.ts';
import { identityOf } from './agent-identity.ts';
import { parseInventory } from './inventory-check.ts';
import type { AgentMessage, ConfigStatus, ServerMessage } from './messages.ts';

/** The part of the read model that hears of agents. */
export interface AgentRegister {
  sawAgent(agent: AgentIdentity): void;
  agentLeft(agent: AgentIdentity): void;
  reportInventory(agent: AgentIdentity, inventory: Inventory): void;
}

export interface AgentSessionsOptions {
  readonly register: AgentRegister;
  readonly desiredFor: (service: string) => EncodedDocument;
  readonly now?: () => number;
  /** Sessions kept, default 50,000 at about 0.5 KiB each; beyond it the one heard of least recently is forgotten. */
  readonly maxSessions?: number;
  /** Hears when an agent reports that it could not apply its desired state. */
  readonly onFailed?: (agent: AgentIdentity, error: string) => void;
}

/** What is known of one agent between its messages. */
export interface AgentSession {
  /** The instance UID in hex. */
  readonly uid: string;
  agent: AgentIdentity | null;
  sequenceNum: bigint;
  /** False until it has described itself and its breakers since the last gap in its messages. */
  isComplete: boolean;
  /** The hash of the document it holds. */
  hash: Uint8Array | null;
  config: { readonly status: ConfigStatus; readonly error: string | null } | null;
  lastSeenAt: number;
}

/** Takes what agents say over OpAMP, and decides what each is told. */
export class AgentSessions {
  readonly #options: AgentSessionsOptions;
  readonly #now: () => number;
  readonly #sessions = new Map<string, AgentSession>();

  constructor(options: AgentSessionsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Takes one message in. Nothing of a message with a bad part is taken.
   * @throws InvalidInputError naming the field.
   */
  receive(message: AgentMessage): AgentSession {
    const uid = Buffer.from(message.instanceUid).toString('hex');
    const identity = message.agentDescription && identityOf(message.agentDescription, uid);
    const file = message.effectiveConfig?.get(INVENTORY_FILE);
    const inventory = file && parseInventory(file.body, INVENTORY_FILE);
    const session = this.#sessions.get(uid) ?? newSession(uid);
    if (inventory && !identity && !session.agent) {
      // Nobody knows whose breakers these are: they are asked for again together with the description.
      this.#keep(session, message, false);
      return session;
    }
    const isInSequence = this.#sessions.has(uid) && message.sequenceNum === session.sequenceNum + 1n;
    session.agent = identity ?? session.agent;
    this.#keep(session, message, isFull(message, identity) || (isInSequence && session.isComplete));
    if (message.remoteConfigStatus) this.#takeStatus(session, message.remoteConfigStatus);
    if (session.agent) this.#tell(session.agent, message, inventory);
    if (message.agentDisconnect) this.#sessions.delete(uid);
    return session;
  }

  /** What the agent is to be told now. */
  reply(session: AgentSession): ServerMessage {
    const news = session.agent && this.#news(session, session.agent.service);
    return {
      instanceUid: Buffer.from(session.uid, 'hex'),
      flags: session.isComplete ? 0 : OPAMP_REPORT_FULL_STATE,
      capabilities:
        OPAMP_SERVER_CAPABILITIES.acceptsStatus |
        OPAMP_SERVER_CAPABILITIES.offersRemoteConfig |
        OPAMP_SERVER_CAPABILITIES.acceptsEffectiveConfig,
      ...(news && {
        remoteConfig: {
          name: DESIRED_STATE_FILE,
          file: { body: news.body, contentType: 'application/json' },
          hash: news.hash,
        },
      }),
    };
  }

  /** Whether a reply would say anything beyond that the server is there. */
  hasNews(session: AgentSession): boolean {
    return !session.isComplete || !session.agent || this.#news(session, session.agent.service) !== null;
  }

  /** The agents that are in touch, with the status of their last remote configuration. */
  agents(): readonly { readonly agent: AgentIdentity; readonly config: AgentSession['config'] }[] {
    return [...this.#sessions.values()].flatMap(({ agent, config }) => (agent ? [{ agent, config }] : []));
  }

  /** Forgets sessions not heard of since `before`, in milliseconds since the epoch. */
  forget(before: number): void {
    for (const [uid, session] of this.#sessions) {
      if (session.lastSeenAt >= before) return;
      this.#sessions.delete(uid);
    }
  }

  #news(session: AgentSession, service: string): EncodedDocument | null {
    const document = this.#options.desiredFor(service);
    return session.hash && document.hash.equals(session.hash) ? null : document;
  }

  #tell(agent: AgentIdentity, message: AgentMessage, inventory: Inventory | undefined): void {
    const { register } = this.#options;
    if (inventory) register.reportInventory(agent, inventory);
    if (message.agentDisconnect) register.agentLeft(agent);
    else register.sawAgent(agent);
  }

  #takeStatus(session: AgentSession, status: NonNullable<AgentMessage['remoteConfigStatus']>): void {
    session.hash = status.lastRemoteConfigHash.length > 0 ? status.lastRemoteConfigHash : null;
    const error = status.status === 'failed' ? status.errorMessage.slice(0, MAX_ERROR_LENGTH) : null;
    const isNew = error !== null && session.config?.error !== error;
    session.config = { status: status.status, error };
    if (isNew && session.agent) this.#options.onFailed?.(session.agent, error);
  }

  /** The map is kept in the order of last contact, so the first is the one to forget. */
  #keep(session: AgentSession, message: AgentMessage, isComplete: boolean): void {
    session.isComplete = isComplete;
    session.sequenceNum = message.sequenceNum;
    session.lastSeenAt = this.#now();
    this.#sessions.delete(session.uid);
    this.#sessions.set(session.uid, session);
    if (this.#sessions.size > (this.#options.maxSessions ?? 50_000)) {
      const [oldest] = this.#sessions.keys();
      this.#sessions.delete(oldest!);
    }
  }
}

const MAX_ERROR_LENGTH = 2_000;

function newSession(uid: string): AgentSession {
  return { uid, agent: null, sequenceNum: -1n, isComplete: false, hash: null, config: null, lastSeenAt: 0 };
}

/** An agent that cannot report its effective configuration is complete once it has described itself. */
function isFull(message: AgentMessage, identity: AgentIdentity | undefined): boolean {
  if (!identity) return false;
  const cannotReport =
    message.capabilities !== undefined &&
    (message.capabilities & BigInt(OPAMP_AGENT_CAPABILITIES.reportsEffectiveConfig)) === 0n;
  return message.effectiveConfig !== undefined || cannotReport;
}
