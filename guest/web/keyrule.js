/**
 * Keyrule's policy engine for JavaScript: decides which credential may be
 * used, and names the next step to fetch it. It lives in `guest/`, because it
 * is the engine's component packaged for JavaScript: pure and without I/O, as
 * all of `guest/` is. It reads no variable, no file and no clock, sends
 * nothing and sees no secret. The embedder's `hands` carry out each step (see
 * `resolve`).
 *
 * `engine/` holds what `build` makes of the component; `keyrule.d.ts`
 * documents all that is exported.
 *
 * @module keyrule
 */

import {
  circumstances, CONSENTS, document, fact, list, object, oneOf, optional,
} from './contract.js';
import { EngineError, PolicyError } from './errors.js';
import { modules } from './engine/core.js';
import { instantiate } from './engine/engine.js';
import { itemObservation, observation } from './observation.js';

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
    const copies = list('documents', documents, document);
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

  observe(source, given) {
    this.#known(source);
    const seen = observation(given);
    return call('observe', () => this.#policy.observe(source, seen));
  }

  decide(session, facts) {
    const given = this.#facts(facts);
    return call('decide', () => this.#policy.decide(circumstances(session), given));
  }

  decideEvery(session, facts) {
    this.#one(facts);
    const given = list('facts', facts, (field, of) => list(field, of, fact));
    return call('decide-every', () => this.#policy.decideEvery(circumstances(session), given));
  }

  candidates(session) {
    return [...call('candidates', () => this.#policy.candidates(circumstances(session)))];
  }

  decideChosen(session, facts, chosen) {
    const given = this.#facts(facts);
    this.#candidate(session, chosen);
    return call('decide-chosen', () => this.#policy.decideChosen(circumstances(session), given, chosen));
  }

  explain(session, evidence) {
    const given = this.#evidence(evidence);
    return call('explain', () => this.#policy.explain(circumstances(session), given));
  }

  explainChosen(session, evidence, chosen) {
    const given = this.#evidence(evidence);
    this.#candidate(session, chosen);
    return call('explain-chosen', () =>
      this.#policy.explainChosen(circumstances(session), given, chosen));
  }

  predict(items) {
    const given = this.#items(items);
    return call('predict', () => this.#policy.predict(given));
  }

  handover(winner, items) {
    this.#known(winner);
    const given = this.#items(items);
    return call('handover', () => this.#policy.handover(winner, given));
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

  #facts(facts) {
    this.#one(facts);
    return list('facts', facts, fact);
  }

  #evidence(evidence) {
    this.#one(evidence);
    return list('evidence', evidence, evidenceOf);
  }

  #items(items) {
    const given = list('items', items, itemObservation);
    const count = this.#info.tool.items.length;
    if (given.some(({ item }) => !Number.isInteger(item) || item < 0 || item >= count)) {
      throw new RangeError(`the tool has no such item; it has ${count}`);
    }
    return given;
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

function evidenceOf(field, given) {
  const { consent = 'undecided', observation: seen } = object(field, given);
  return {
    consent: oneOf(`${field}.consent`, CONSENTS, consent),
    observation: optional(seen, (one) => observation(one)),
  };
}

function frozen(value) {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}
