/** One server-sent event. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Longest event that is read, in characters: a snapshot of 200,000 breaker instances fits in it many times over. */
const MAX_EVENT_CHARACTERS = 256 * 1024 * 1024;

/** Reads the events of a `text/event-stream` body; comments are passed over. */
export async function* serverEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let line = '';
  let event = 'message';
  let data: string[] = [];
  let size = 0;
  for await (const chunk of body) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    lines[0] = line + lines[0];
    line = lines.pop()!;
    if (line.length + size > MAX_EVENT_CHARACTERS) throw new Error('the stream sent an event without an end');
    for (const raw of lines) {
      const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (text === '') {
        if (data.length > 0) yield { event, data: data.join('\n') };
        event = 'message';
        data = [];
        size = 0;
      } else if (text.startsWith('event:')) event = text.slice(6).trimStart();
      else if (text.startsWith('data:')) {
        data.push(text.startsWith('data: ') ? text.slice(6) : text.slice(5));
        size += text.length;
      }
    }
  }
}
