import { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { AnswerSocket } from './answer-socket.ts';
import { opened, type UsedSocket } from './node-internals.ts';

type OnSocket = (socket: Socket | null, error?: Error) => void;

/**
 * Gives a request a socket that a neutral wire answers on, in place of the one it has, if any: that one is closed.
 * @param onSocket the request's own
 */
export function answerRequest(request: ClientRequest, onSocket: OnSocket): AnswerSocket {
  const client = opened(request);
  const left = client.socket as UsedSocket | null;
  if (left) leaveSocket(left);
  // What the end of the former exchange has left in it. What is written now waits for the new socket.
  client.socket = null;
  client.res = null;
  client.destroyed = false;
  client._closed = false;
  client._ended = false;
  client.timeoutCb = null;
  // The socket stays open until the request is sent as well: an early answer must not break it.
  client.shouldKeepAlive = true;
  const socket = new AnswerSocket();
  onSocket.call(request, socket);
  // Its end was on its way over the socket that it has left.
  if (client.finished && !client.writableFinished && client.outputData.length === 0) {
    client.finished = false;
    Reflect.apply(ClientRequest.prototype.end, request, []);
  }
  if (client.timeout) socket.setTimeout(client.timeout);
  return socket;
}

/** Parts a socket from its request: what becomes of it from now on is no business of the request's. */
function leaveSocket(socket: UsedSocket): void {
  // What node:http asks of the request of a socket that ends; it says itself that its error was told.
  socket._httpMessage = {
    res: null,
    socket: { _hadError: true },
    finished: true,
    destroyed: false,
    outputData: [],
    emit: () => false,
  };
  socket.destroy();
}

/** Back to its agent, where a request that does not need it any more was given a socket. */
export function giveBack(request: ClientRequest, socket: Socket): void {
  process.nextTick(() => {
    if (socket.destroyed) return;
    if (opened(request).agent && socket.listenerCount('free') > 0) socket.emit('free');
    else socket.destroy();
  });
}
