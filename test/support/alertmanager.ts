import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folders.ts';
import { Child, freePort } from './processes.ts';
import { requireTool } from './tools.ts';

/** Debian's Alertmanager as a plain process on a free loopback port, sending all alerts to one webhook, fast. */
export class Alertmanager {
  /** `host:port`, as Prometheus' configuration wants it. */
  readonly address: string;
  readonly child: Child;
  #removeFolder: () => void;

  private constructor(child: Child, address: string, removeFolder: () => void) {
    this.child = child;
    this.address = address;
    this.#removeFolder = removeFolder;
  }

  /**
   * Starts it and waits until it is ready.
   * @throws Error where Alertmanager is missing or does not come up, with what it printed.
   */
  static async start({ webhookUrl }: { readonly webhookUrl: string }): Promise<Alertmanager> {
    const program = requireTool('prometheus-alertmanager', 'prometheus-alertmanager');
    if (program === undefined) throw new Error('prometheus-alertmanager is not installed');
    const folder = temporaryFolder('alertmanager');
    const configPath = join(folder.path, 'alertmanager.yaml');
    // JSON is YAML.
    writeFileSync(
      configPath,
      JSON.stringify({
        route: {
          receiver: 'webhook',
          group_by: ['...'],
          group_wait: '0s',
          group_interval: '1s',
          repeat_interval: '1h',
        },
        receivers: [{ name: 'webhook', webhook_configs: [{ url: webhookUrl, send_resolved: true }] }],
      }),
    );
    const address = `127.0.0.1:${await freePort()}`;
    const child = new Child(program, [
      `--config.file=${configPath}`,
      `--storage.path=${join(folder.path, 'data')}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
      '--log.level=warn',
    ]);
    const alertmanager = new Alertmanager(child, address, folder.remove);
    try {
      await child.waitForHttp(`http://${address}/-/ready`);
    } catch (error) {
      await alertmanager.stop();
      throw error;
    }
    return alertmanager;
  }

  async stop(): Promise<void> {
    await this.child.end();
    this.#removeFolder();
  }
}
