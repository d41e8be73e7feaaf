import { Command } from 'commander';
import { type CommonOptions, clientOf, lookOf, type World, withCommonOptions } from './context.ts';
import { CliFailure, EXIT } from './failure.ts';
import { auditLine, eventLine, watchLine } from './render.ts';
import type { ServerEvent } from './sse.ts';
import { oneLine } from './table.ts';
import type { AuditItem, BreakerItem, EventItem } from './views.ts';

/** Follows the live stream; where it ends, it is opened again, and the gap is told. */
export function watchCommand(world: World): Command {
  return withCommonOptions(new Command('watch'))
    .description('follow the fleet: states, events and what operators do, until Ctrl-C')
    .option('--service <service>', 'only this service')
    .addHelpText('after', '\nExamples:\n  switchgear watch\n  switchgear watch --service shop --json\n')
    .action(async (options: WatchOptions) => {
      const client = clientOf(options, world);
      const path = `/api/v1/stream${options.service === undefined ? '' : `?service=${encodeURIComponent(options.service)}`}`;
      let opened = false;
      for (let attempt = 0; !world.stop.aborted; attempt += 1) {
        try {
          for await (const event of client.stream(path, world.stop)) {
            opened = true;
            attempt = 0;
            show(event, options, world);
          }
        } catch (error) {
          if (world.stop.aborted) return;
          // A first failure is the user's to mend (address, token); a later one is a server that restarts.
          if (!opened || attempt >= MAX_ATTEMPTS) throw error;
        }
        if (world.stop.aborted) return;
        if (!opened && attempt > 0) throw new CliFailure(EXIT.failed, 'The stream ended before it told anything.');
        if (attempt >= MAX_ATTEMPTS) throw new CliFailure(EXIT.failed, 'The stream ends again and again.');
        world.error('switchgear: the stream ended; what follows may have a gap. Connecting again.\n');
        await world.sleep(Math.min(10_000, 250 * 2 ** attempt));
      }
    });
}

interface WatchOptions extends CommonOptions {
  readonly service?: string;
}

/** With 10 s between the later attempts, about two minutes without a server. */
const MAX_ATTEMPTS = 15;

function show({ event, data }: ServerEvent, options: WatchOptions, world: World): void {
  const item: unknown = JSON.parse(data);
  if (options.json) {
    world.out(`${JSON.stringify({ event, data: item })}\n`);
    return;
  }
  const look = lookOf(world);
  const at = new Date(look.now).toISOString();
  if (event === 'snapshot')
    for (const breaker of (item as { items: BreakerItem[] }).items) world.out(watchLine(at, 'is', breaker, look));
  else if (event === 'breaker') world.out(watchLine(at, 'now', item as BreakerItem, look));
  else if (event === 'event') world.out(eventLine(item as EventItem));
  else if (event === 'audit') world.out(auditLine(item as AuditItem));
  else if (event === 'removed') {
    const { service, breaker } = item as BreakerItem;
    world.out(`${at}  ${oneLine(`removed   ${service}/${breaker}`)}\n`);
  }
}
