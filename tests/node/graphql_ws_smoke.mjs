// The live half of the main job, with npm graphql-ws as a browser would use it, against a running `funnelchat dev`.
//
//   node graphql_ws_smoke.mjs <base url of the API> <base url of the sandbox>
//
// A socket without a login is closed with 4401. An agent signs in (password, TOTP), follows their inbox, a debtor's
// text comes in through the sandbox, and the agent's open subscription must show it. Exits with 1 when it does not.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [api, sandbox] = process.argv.slice(2);
if (!api || !sandbox) {
  console.error('usage: node graphql_ws_smoke.mjs <base url of the API> <base url of the sandbox>');
  process.exit(2);
}

// The demo log-in, and a demo debtor with their business's number, as `funnelchat dev` prints them.
const LOGIN = { email: 'agent@acme.example', password: 'correct horse battery staple' };
const TOTP_SECRET = 'JBSWY3DPEHPK3PXP';
const DEBTOR = '+12125550110';
const BUSINESS = '+12125550100';
const PATIENCE_MS = 20_000;

function base32(text) {
  const bits = [...text].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

// RFC 6238 with its usual parameters: 30 seconds, SHA-1, six digits.
function totp() {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac('sha1', base32(TOTP_SECRET)).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

async function post(url, body, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, `${url} answered ${response.status}: ${await response.clone().text()}`);
  return response.json();
}

async function mutate(field, type, input, selection) {
  const query = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message } } }`;
  const { data, errors } = await post(`${api}/graphql`, { query, variables: { input } });
  assert.equal(errors, undefined, JSON.stringify(errors));
  assert.deepEqual(data[field].userErrors, []);
  return data[field];
}

async function signIn() {
  const { mfaChallenge } = await mutate('login', 'LoginInput', LOGIN, 'mfaChallenge { token }');
  const answer = { token: mfaChallenge.token, code: totp() };
  const { session } = await mutate('completeMfa', 'CompleteMfaInput', answer, 'session { accessToken }');
  return session.accessToken;
}

function client(connectionParams, on = {}) {
  const url = `${api.replace(/^http/, 'ws')}/graphql/ws`;
  return createClient({ url, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0, lazy: false, on,
    onNonLazyError: () => {} });
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function anonymousSocketsAreClosed() {
  const closed = new Promise((resolve) => client({}, { closed: resolve }));
  const { code } = await within(closed, 'the close of a socket without a login');
  assert.equal(code, 4401);
}

async function aTextArrivesLive() {
  const authorization = `Bearer ${await signIn()}`;
  const text = `Can I set up a payment plan? (${Date.now()})`;
  const connected = deferred();
  const socket = client({ authorization }, { connected: connected.resolve });
  await within(connected.promise, 'the acknowledgement of the login');
  // After the cursor of now, so that nothing is missed while the subscription opens.
  const now = await post(`${api}/graphql`, { query: '{ viewer { inboxCursor } }' }, { authorization });
  const events = socket.iterate({
    query: `subscription($after: Cursor) { inboxEvents(after: $after) {
      __typename ... on MessageAdded { cursor message { content deliveryStatus } } } }`,
    variables: { after: now.data.viewer.inboxCursor },
  });
  const seen = (async () => {
    for await (const { data, errors } of events) {
      assert.equal(errors, undefined, JSON.stringify(errors));
      const event = data.inboxEvents;
      if (event.__typename === 'MessageAdded' && event.message.content === text) return event;
    }
    throw new Error('the subscription ended early');
  })();
  const sent = await post(`${sandbox}/control/sms`, { from: DEBTOR, to: BUSINESS, body: text });
  assert.equal(sent.webhook_status, 200);
  const event = await within(seen, 'the text on the open subscription');
  assert.equal(event.message.deliveryStatus, 'RECEIVED');
  assert.ok(event.cursor);
  await socket.dispose();
}

// As Promise.withResolvers, which is younger than the oldest Node.js that this runs on.
function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

try {
  await anonymousSocketsAreClosed();
  await aTextArrivesLive();
  console.log('a socket without a login is closed with 4401, and a text arrives on an open subscription');
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
