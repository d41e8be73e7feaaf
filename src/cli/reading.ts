import { BREAKER_STATES, type BreakerState, EVENTS } from '@switchgear/conventions';
import { Command, Option } from 'commander';
import { breakerPath, type CommonOptions, clientOf, lookOf, print, type World, withCommonOptions } from './context.ts';
import { usage } from './failure.ts';
import { agentTable, auditTable, breakerDetail, breakerTable, eventTable } from './render.ts';
import type { AgentItem, AuditItem, BreakerDetailItem, BreakerItem, EventItem, Page } from './views.ts';

/** `ls`, `show`, `events`, `audit`, `agents`: a viewer's token is enough. */
export function readingCommands(world: World): Command[] {
  return [list(world), show(world), events(world), audit(world), agents(world)];
}

interface ListOptions extends CommonOptions {
  readonly service?: string;
  readonly state?: BreakerState;
  readonly query?: string;
}

function list(world: World): Command {
  return withCommonOptions(new Command('ls'))
    .description('list the breakers of the fleet')
    .option('--service <service>', 'only this service')
    .addOption(new Option('--state <state>', 'only breakers in this state').choices(BREAKER_STATES))
    .option('-q, --query <text>', 'only where service or breaker contains this')
    .addHelpText('after', '\nExamples:\n  switchgear ls\n  switchgear ls --state open --json\n')
    .action(async (options: ListOptions) => {
      const client = clientOf(options, world);
      const items: BreakerItem[] = [];
      let cursor: string | null = null;
      do {
        const query = { service: options.service, state: options.state, q: options.query, cursor, limit: '1000' };
        const page: Page<BreakerItem> = await client.call('GET', `/api/v1/breakers${search(query)}`);
        items.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== null);
      print(world, options, { items, nextCursor: null }, () => breakerTable(items, lookOf(world)));
    });
}

function show(world: World): Command {
  return withCommonOptions(new Command('show'))
    .description('show one breaker with its instances')
    .argument('<service>', 'the service, with its namespace where it has one: ns/name')
    .argument('<breaker>', 'the name of the breaker')
    .addHelpText('after', '\nExamples:\n  switchgear show shop payments\n  switchgear show prod/shop payments --json\n')
    .action(async (service: string, breaker: string, options: CommonOptions) => {
      const item = await clientOf(options, world).call<BreakerDetailItem>('GET', breakerPath(service, breaker));
      print(world, options, item, () => breakerDetail(item, lookOf(world)));
    });
}

interface HistoryOptions extends CommonOptions {
  readonly service?: string;
  readonly breaker?: string;
  readonly event?: string;
  readonly limit: string;
}

function history(name: string, description: string, example: string): Command {
  return withCommonOptions(new Command(name))
    .description(description)
    .option('--service <service>', 'only this service')
    .option('--breaker <breaker>', 'only this breaker')
    .option('--limit <count>', 'at most this many, 1 to 1000', '50')
    .addHelpText('after', `\nExamples:\n  ${example}\n`);
}

const EVENT_NAMES = Object.values(EVENTS).map(({ name }) => name);
/** A dependency that fails makes hundreds of events of single calls for each trip, which would be all that is seen. */
const EVENTS_OF_BREAKERS = EVENT_NAMES.filter(
  (name) => name !== EVENTS.callException.name && name !== EVENTS.callRejected.name,
);

function events(world: World): Command {
  return history(
    'events',
    'list what breakers reported, newest first',
    'switchgear events --event breaker.trip --limit 10',
  )
    .addOption(new Option('--event <event>', 'only this event').choices(EVENT_NAMES))
    .option('--calls', 'also failures and rejections of single calls')
    .action(async ({ calls, ...options }: HistoryOptions & { readonly calls?: true }) => {
      const event = options.event ?? (calls ? undefined : EVENTS_OF_BREAKERS.join(','));
      const page = await past<EventItem>('events', { ...options, ...(event !== undefined && { event }) }, world);
      print(world, options, page, () => eventTable(page.items));
    });
}

function audit(world: World): Command {
  return history('audit', 'list what operators did, newest first', 'switchgear audit --service shop').action(
    async (options: HistoryOptions) => {
      const page = await past<AuditItem>('audit', options, world);
      print(world, options, page, () => auditTable(page.items));
    },
  );
}

async function past<Item>(kind: string, options: HistoryOptions, world: World): Promise<Page<Item>> {
  if (!/^[1-9]\d{0,3}$/.test(options.limit) || Number(options.limit) > 1_000)
    throw usage(`--limit must be an integer from 1 to 1000, got "${options.limit}"`);
  const { service, breaker, event, limit } = options;
  return clientOf(options, world).call('GET', `/api/v1/${kind}${search({ service, breaker, event, limit })}`);
}

function agents(world: World): Command {
  return withCommonOptions(new Command('agents'))
    .description('list the processes that have breakers')
    .addHelpText('after', '\nExamples:\n  switchgear agents\n')
    .action(async (options: CommonOptions) => {
      const page = await clientOf(options, world).call<Page<AgentItem>>('GET', '/api/v1/agents');
      print(world, options, page, () => agentTable(page.items, lookOf(world)));
    });
}

function search(query: Readonly<Record<string, string | null | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return given.length > 0 ? `?${new URLSearchParams(given)}` : '';
}
