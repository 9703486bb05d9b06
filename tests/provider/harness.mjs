// What answers beside the provider itself. What goes in is a request:
//
//   /login/…                     logs in and consents, as the options say
//   POST /keys                   a key for the bearer of an access token
//   GET /api                     whose the bearer's access token is; 401 without
//   GET /harness/counts          how often what was asked; POST starts again
//   POST /harness/options?…      changes options, as `options.mjs` has them
//   POST /harness/device?user_code=…[&account=…][&deny=yes]
//                                confirms a device's code in a browser's place
//   GET /harness/code            where a browser can end up with a code
//
// Everything else is the provider's.

import { randomBytes } from 'node:crypto';

import { Browser } from './browser.mjs';
import { count, counts, reset } from './counts.mjs';
import { change, claims, options } from './options.mjs';
import * as pages from './pages.mjs';

export function serve(provider, issuer) {
  const others = provider.callback();
  return async (request, response) => {
    const url = new URL(request.url, issuer);
    const route = `${request.method} ${url.pathname}`;
    try {
      if (url.pathname.startsWith('/login/')) await login(provider, request, response);
      else if (route === 'POST /keys') await keys(provider, request, response);
      else if (route === 'GET /api') await api(provider, request, response);
      else if (route === 'GET /harness/counts') json(response, 200, counts());
      else if (route === 'POST /harness/counts') { reset(); json(response, 200, counts()); }
      else if (route === 'POST /harness/options') set(url, response);
      else if (route === 'POST /harness/device') await device(issuer, url, response);
      else if (route === 'GET /harness/code') html(response, 200, pages.page('Test login', '<p>The code is in the address of this page.</p>'));
      else await others(request, response);
    } catch (error) {
      console.error(route, error);
      if (!response.headersSent) json(response, 500, { error: String(error) });
    }
  };
}

/** Finishes whatever the provider wants to know of the user. */
async function login(provider, request, response) {
  const details = await provider.interactionDetails(request, response);
  const { prompt, params, session, grantId } = details;
  const chosen = cookie(request, 'account');
  let result;
  if (cookie(request, 'deny') || options.DENY) {
    result = refusal();
  } else if (prompt.name !== 'login') {
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope ?? 'openid');
    result = { consent: { grantId: await grant.save() } };
  } else if (options.HUMAN && !chosen && request.method === 'GET') {
    html(response, 200, pages.login(params.client_id, params.scope));
    return;
  } else {
    const form = request.method === 'POST' ? new URLSearchParams(await text(request)) : new Map();
    const accountId = form.get('account') ?? chosen ?? params.login_hint ?? options.LOGIN_AS;
    result = form.get('deny') ? refusal() : { login: { accountId } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

const refusal = () => ({ error: 'access_denied', error_description: 'the user refused' });

/** A key that stands for the account, as a console gives them out. */
async function keys(provider, request, response) {
  const account = await bearer(provider, request);
  count('keys', account ? 'ok' : '401');
  if (!account) json(response, 401, { error: 'invalid_token' });
  else json(response, 200, { key: `s3cr3t-key-${account}-${randomBytes(12).toString('hex')}` });
}

/** The service that all of this is for. */
async function api(provider, request, response) {
  const account = await bearer(provider, request);
  count('api', account ? 'ok' : '401');
  if (!account) json(response, 401, { error: 'invalid_token' });
  else json(response, 200, { hello: claims(account).email });
}

/** The account of a valid access token. */
async function bearer(provider, request) {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() !== 'bearer' || !token) return undefined;
  return (await provider.AccessToken.find(token))?.accountId;
}

function set(url, response) {
  const unknown = change(url.searchParams);
  if (unknown.length > 0) json(response, 400, { error: `no option ${unknown.join(', ')}` });
  else json(response, 200, options);
}

/** Goes through the pages of a device's confirmation. */
async function device(issuer, url, response) {
  const code = url.searchParams.get('user_code') ?? '';
  const browser = new Browser(issuer);
  const account = url.searchParams.get('account');
  if (account) browser.cookies.set('account', account);
  if (url.searchParams.get('deny')) browser.cookies.set('deny', 'yes');
  const first = await browser.open('/device');
  const confirm = await browser.send(first, { user_code: code });
  if (!confirm.text.includes('deviceConfirmForm')) {
    json(response, 404, { error: 'no such code, or it is used already' });
    return;
  }
  const last = await browser.send(confirm, { user_code: code, confirm: 'yes' });
  json(response, last.status < 400 ? 200 : 409, { status: last.status });
}

function cookie(request, name) {
  const pairs = (request.headers.cookie ?? '').split(/; */).map((pair) => pair.split('='));
  return pairs.find(([key]) => key === name)?.[1];
}

async function text(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

function json(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function html(response, status, body) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
}
