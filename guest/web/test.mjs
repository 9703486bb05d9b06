/**
 * Tests of the module in Node: `node --test guest/web/test.mjs`, once `build`
 * has run. Those in a browser are in `test-browser.mjs`.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// Before the engine is there: what it is instantiated with, and the memories.
const instances = [];
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (module, imports) => {
  const instance = await instantiate(module, imports);
  instances.push({ module, instance });
  return instance;
};

const keyrule = await import('./keyrule.js');
const { EngineError, HandsError, Policy, PolicyError, resolve } = keyrule;
const { component, modules } = await import('./engine/core.js');
const { hands, run, sandbox } = await import('./sandbox.mjs');
const { shipped } = await import('./read.mjs');

const folder = fileURLToPath(new URL('.', import.meta.url));
const load = async (name) => Policy.load(name, [await shipped(name)]);
const WEB = { surface: 'web' };
const TERMINAL = { surface: 'terminal', interactive: true };

test('the engine here is the committed component', async () => {
  const committed = await readFile(`${folder}../prebuilt/policy.wasm`);
  const digest = createHash('sha256').update(committed).digest('hex');
  assert.equal(component, digest, 'run `guest/web/build`');
});

test('no core module imports anything from outside', async () => {
  for (const [name, text] of Object.entries(modules)) {
    const module = await WebAssembly.compile(Buffer.from(text, 'base64'));
    const imports = WebAssembly.Module.imports(module);
    // Its own handles, and what joins the modules to each other.
    const own = ({ module }) => module === '' || module === '[export]keyrule:policy/engine@0.1.0';
    assert.deepEqual(imports.filter((of) => !own(of)), [], name);
  }
});

test('in a web session variables are not even looked at', async () => {
  const looked = [];
  const variables = new Proxy(sandbox.variables, {
    get(of, name) {
      looked.push(name);
      return of[name];
    },
  });
  for (const [name, used] of [['example-web-sandbox', 'supervisor'], ['claude-code', 'login']]) {
    const end = await run(name, 'web', { ...sandbox, variables });
    assert.equal(end.used, used);
    assert.deepEqual(end.sources.filter((source) => source.looked).map(({ id }) => id), [used]);
  }
  assert.deepEqual(looked, []);
  // The same sandbox in a terminal, where they count: else nothing was shown.
  assert.equal((await run('claude-code', 'terminal', { ...sandbox, variables })).used, 'auth-token');
  assert.ok(looked.includes('ANTHROPIC_AUTH_TOKEN'));
});

test('without a supervisor and without a login nothing takes their place', async () => {
  const bare = { ...sandbox, supplied: new Map(), login: false };
  for (const name of ['example-web-sandbox', 'claude-code']) {
    const policy = await load(name);
    const keys = new Map();
    const end = await resolve(policy, WEB, hands(bare, keys));
    assert.equal(end.verdict, 'refuse');
    assert.equal(end.refused.reason, 'nothing-usable');
    assert.ok(end.explanation.fix.text.length > 0);
    assert.equal(keys.size, 0);
  }
});

test('another kind of session is not served, and nothing is looked at', async () => {
  const end = await resolve(await load('example-web-sandbox'), TERMINAL, hands(sandbox, new Map()));
  assert.deepEqual([end.refused, end.steps], [{ reason: 'surface-not-served', source: undefined }, []]);
});

test('no secret is in any memory of the engine', async () => {
  const before = instances.length;
  const odd = hands(sandbox, new Map());
  await resolve(await load('example-web-sandbox'), WEB, {
    look: (source) => ({ ...odd.look(source), secret: 's3cr3t', detail: undefined }),
    get: async (source) => ({ ...await odd.get(source), secret: 's3cr3t', token: 's3cr3t' }),
  });
  const memories = instances.slice(before)
    .map(({ instance }) => instance.exports.memory)
    .filter((memory) => memory !== undefined)
    .map(({ buffer }) => Buffer.from(buffer));
  assert.equal(memories.length, 1);
  // The policy's own text is in there, so it was searched.
  assert.ok(memories[0].includes('supervisor'));
  assert.ok(!memories[0].includes('s3cr3t'));
});

test('a rejected policy says everything that is wrong with it', async () => {
  const text = 'nome = "a"\n[[source]]\nid = 1\n';
  const error = await Policy.load('a', [{ place: 'user', path: 'a.toml', text }]).catch((of) => of);
  assert.ok(error instanceof PolicyError);
  assert.equal(error.code, 'policy-rejected');
  const [first] = error.diagnostics;
  assert.deepEqual([first.code, first.at.line, first.at.column], ['unknown-key', 1, 1]);
  assert.ok(error.diagnostics.length > 2);
  assert.match(error.message, /^policy `a` was rejected\na\.toml:1:1: unknown key `nome`/);
});

test('a policy is used by no other way than loading it', () => {
  assert.throws(() => new Policy(), TypeError);
  assert.throws(() => new Policy(Symbol('loaded'), {}, 'a', []), TypeError);
});

test('a question is asked once, where somebody is there', async () => {
  const world = { ...sandbox, variables: { ANTHROPIC_API_KEY: 's3cr3t' }, login: true };
  const policy = await load('claude-code');
  const of = (more) => ({ ...hands(world, new Map()), ...more });
  const steps = (end) => end.steps.filter(({ step }) => step !== 'look').map(({ step, source }) => `${step} ${source}`);

  const approved = await resolve(policy, TERMINAL, of({ ask: () => 'approved' }));
  assert.deepEqual([approved.source.id, steps(approved)], ['api-key', ['ask api-key', 'get api-key']]);
  const declined = await resolve(policy, TERMINAL, of({ ask: async () => 'declined' }));
  assert.deepEqual([declined.source.id, steps(declined)], ['login', ['ask api-key', 'get login']]);

  const { look } = of();
  const remembered = (source) => ({ ...look(source), consent: 'declined' });
  const again = await resolve(policy, TERMINAL, of({ look: remembered }));
  assert.deepEqual([again.source.id, steps(again)], ['login', ['get login']]);

  const nobody = await resolve(policy, { surface: 'terminal', interactive: 'no' }, of());
  assert.deepEqual(steps(nobody), ['get api-key']);
  await assert.rejects(resolve(policy, TERMINAL, of()), { code: 'hands-missing', hand: 'ask', source: 'api-key' });
});

test('a consent counts only for a source that asks', async () => {
  const { look, get } = hands(sandbox, new Map());
  const end = await resolve(await load('claude-code'), WEB, {
    look: (source) => ({ ...look(source), consent: 'declined' }),
    get,
  });
  assert.equal(end.source.id, 'login');
});

test('hands that answer nonsense are told so, without their words', async () => {
  const policy = await load('claude-code');
  const good = { look: () => ({ outcome: 'present' }), get: () => ({ outcome: 'present' }) };
  const answers = [
    undefined, null, 's3cr3t', 7, [], {}, { outcome: 's3cr3t' }, { outcome: 'trouble' },
    { outcome: { tag: 'trouble', val: 's3cr3t' } }, { outcome: 'present', foundIn: { s3cr3t: 1 } },
    { outcome: 'present', expiresIn: 's3cr3t' }, { outcome: 'present', expiresIn: Number.NaN },
    { outcome: 'present', expiresIn: Infinity }, { outcome: 'present', tier: 's3cr3t' },
    { outcome: 'present', destination: { tag: 's3cr3t', val: '' } }, { outcome: 'present', destination: 'origin' },
    { outcome: 'present', lifetime: { tag: 'milliseconds', val: 's3cr3t' } },
    { get outcome() { throw new Error('s3cr3t'); } },
  ];
  for (const answer of answers) {
    for (const hand of ['look', 'get']) {
      const error = await resolve(policy, WEB, { ...good, [hand]: () => answer }).catch((of) => of);
      assert.ok(error instanceof HandsError, `${hand}: ${error}`);
      assert.deepEqual([error.code, error.hand, error.source], ['hands-misbehaved', hand, 'login']);
      assert.ok(!`${error.stack}${error.cause}`.includes('s3cr3t'), error.stack);
    }
  }
  for (const [answer, session] of [['yes', TERMINAL], [undefined, TERMINAL]]) {
    const absent = ({ id }) => ({ outcome: id === 'api-key' ? 'present' : 'absent' });
    const error = await resolve(policy, session, { ...good, look: absent, ask: () => answer }).catch((of) => of);
    assert.deepEqual([error.code, error.hand], ['hands-misbehaved', 'ask']);
  }
  await assert.rejects(resolve(policy, WEB, { look: good.look }), { code: 'hands-missing', hand: 'get' });
  // None of this did anything to the policy.
  assert.equal((await resolve(policy, WEB, good)).source.id, 'login');
});

test('what a hand throws comes out as it is', async () => {
  const policy = await load('claude-code');
  const mine = new Error('mine');
  const fail = async () => { throw mine; };
  await assert.rejects(resolve(policy, WEB, { look: fail, get: fail }), (error) => error === mine);
});

test('a hand that got nothing hands nothing out', async () => {
  const policy = await load('claude-code');
  const look = () => ({ outcome: 'present' });
  for (const outcome of ['absent', 'blank', { tag: 'trouble', val: 'expired' }]) {
    const end = await resolve(policy, WEB, { look, get: () => ({ outcome }) });
    assert.equal(end.verdict, 'refuse', JSON.stringify(outcome));
  }
});

test('hands cannot change what a policy says of a source', async () => {
  const policy = await load('claude-code');
  assert.throws(() => { policy.sources[6].kind.tag = 'environment'; }, TypeError);
  assert.throws(() => { policy.about.tool.settings.pop(); }, TypeError);
});

test('two resolutions and two policies at once do not disturb each other', async () => {
  const [first, second] = await Promise.all([load('claude-code'), load('example-web-sandbox')]);
  const slow = (used) => ({
    look: async ({ id }) => {
      await new Promise((later) => { setTimeout(later, 1); });
      return { outcome: id === used ? 'present' : 'absent' };
    },
    get: async () => ({ outcome: 'present' }),
  });
  const ends = await Promise.all([
    resolve(first, { surface: 'terminal' }, slow('auth-token')),
    resolve(first, { surface: 'terminal' }, slow('login')),
    resolve(second, WEB, slow('supervisor')),
    resolve(first, WEB, slow('auth-token')),
  ]);
  assert.deepEqual(ends.map(({ source }) => source?.id), ['auth-token', 'login', 'supervisor', undefined]);
});

test('a step that the facts exclude is not carried out', async () => {
  const real = await load('claude-code');
  const done = [];
  const never = {
    look: ({ id }) => { done.push(id); return { outcome: 'present' }; },
    get: ({ id }) => { done.push(id); return { outcome: 'present' }; },
    ask: ({ id }) => { done.push(id); return 'approved'; },
  };
  const with_ = (decide, observe = (...seen) => real.observe(...seen)) => ({
    sources: real.sources, explain: () => ({}), observe, decide,
  });
  const at = (tag, val) => ({ tag, val });
  const state = (of) => () => ({ state: of });
  for (const [policy, message, count] of [
    [with_(() => at('look', 0)), /it repeats the look of source 0/, 1],
    [with_(() => at('get', 0)), /it wants to get source 0, which was never looked at/, 0],
    [with_(() => at('use', 0)), /it wants to use source 0, which was never got/, 0],
    [with_(() => at('ask', 0)), /it wants to ask source 0, which is neither ready nor held/, 0],
    [with_(() => at('look', 7)), /it names a source beyond the 7/, 0],
    [with_(() => at('look', -1)), /it names a source beyond the 7/, 0],
    [with_(() => at('refuse', { reason: 'source-failed', source: 9 })), /it names a source beyond the 7/, 0],
    [with_(() => at('constructor', 0)), /it names no step/, 0],
    [with_(() => at('consult')), /it asks for an override/, 0],
    [with_(() => at('look', 0), state('held')), /it calls source 0 held, which is only looked at/, 1],
    [with_(() => at('look', 0), state('unknown')), /it calls source 0 unknown/, 1],
  ]) {
    done.length = 0;
    const error = await resolve(policy, WEB, never).catch((of) => of);
    assert.ok(error instanceof EngineError, String(error));
    assert.match(error.message, message);
    assert.equal(done.length, count, message.source);
  }
});

test('what would trap is refused before, and the policy goes on', async () => {
  const policy = await load('claude-code');
  const facts = policy.sources.map(() => ({ state: 'unknown', consent: 'undecided' }));
  for (const wrong of [
    () => policy.decide(WEB, []),
    () => policy.decide(WEB, undefined),
    () => policy.decideEvery(WEB, [facts]),
    () => policy.decideChosen(WEB, facts, 0),
    () => policy.decideChosen(WEB, facts, 99),
    () => policy.explain(WEB, []),
    () => policy.observe(7, { outcome: 'present' }),
    () => policy.observe(-1, { outcome: 'present' }),
    () => policy.observe('length', { outcome: 'present' }),
  ]) {
    assert.throws(wrong, RangeError, String(wrong));
  }
  for (const wrong of [
    () => policy.decide({ surface: 'watch' }, facts),
    () => policy.decide(WEB, facts.map(() => ({ state: 's3cr3t', consent: 'undecided' }))),
    () => policy.observe(0, { outcome: 'watch' }),
    () => policy.explain(WEB, facts.map(() => ({ consent: 'watch' }))),
  ]) {
    assert.throws(wrong, TypeError, String(wrong));
  }
  assert.deepEqual(policy.decide(WEB, facts), { tag: 'look', val: 6 });
  assert.deepEqual(policy.candidates(WEB), [{ source: 6, counts: true }]);
  assert.deepEqual(policy.decideChosen(WEB, facts, 6), policy.decideChosen(WEB, facts, 6));
});

test('policies are listed, linted and compared', async () => {
  const [old, current] = await Promise.all([load('claude-code-legacy'), load('claude-code')]);
  assert.ok(current.table().rows.length > 100);
  assert.ok(Array.isArray(current.lint()));
  const pairs = await Policy.align(old, current);
  const both = pairs.filter((pair) => pair.old !== undefined && pair.new !== undefined);
  assert.ok(both.some(({ reads }) => reads === 'environment ANTHROPIC_API_KEY'));
  for (const pair of both) {
    assert.equal(old.sources[pair.old].reads, current.sources[pair.new].reads);
  }
});

test('a restriction beside the policy takes away', async () => {
  const text = 'drop = ["login"]\n';
  const documents = [await shipped('claude-code'), { place: 'project', path: 'p.toml', text }];
  const policy = await Policy.load('claude-code', documents);
  const end = await resolve(policy, WEB, hands(sandbox, new Map()));
  assert.deepEqual([end.verdict, end.steps], ['refuse', []]);
  const login = end.explanation.sources.at(-1);
  assert.deepEqual([login.reason, login.at.path], ['dropped', 'p.toml']);
});

test('the types say what the module does', async () => {
  const types = await readFile(`${folder}keyrule.d.ts`, 'utf8');
  const named = [...types.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(Object.keys(keyrule).sort(), named.sort());
  const [, members] = types.split('export class Policy {');
  const own = Object.getOwnPropertyNames(Policy.prototype).filter((name) => name !== 'constructor');
  for (const member of [...own, 'load', 'align']) {
    assert.match(members.split('\n}')[0], new RegExp(`\\b${member}\\(`), member);
  }
  const { stdout } = await promisify(execFile)(
    process.execPath, ['node_modules/typescript/bin/tsc', '--project', '.'], { cwd: folder },
  ).catch(({ stdout }) => ({ stdout }));
  assert.equal(stdout, '');
});

test('an observation has every field of the contract', async () => {
  const types = await readFile(`${folder}engine/interfaces/keyrule-policy-engine.d.ts`, 'utf8');
  const [, fields] = /export interface Observation \{([^}]*)\}/.exec(types);
  const names = [...fields.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
  const { observation } = await import('./observation.js');
  assert.deepEqual(Object.keys(observation({ outcome: 'absent' }, false)), names);
});

test('the example prints what it says', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [`${folder}example.mjs`]);
  assert.match(stdout, /^example-web-sandbox, in a web session: `supervisor` is used/);
  assert.match(stdout, /\n {2}api-key {6}not looked at\n/);
  assert.ok(!stdout.includes('s3cr3t'));
});
