#!/usr/bin/env node
// Tells whether the contract checker would notice: requests that it must pass, and one for each mistake
// that it must find.
'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { check } = require('./contract_check.js');

const ACCOUNT = '/2010-04-01/Accounts/AC00000000000000000000000000000000';
const SERVICE = 'MG00000000000000000000000000000000';
const TEMPLATE = 'HX00000000000000000000000000000000';
const MESSAGE = 'SM00000000000000000000000000000000';
const SMS = 'To=%2B15551112222&From=%2B15553334444&Body=hello';

function twilio(method, resource, body, changes = {}) {
  return {
    method,
    url: `https://api.twilio.com${ACCOUNT}${resource}`,
    headers: { Authorization: 'Basic x', 'Content-Type': 'application/x-www-form-urlencoded' },
    body,
    ...changes,
  };
}

function stripe(method, resource, body, headers = {}) {
  return {
    method,
    url: `https://api.stripe.com/v1${resource}`,
    headers: {
      Authorization: 'Bearer x',
      'Content-Type': 'application/x-www-form-urlencoded',
      'Stripe-Version': '2026-10-28.endive',
      'Stripe-Account': 'acct_1',
      'Idempotency-Key': 'payment:1',
      ...headers,
    },
    body,
  };
}

const PAYMENT = 'amount=1250&currency=usd&automatic_payment_methods%5Benabled%5D=true&metadata%5BpaymentId%5D=1';

const KEPT = {
  'a payment': stripe('POST', '/payment_intents', PAYMENT),
  'a payment that is confirmed at once': stripe(
    'POST',
    '/payment_intents',
    `${PAYMENT}&payment_method=pm_card_visa&confirm=true&automatic_payment_methods%5Ballow_redirects%5D=never`,
  ),
  'a payment given up': stripe('POST', '/payment_intents/pi_1/cancel', 'cancellation_reason=abandoned'),
  'one payment': stripe('GET', '/payment_intents/pi_1', ''),
  'payments of a while': stripe('GET', '/payment_intents?created%5Bgte%5D=1&created%5Blte%5D=2&limit=100', ''),
  'a refund': stripe('POST', '/refunds', 'payment_intent=pi_1&amount=100&reason=requested_by_customer'),
  'the refunds of a payment': stripe('GET', '/refunds?payment_intent=pi_1&limit=100', ''),
  'an SMS with a callback': twilio('POST', '/Messages.json', `${SMS}&StatusCallback=https://x/s`),
  'an SMS through a messaging service': twilio(
    'POST',
    '/Messages.json',
    `To=%2B15551112222&MessagingServiceSid=${SERVICE}&Body=hello&ValidityPeriod=3600`,
  ),
  'a WhatsApp template': twilio(
    'POST',
    '/Messages.json',
    `To=whatsapp%3A%2B15551112222&From=whatsapp%3A%2B15553334444&ContentSid=${TEMPLATE}&ContentVariables=%7B%7D`,
  ),
  'a picture': twilio('POST', '/Messages.json', `${SMS}&MediaUrl=https://x/1.png`),
  'two pictures': twilio('POST', '/Messages.json', `${SMS}&MediaUrl=https://x/1.png&MediaUrl=https://x/2.png`),
  'the list of messages to a number': twilio('GET', '/Messages.json?To=%2B15551112222&PageSize=50', ''),
  'one message': twilio('GET', `/Messages/${MESSAGE}.json`, ''),
  'a redaction': twilio('POST', `/Messages/${MESSAGE}.json`, 'Body='),
  'an SMS to a stand-in': twilio('POST', '/Messages.json', SMS, {
    provider: 'twilio',
    url: `http://127.0.0.1:4010${ACCOUNT}/Messages.json`,
  }),
};

const BROKEN = {
  'a payment in floats': [stripe('POST', '/payment_intents', 'amount=12.5&currency=usd'), /whole number/],
  'a payment without a currency': [stripe('POST', '/payment_intents', 'amount=1250'), /required property 'currency'/],
  'a parameter that was removed': [
    stripe('POST', '/payment_intents', `${PAYMENT}&payment_method_types%5B0%5D=card`),
    /no longer supported/,
  ],
  'an invented parameter': [stripe('POST', '/payment_intents', `${PAYMENT}&cents=1`), /additional properties/],
  'a payment without a key': [
    stripe('POST', '/payment_intents', PAYMENT, { 'Idempotency-Key': '' }),
    /no Idempotency-Key/,
  ],
  'a payment to the platform': [stripe('POST', '/payment_intents', PAYMENT, { 'Stripe-Account': '' }), /Stripe-Account/],
  'a version of the account': [stripe('GET', '/payment_intents/pi_1', '', { 'Stripe-Version': '' }), /pinned/],
  'an invented filter of refunds': [stripe('GET', '/refunds?status=failed', ''), /unknown parameter/],
  'an unknown resource of Stripe': [stripe('POST', '/charges', 'amount=1'), /no such operation/],
  'no sender': [twilio('POST', '/Messages.json', 'To=%2B15551112222&Body=x'), /neither From/],
  'no content': [twilio('POST', '/Messages.json', 'To=%2B15551112222&From=%2B15553334444'), /none of Body/],
  'no recipient': [twilio('POST', '/Messages.json', 'From=%2B15553334444&Body=x'), /required property 'To'/],
  'an invented field': [twilio('POST', '/Messages.json', `${SMS}&Text=x`), /additional properties/],
  'a field in lower case': [twilio('POST', '/Messages.json', `${SMS}&status_callback=x`), /additional properties/],
  'a malformed id': [twilio('POST', '/Messages.json', `${SMS}&MessagingServiceSid=MG1`), /fewer than 34/],
  'text for a number': [twilio('POST', '/Messages.json', `${SMS}&ValidityPeriod=soon`), /integer/],
  'a text too long': [twilio('POST', '/Messages.json', `${SMS}${'x'.repeat(1600)}`), /over 1600/],
  'two bodies': [twilio('POST', '/Messages.json', `${SMS}&Body=again`), /more than once/],
  'an invented filter': [twilio('GET', '/Messages.json?Status=sent', ''), /query .*additional properties/],
  'a page too large': [twilio('GET', '/Messages.json?PageSize=5000', ''), /<= 1000/],
  'an invented status': [twilio('POST', `/Messages/${MESSAGE}.json`, 'Status=sent'), /allowed values/],
  'an unknown operation': [twilio('POST', '/Texts.json', SMS), /no such operation/],
  'a deeper path': [twilio('GET', `/Messages/${MESSAGE}/x.json`, ''), /no such operation/],
  'JSON': [
    twilio('POST', '/Messages.json', '{}', {
      headers: { authorization: 'Basic x', 'content-type': 'application/json' },
    }),
    /content type application\/json/,
  ],
  'a bearer token': [
    twilio('GET', `/Messages/${MESSAGE}.json`, '', { headers: { authorization: 'Bearer x' } }),
    /no Basic authorization/,
  ],
  'a host that only looks right': [
    twilio('POST', '/Messages.json', SMS, { url: `https://api.nottwilio.com${ACCOUNT}/Messages.json` }),
    /no contract/,
  ],
};

for (const [name, request] of Object.entries(KEPT)) {
  test(`passes ${name}`, () => assert.deepStrictEqual(check(request), []));
}

for (const [name, [request, complaint]] of Object.entries(BROKEN)) {
  test(`finds ${name}`, () => assert.match(check(request).join('\n'), complaint));
}
