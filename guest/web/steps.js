/**
 * What the engine answers, checked before anybody acts on it, as the host
 * checks it in `host/src/engine/verdict.rs`. What goes in are its answers and
 * the facts they were given for; what comes out is a step that can be carried
 * out, or an error. Each step happens at most once for each source, so a
 * resolution ends after three steps for each and one more.
 */

import { EngineError } from './errors.js';

export class Steps {
  #done;

  constructor(sources) {
    this.#done = Array.from({ length: sources }, () => new Set());
  }

  /** Checks a verdict that was given for these facts, and counts it as done. */
  check(session, facts, verdict) {
    const { tag, val } = verdict;
    if (tag === 'consult') {
      throw EngineError.misbehaved('decide', 'it asks for an override, and none can run here');
    }
    if (tag === 'refuse') {
      if (val.source !== undefined) this.#source(val.source);
      return verdict;
    }
    const allowed = RULES[tag];
    if (allowed === undefined) throw EngineError.misbehaved('decide', 'it names no step');
    const done = this.#source(val);
    if (tag !== 'use' && done.has(tag)) {
      throw EngineError.misbehaved('decide', `it repeats the ${tag} of source ${val}`);
    }
    const because = allowed(facts[val], session, done);
    if (because) {
      throw EngineError.misbehaved('decide', `it wants to ${tag} source ${val}, which ${because}`);
    }
    done.add(tag);
    return verdict;
  }

  #source(index) {
    const done = this.#done[index];
    if (done !== undefined) return done;
    throw EngineError.misbehaved('decide', `it names a source beyond the ${this.#done.length}`);
  }
}

/** Why a step cannot be, if it cannot. */
const RULES = {
  // A word that every object has is no step.
  __proto__: null,
  look: ({ state }) => state !== 'unknown' && 'is not unknown',
  ask: ({ state, consent }, { interactive }) =>
    (state !== 'ready' && state !== 'held' && 'is neither ready nor held') ||
    (consent !== 'undecided' && 'is already decided') ||
    (interactive !== true && 'nobody is there to decide'),
  get: ({ state }, _, done) =>
    (!done.has('look') && 'was never looked at') || (state !== 'ready' && 'is not ready'),
  use: ({ state }, _, done) =>
    (!done.has('get') && 'was never got') || (state !== 'held' && 'is not held'),
};

/** A finding must not claim what the observation excludes. */
export function checkFinding(source, seen, finding) {
  const outcome = seen.outcome.tag;
  const excluded =
    finding.state === 'unknown' ||
    (finding.state === 'ready' && outcome !== 'present') ||
    (finding.state === 'held' && (outcome !== 'present' || !seen.got));
  if (!excluded) return finding;
  const how = outcome === 'present' ? (seen.got ? 'got' : 'only looked at') : outcome;
  throw EngineError.misbehaved(
    'observe', `it calls source ${source} ${finding.state}, which is ${how}`);
}
