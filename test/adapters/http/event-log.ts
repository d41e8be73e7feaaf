import type { ClientRequest, IncomingMessage } from 'node:http';

const REQUEST_EVENTS = [
  'abort',
  'close',
  'continue',
  'drain',
  'finish',
  'information',
  'prefinish',
  'socket',
  'timeout',
];
const RESPONSE_EVENTS = ['aborted', 'close', 'end', 'pause', 'resume'];

/** All that a caller can see of a request, line by line. */
export class EventLog {
  readonly lines: string[] = [];

  note(line: string): void {
    this.lines.push(line);
  }

  watch(request: ClientRequest, name = 'request'): ClientRequest {
    for (const event of REQUEST_EVENTS) request.on(event, () => this.note(`${name} ${event}`));
    request.on('error', (error) => this.note(`${name} error ${describe(error)}`));
    return request;
  }

  /** Reads a response to its end. */
  read(response: IncomingMessage): void {
    const { statusCode, headers, rawHeaders, httpVersion } = response;
    this.note(`response ${httpVersion} ${statusCode} ${JSON.stringify(headers)} ${rawHeaders.length}`);
    for (const event of RESPONSE_EVENTS) response.on(event, () => this.note(`response ${event}`));
    response.on('error', (error) => this.note(`response error ${describe(error)}`));
    let body = '';
    response.on('data', (chunk) => {
      body += chunk;
    });
    response.on('end', () => this.note(`body ${body} ${JSON.stringify(response.trailers)} ${response.complete}`));
  }
}

function describe(error: NodeJS.ErrnoException): string {
  // A port differs from run to run.
  return `${error.name} ${error.code} ${error.message.replace(/:\d+/g, ':port')}`;
}
