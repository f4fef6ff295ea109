// Runs the server audits of npm graphql-http (the conformance suite of GraphQL-over-HTTP) against a running service.
//
//   node graphql_http_audits.mjs <url of /graphql> [bearer token]
//
// Prints every audit that does not pass and, last, `N passed, N failed`. Notices and warnings (the suite's SHOULD
// and MAY) count as failures. Exits with 1 when any failed, with 2 when it could not be run.

import { serverAudits } from 'graphql-http';

const [url, token] = process.argv.slice(2);
if (!url) {
  console.error('usage: node graphql_http_audits.mjs <url of /graphql> [bearer token]');
  process.exit(2);
}

function fetchWithLogin(input, init = {}) {
  const headers = new Headers(init.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  return fetch(input, { ...init, headers });
}

async function run(audit) {
  const result = await audit.fn();
  if (result.status !== 'ok') {
    const status = result.response ? ` (HTTP ${result.response.status})` : '';
    console.log(`${result.status} ${audit.id} ${audit.name}: ${result.reason}${status}`);
  }
  return result.status === 'ok';
}

try {
  const outcomes = [];
  for (const audit of serverAudits({ url, fetchFn: fetchWithLogin })) {
    outcomes.push(await run(audit));
  }
  const passed = outcomes.filter(Boolean).length;
  const failed = outcomes.length - passed;
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  console.error(`the audits could not be run against ${url}: ${error.cause ?? error}`);
  process.exit(2);
}
