/**
 * Checks the engine's answers before anybody acts on them, as the host does in
 * `host/engine/src/verdict.rs`. Each step happens at most once for each
 * source, so a resolution ends after three steps for each and one more.
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
      throw EngineError.misbehaved('decide', 'it asks for an override, and overrides cannot run here');
    }
    if (tag === 'refuse') {
      if (val.source !== undefined) this.#source(val.source);
      return verdict;
    }
    const rule = RULES[tag];
    if (rule === undefined) throw EngineError.misbehaved('decide', 'it names an unknown step');
    const done = this.#source(val);
    const because = (done.has(tag) && 'was done before') || rule(facts[val], session, done);
    if (because) {
      throw EngineError.misbehaved('decide', `invalid step \`${tag}\`: source ${val} ${because}`);
    }
    if (tag !== 'use') done.add(tag);
    return verdict;
  }

  #source(index) {
    const done = this.#done[index];
    if (done !== undefined) return done;
    throw EngineError.misbehaved('decide', `it names a source beyond the ${this.#done.length}`);
  }
}

/** Why a step is not allowed, if it is not. */
const RULES = {
  // A word that every object has is not a step.
  __proto__: null,
  look: ({ state }) => state !== 'unknown' && 'is not unknown',
  ask: ({ state, consent }, { interactive }) =>
    (state !== 'ready' && state !== 'fetched' && 'is neither ready nor fetched') ||
    (consent !== 'undecided' && 'is already decided') ||
    (interactive !== true && 'needs an interactive session'),
  fetch: ({ state }, _, done) =>
    (!done.has('look') && 'was not looked at') || (state !== 'ready' && 'is not ready'),
  use: ({ state }, _, done) =>
    (!done.has('fetch') && 'was not fetched') || (state !== 'fetched' && 'is not fetched'),
};

/** A finding must not claim what the observation excludes. */
export function checkFinding(source, seen, finding) {
  const outcome = seen.outcome.tag;
  const excluded =
    finding.state === 'unknown' ||
    (finding.state === 'ready' && outcome !== 'present') ||
    (finding.state === 'fetched' && (outcome !== 'present' || !seen.fetched));
  if (!excluded) return finding;
  const how = outcome === 'present' ? (seen.fetched ? 'fetched' : 'only looked at') : outcome;
  throw EngineError.misbehaved(
    'observe', `it calls source ${source} ${finding.state}, which is ${how}`);
}
