/**
 * Keyrule's policy engine for JavaScript: which credential may be used, and
 * what to do next to get it. What goes in are texts of policies, and for each
 * source what was seen of it; what comes out is one step at a time. It lives
 * in `guest/`, because it is the engine's component packaged for JavaScript:
 * pure and without I/O, as all of `guest/` is. It reads no variable, no file
 * and no clock, sends nothing and sees no secret. What is done in the world,
 * the embedder's `hands` do (see `resolve`).
 *
 * `engine/` holds what `build` makes of the component; `keyrule.d.ts`
 * documents all that is exported.
 *
 * @module keyrule
 */

import { EngineError, PolicyError } from './errors.js';
import { modules } from './engine/core.js';
import { instantiate } from './engine/engine.js';
import { observation } from './observation.js';

export { EngineError, HandsError, KeyruleError, PolicyError } from './errors.js';
export { resolve } from './resolve.js';

/** Guards the constructor, which takes what only `load` has. */
const LOADED = Symbol('loaded');

export class Policy {
  #policy;
  #documents;
  #info;
  #sources;

  constructor(key, policy, name, documents) {
    if (key !== LOADED) throw new TypeError('a policy comes from `Policy.load`');
    this.#policy = policy;
    this.#documents = documents;
    this.#info = frozen(call('info', () => policy.info()));
    this.#sources = frozen(call('sources', () => policy.sources()));
    /** The name that it was loaded by. */
    this.name = name;
    Object.freeze(this);
  }

  static async load(name, documents) {
    const copies = documents.map(({ origin, path, text }) => ({ origin, path, text }));
    return new Policy(LOADED, read(await instance(), name, copies), name, copies);
  }

  static async align(before, after) {
    // Both have to be in one instance, and each is in its own.
    const engine = await instance();
    const [first, second] = [before, after].map((one) => read(engine, one.name, one.#documents));
    return call('align', () => engine.align(first, second));
  }

  get info() {
    return this.#info;
  }

  get sources() {
    return this.#sources;
  }

  observe(source, seen) {
    this.#known(source);
    const { fetched } = seen;
    return unquoted(() =>
      call('observe', () => this.#policy.observe(source, observation(seen, fetched === true))));
  }

  decide(session, facts) {
    this.#one(facts);
    return call('decide', () => this.#policy.decide(circumstances(session), facts));
  }

  decideEvery(session, facts) {
    this.#one(facts);
    return call('decide-every', () => this.#policy.decideEvery(circumstances(session), facts));
  }

  candidates(session) {
    return [...call('candidates', () => this.#policy.candidates(circumstances(session)))];
  }

  decideChosen(session, facts, chosen) {
    this.#one(facts);
    this.#candidate(session, chosen);
    return call('decide-chosen', () =>
      this.#policy.decideChosen(circumstances(session), facts, chosen));
  }

  explain(session, evidence) {
    this.#one(evidence);
    return unquoted(() =>
      call('explain', () => this.#policy.explain(circumstances(session), evidence.map(whole))));
  }

  explainChosen(session, evidence, chosen) {
    this.#one(evidence);
    this.#candidate(session, chosen);
    return unquoted(() => call('explain-chosen', () =>
      this.#policy.explainChosen(circumstances(session), evidence.map(whole), chosen)));
  }

  table() {
    return call('table', () => this.#policy.table());
  }

  lint() {
    return call('lint', () => this.#policy.lint());
  }

  // A trap ends an instance for good, so what is known to trap is not asked.

  #known(source) {
    if (!Number.isInteger(source) || !(source in this.#sources)) {
      throw new RangeError(`the policy has no such source; it has ${this.#sources.length}`);
    }
  }

  #one(list) {
    if (!Array.isArray(list) || list.length !== this.#sources.length) {
      throw new RangeError(`one is needed for each of the ${this.#sources.length} sources`);
    }
  }

  #candidate(session, chosen) {
    if (chosen !== undefined && !this.candidates(session).some(({ source }) => source === chosen)) {
      throw new RangeError('what is chosen must be one of the candidates');
    }
  }
}

/** The core modules, each compiled once. */
const compiled = new Map();

/** The engine in an instance of its own: what one policy does, no other sees. */
async function instance() {
  const { engine } = await instantiate((name) => {
    if (!compiled.has(name)) {
      const bytes = Uint8Array.from(atob(modules[name]), (letter) => letter.charCodeAt(0));
      compiled.set(name, WebAssembly.compile(bytes));
    }
    return compiled.get(name);
  }, {});
  return engine.Policy;
}

function read(engine, name, documents) {
  try {
    return call('load', () => engine.load(name, documents));
  } catch (error) {
    if (Array.isArray(error.payload)) throw new PolicyError(name, error.payload);
    throw error;
  }
}

function call(name, ask) {
  try {
    return ask();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw EngineError.trapped(name, error);
    throw error;
  }
}

/** An observation that the contract does not have is not quoted: what stands
 *  in the wrong field could be a secret. */
function unquoted(ask) {
  try {
    return ask();
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new TypeError('the session, a consent or an observation is none of the contract');
  }
}

/** Somebody is there only where that is said in so many words. */
function circumstances({ surface, interactive }) {
  return { surface, interactive: interactive === true };
}

function whole({ consent = 'undecided', seen }) {
  return { consent, observation: seen && observation(seen, seen.fetched === true) };
}

function frozen(value) {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}
