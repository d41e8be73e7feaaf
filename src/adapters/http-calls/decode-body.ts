import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';

const DECODERS: Readonly<Record<string, (bytes: Uint8Array, limits: { maxOutputLength: number }) => Promise<Buffer>>> =
  {
    gzip: promisify(gunzip),
    'x-gzip': promisify(gunzip),
    deflate: promisify(inflate),
    br: promisify(brotliDecompress),
    zstd: promisify(zstdDecompress),
  };

/** The codings of a `content-encoding`, in the order applied. */
export function codingsOf(headers: Readonly<Record<string, string>>): readonly string[] {
  const codings = (headers['content-encoding'] ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return codings.filter((coding) => coding !== '' && coding !== 'identity');
}

/** Whether what `fetch` gives its caller is decoded. */
export function isDecoded(headers: Readonly<Record<string, string>>): boolean {
  const codings = codingsOf(headers);
  return codings.length > 0 && codings.every((coding) => Object.hasOwn(DECODERS, coding));
}

/** The headers of a message whose body is decoded. */
export function decodedHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { 'content-encoding': _coding, 'content-length': _length, ...others } = headers;
  return others;
}

/** Undoes the codings, the last one first. @throws where one is unknown, the body is broken, or more comes out than `mostBytes` */
export async function decodeBody(body: Uint8Array, codings: readonly string[], mostBytes: number): Promise<Uint8Array> {
  let decoded = body;
  for (const coding of codings.toReversed()) {
    const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    if (!decode) throw new TypeError(`The coding "${coding}" is unknown`);
    decoded = await decode(decoded, { maxOutputLength: mostBytes });
  }
  return decoded;
}
