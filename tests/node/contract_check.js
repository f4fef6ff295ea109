#!/usr/bin/env node
// Checks recorded requests to a vendor against the types which the vendor publishes.
//
// usage: node contract_check.js requests.jsonl
//
// Each line: {"provider": "twilio", "method": "POST", "url": "https://…", "headers": {…}, "body": "raw text"}.
// Without "provider" the host tells. Requests to a stand-in on another host name the provider; they are
// taken for requests to "twilio_host", or else to api.twilio.com.
// Prints what is wrong, and exits 1 when a request has an error or there is no request at all.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const Ajv = require('ajv').default;
const qs = require('qs');

const CONTRACTS = path.join(__dirname, '..', 'data', 'contracts');
const FORM = 'application/x-www-form-urlencoded';
// Twilio's limits which its types do not state.
const LONGEST_SMS_BODY = 1600;

// Reads whose parameters Stripe's types state elsewhere, or which have none.
const STRIPE_READS = {
  'GET /v1/payment_intents/{id}': ['client_secret', 'expand'],
  'GET /v1/refunds': ['charge', 'created', 'ending_before', 'expand', 'limit', 'payment_intent', 'starting_after'],
};

const checkers = {
  twilio: twilioChecker(readContract('twilio')),
  stripe: stripeChecker(readContract('stripe')),
};

/** All errors of one recorded request, as sentences; empty when it keeps the contract. */
function check(request) {
  const url = new URL(request.url);
  const provider = request.provider ?? providerOfHost(url.hostname);
  const checker = checkers[provider];
  if (!checker) return [`no contract for ${provider ?? `the host ${url.hostname}`}`];
  return checker({
    url,
    method: request.method.toUpperCase(),
    headers: new Headers(request.headers),
    body: request.body ?? '',
    host: request.twilio_host,
  });
}

function providerOfHost(host) {
  if (host === 'twilio.com' || host.endsWith('.twilio.com')) return 'twilio';
  return host === 'api.stripe.com' ? 'stripe' : undefined;
}

function readContract(provider) {
  return JSON.parse(fs.readFileSync(path.join(CONTRACTS, `${provider}.requests.json`), 'utf8'));
}

function twilioChecker(contract) {
  // Values of a query and a form are text: numbers and booleans are read from it, a single value is a list.
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, coerceTypes: 'array' });
  const operations = Object.entries(contract.ops).map(([template, operation]) => ({
    pattern: patternOf(template),
    query: ajv.compile(operation.query),
    contentType: operation.body?.ct,
    schema: operation.body?.schema,
    body: operation.body ? ajv.compile(operation.body.schema) : undefined,
  }));

  return (request) => {
    const errors = [];
    if (!/^Basic /.test(request.headers.get('authorization') ?? '')) errors.push('no Basic authorization');
    const host = request.url.hostname.endsWith('.twilio.com')
      ? request.url.hostname
      : (request.host ?? 'api.twilio.com');
    const called = `${host} ${request.method} ${request.url.pathname}`;
    const operation = operations.find(({ pattern }) => pattern.test(called));
    if (!operation) return [...errors, `no such operation: ${called}`];
    errors.push(...violations(operation.query, fieldsOf(request.url.searchParams)).map((e) => `query ${e}`));
    if (operation.body) errors.push(...twilioBodyErrors(operation, request));
    return errors;
  };
}

function stripeChecker(contract) {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, coerceTypes: 'array' });
  const operations = Object.entries(contract.ops).map(([template, schema]) => ({
    pattern: patternOf(template),
    validate: ajv.compile({ ...schema, definitions: contract.definitions }),
  }));
  const reads = Object.entries(STRIPE_READS).map(([template, known]) => ({ pattern: patternOf(template), known }));

  return (request) => {
    const errors = stripeHeaderErrors(request);
    const called = `${request.method} ${request.url.pathname}`;
    const text = request.method === 'POST' ? request.body : request.url.search.slice(1);
    const fields = qs.parse(text, { depth: 20, arrayLimit: 200 });
    const read = reads.find(({ pattern }) => pattern.test(called));
    if (read) {
      const unknown = Object.keys(fields).filter((name) => !read.known.includes(name));
      return [...errors, ...unknown.map((name) => `unknown parameter ${name}`)];
    }
    const operation = operations.find(({ pattern }) => pattern.test(called));
    if (!operation) return [...errors, `no such operation: ${called}`];
    // Taken out of the API in 2026-09-30.endive, which the types still leave open.
    if ('payment_method_types' in fields) errors.push('payment_method_types is no longer supported');
    if (fields.amount !== undefined && !/^[1-9][0-9]*$/.test(fields.amount)) {
      errors.push('amount is no whole number of minor units');
    }
    return [...errors, ...violations(operation.validate, fields)];
  };
}

function stripeHeaderErrors(request) {
  const errors = [];
  const header = (name) => request.headers.get(name) ?? '';
  if (!/^Bearer /.test(header('authorization'))) errors.push('no Bearer authorization');
  if (!/^\d{4}-\d{2}-\d{2}\.\w+$/.test(header('stripe-version'))) errors.push('no Stripe-Version is pinned');
  if (!header('stripe-account').startsWith('acct_')) errors.push('no Stripe-Account: it would go to the platform');
  if (request.method !== 'POST') return errors;
  const contentType = header('content-type').split(';')[0].trim();
  if (contentType !== FORM) errors.push(`content type ${contentType || '(none)'}, want ${FORM}`);
  const key = header('idempotency-key');
  if (key === '' || key.length > 255) errors.push('no Idempotency-Key of 1 to 255 characters');
  return errors;
}

function twilioBodyErrors(operation, request) {
  const contentType = (request.headers.get('content-type') ?? '').split(';')[0].trim();
  if (contentType !== operation.contentType) {
    return [`content type ${contentType || '(none)'}, want ${operation.contentType}`];
  }
  if (contentType !== FORM) return [`this checker reads forms only, not ${contentType}`];
  const fields = fieldsOf(new URLSearchParams(request.body));
  const errors = repeatedFields(fields, operation.schema);
  if (operation.schema.title === 'CreateMessageRequest') errors.push(...createMessageErrors(fields));
  if ([...textOf(fields.Body)].length > LONGEST_SMS_BODY) {
    errors.push(`Body over ${LONGEST_SMS_BODY} characters`);
  }
  // Last, because validating reads numbers and lists out of the text in place.
  return [...violations(operation.body, fields), ...errors];
}

// What Twilio's documentation requires of a new message, and its types leave open.
function createMessageErrors(fields) {
  const errors = [];
  if (!fields.From && !fields.MessagingServiceSid) errors.push('neither From nor MessagingServiceSid');
  if (!fields.Body && !fields.MediaUrl && !fields.ContentSid) {
    errors.push('none of Body, MediaUrl, ContentSid');
  }
  return errors;
}

/** A field that is not a list may stand once only: which value the vendor takes is not defined. */
function repeatedFields(fields, schema) {
  return Object.entries(fields)
    .filter(([name, value]) => Array.isArray(value) && schema.properties?.[name]?.type !== 'array')
    .map(([name]) => `${name} is given more than once`);
}

function textOf(value) {
  return typeof value === 'string' ? value : '';
}

/** A query or form as an object; a repeated name becomes a list. */
function fieldsOf(parameters) {
  const fields = {};
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    fields[name] = values.length === 1 ? values[0] : values;
  }
  return fields;
}

/** `api.twilio.com POST /Accounts/{Sid}.json` as an expression in which `{…}` is one path segment. */
function patternOf(template) {
  const escaped = template
    .split(/\{[^}]+\}/)
    .map((literal) => literal.replace(/[.*+?^$()|[\]\\]/g, '\\$&'))
    .join('[^/]+');
  return new RegExp(`^${escaped}$`);
}

function violations(validate, value) {
  if (validate(value)) return [];
  return validate.errors.map((e) => `${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params)}`);
}

function main(file) {
  if (!file) {
    console.error('usage: contract_check.js requests.jsonl');
    return 2;
  }
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter((line) => line.trim());
  let failed = 0;
  lines.forEach((line, index) => {
    const request = JSON.parse(line);
    const errors = check(request);
    if (errors.length === 0) return;
    failed += 1;
    console.log(`#${index + 1} ${request.method} ${request.url}`);
    for (const error of errors) console.log(`   ${error}`);
  });
  console.log(`${lines.length} requests, ${failed} with errors`);
  return failed > 0 || lines.length === 0 ? 1 : 0;
}

if (require.main === module) process.exit(main(process.argv[2]));

module.exports = { check };
