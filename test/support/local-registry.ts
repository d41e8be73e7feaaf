import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, delimiter, dirname, join } from 'node:path';
import { pack } from '../../scripts/stage/pack.ts';
import { type StagedPackage, stage } from '../../scripts/stage/stage.ts';
import { type TemporaryFolder, temporaryFolder } from './folders.ts';

const SCOPE = '@switchgear';

/**
 * An npm registry with the staged packages of this repository, and nothing else: npm asks it for their scope alone, and its own
 * registry, whichever that is, for every other package.
 */
export class LocalRegistry {
  readonly packages: readonly StagedPackage[];
  readonly #server: Server;
  readonly #folder: TemporaryFolder;

  private constructor(packages: readonly StagedPackage[], server: Server, folder: TemporaryFolder) {
    this.packages = packages;
    this.#server = server;
    this.#folder = folder;
  }

  /** Stages and packs all packages, and serves them on a free port. */
  static async start(): Promise<LocalRegistry> {
    const folder = temporaryFolder('registry');
    const packages = await stage(folder.path);
    const tarballs = await pack(packages, folder.path);
    const server = createServer(answer(packages, tarballs));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new LocalRegistry(packages, server, folder);
  }

  /** For npm and npx in a project somewhere: this registry, this Node.js, and not a word about how npm itself is set up. */
  get environment(): Readonly<Record<string, string>> {
    const { port } = this.#server.address() as AddressInfo;
    return {
      [`npm_config_${SCOPE}:registry`]: `http://127.0.0.1:${port}/`,
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_loglevel: 'error',
      npm_config_prefer_offline: 'true',
      npm_config_update_notifier: 'false',
      npm_config_noproxy: [process.env.NO_PROXY ?? process.env.no_proxy, '127.0.0.1'].filter(Boolean).join(','),
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#folder.remove();
  }
}

function answer(packages: readonly StagedPackage[], tarballs: readonly string[]): RequestListener {
  const files = new Map(tarballs.map((path) => [`/${basename(path)}`, readFileSync(path)]));
  return (request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const file = files.get(path);
    const asked = packages.findIndex(({ name }) => path === `/${name}`);
    // npm's cache would keep what is another one at the next run.
    response.setHeader('cache-control', 'no-store');
    if (file) response.end(file);
    else if (asked < 0) response.writeHead(404).end();
    else response.end(JSON.stringify(packument(packages[asked]!, tarballs[asked]!, `http://${request.headers.host}`)));
  };
}

/** What a registry tells of a package that has one version. */
function packument({ name, version, folder }: StagedPackage, tarball: string, address: string): object {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object;
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  const dist = { tarball: `${address}/${basename(tarball)}`, integrity };
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
}
