// Subscribes with npm graphql-ws, the reference client of graphql-transport-ws, and prints what it receives.
//
//   node graphql_ws_client.mjs <ws url> <subscription document> [options]
//     --params <json>      connectionParams, such as '{"authorization":"Bearer ..."}'
//     --variables <json>   variables of the document
//     --count <number>     stop after so many events (default 1)
//     --timeout <seconds>  give up after so long (default 10)
//     --retries <number>   how often the client may reconnect (default 0)
//
// Prints each event as one JSON line `{"next": ...}`. The end is one more line: `{"completed": true}` when the server
// completed the operation, `{"errors": [...]}` when it refused it, `{"closed": {"code": 4401, "reason": "..."}}` when
// it closed the socket. Exits with 0 after <count> events or a completion, 1 after errors or a close, 2 otherwise.

import { parseArgs } from 'node:util';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    params: { type: 'string' },
    variables: { type: 'string' },
    count: { type: 'string', default: '1' },
    timeout: { type: 'string', default: '10' },
    retries: { type: 'string', default: '0' },
  },
});
const [url, query] = positionals;
if (!url || !query) {
  console.error('usage: node graphql_ws_client.mjs <ws url> <subscription document> [--params json] [--count n]');
  process.exit(2);
}

const print = (line) => console.log(JSON.stringify(line));
const parse = (text) => (text === undefined ? undefined : JSON.parse(text));
const wanted = Number(values.count);

const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: parse(values.params),
  retryAttempts: Number(values.retries),
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
});

function end(code, line) {
  if (line) print(line);
  clearTimeout(timer);
  process.exitCode = code;
  client.dispose();
}

const timer = setTimeout(() => {
  console.error(`nothing more came within ${values.timeout} s`);
  process.exit(2);
}, Number(values.timeout) * 1000);

let received = 0;
client.subscribe(
  { query, variables: parse(values.variables) },
  {
    next(result) {
      if (received >= wanted) return;
      received += 1;
      print({ next: result });
      if (received === wanted) end(0);
    },
    error(reason) {
      if (Array.isArray(reason)) end(1, { errors: reason });
      else if (reason?.code) end(1, { closed: { code: reason.code, reason: reason.reason } });
      else end(2, { failed: String(reason?.message ?? reason) });
    },
    complete() {
      if (received < wanted) end(0, { completed: true });
    },
  },
);
