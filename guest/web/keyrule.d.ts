/**
 * Keyrule's policy engine for JavaScript, in Node and in browsers. A component
 * that imports nothing decides which credential may be used.
 *
 * ```js
 * import { Policy, resolve } from './keyrule.js';
 *
 * const policy = await Policy.load('web', [{ origin: 'builtin', path: 'web.toml', text }]);
 * const keys = new Map();
 * const end = await resolve(policy, { surface: 'web' }, {
 *   look: (source) => ({ outcome: supplied.has(source.id) ? 'present' : 'absent' }),
 *   fetch: async (source) => {
 *     keys.set(source.id, await supplied.get(source.id)());
 *     return { outcome: 'present' };
 *   },
 * });
 * if (end.verdict === 'use') send(end.endpoint, end.source.headers, keys.get(end.source.id));
 * else console.error(end.explanation.summary);
 * ```
 *
 * The types of the contract (`Source`, `Verdict`, `Table` and so on) are those
 * that jco makes of `wit/policy.wit`, which documents each: names are in
 * camelCase, a case of an enum is its name, a variant is `{ tag, val }`, an
 * option that is not there is `undefined`, 64-bit numbers are `bigint`.
 */

import type {
  Candidate,
  Consent,
  Counterpart,
  Destination,
  Diagnostic,
  Document,
  Explanation,
  Fact,
  Finding,
  Handover,
  Lifetime,
  Lint,
  Outcome,
  PolicyInfo,
  PredictedHeader,
  Redirection,
  Refused,
  Source,
  StoreKind,
  Surface,
  Table,
  Tier,
  Verdict,
} from './engine/interfaces/keyrule-policy-engine.js';

export type * from './engine/interfaces/keyrule-policy-engine.js';

/** In which circumstances a credential is asked for. */
export interface Session {
  /** The surface that asks. */
  readonly surface: Surface;
  /** Whether somebody can answer a question; not, unless it is `true`. */
  readonly interactive?: boolean;
}

/** A variant, whose cases without a value may be written as their names alone. */
export type Short<V extends { tag: string }> =
  | V
  | Exclude<V, { val: unknown }>['tag'];

/**
 * What a hand saw of a source, without its value. Only these fields go into
 * the engine; the texts among them must not be secret.
 */
export interface ObservationInput {
  /** The outcome: `'absent'`, `'present'`, `{ tag: 'failed', val: 'expired' }`. */
  readonly outcome: Short<Outcome>;
  /** Words about it: a status, a position. */
  readonly detail?: string;
  /** Where it was found: a variable, a file. */
  readonly location?: string;
  /** Who can write the settings file that it was found in. */
  readonly tier?: Tier;
  /**
   * Where it would be sent. Where it is left out, a fetch means what the look
   * said, and a look the source's default.
   */
  readonly destination?: Short<Destination>;
  /** Where the URL of the endpoint was found: a variable, a file. */
  readonly endpointLocation?: string;
  /** Who can write the settings file that the URL was found in. */
  readonly endpointTier?: Tier;
  /**
   * What else would send it elsewhere, in order of precedence. Where it is left
   * out, a fetch means what the look said, and a look nothing.
   */
  readonly redirections?: readonly Readonly<Redirection>[];
  /** Seconds until it expires, negative when it has expired. */
  readonly expiresIn?: number | bigint;
  /** Whether it can be refreshed when it has expired; not, unless it is `true`. */
  readonly refreshable?: boolean;
  /** The account that it belongs to. */
  readonly account?: string;
  /** The organization that it belongs to. */
  readonly organization?: string;
  /** The store that it is in. */
  readonly storedIn?: StoreKind;
  /** What a helper's TTL variable says. */
  readonly lifetime?: Short<Lifetime>;
}

/** What a look found. */
export interface Look extends ObservationInput {
  /** What the user answered about this very key before, where the source `needsConsent`. */
  readonly consent?: Consent;
}

/** What is known of a source, to be explained. */
export interface Known {
  /** The user's answer; undecided, where it is left out. */
  readonly consent?: Consent;
  /** The latest observation, and whether it was fetched and not only looked at. */
  readonly observation?: ObservationInput & { readonly fetched?: boolean };
}

/** What was seen of one item of the tool, without its value. */
export interface ItemInput {
  /** Which item: an index into `info.tool.items`. */
  readonly item: number;
  /** The outcome of the look. */
  readonly outcome: Short<Outcome>;
  /** Where it was found: a variable, a file. */
  readonly location?: string;
  /** Who can write the settings file that it was found in. */
  readonly tier?: Tier;
}

/** A policy with its restrictions, in an instance of the engine of its own. */
export class Policy {
  private constructor();

  /**
   * Reads documents, picks the policy among them and merges the restrictions
   * into it. The engine trusts the `origin` of each document: the embedder
   * decides whether it is true. The host's limits on steps and memory do not
   * apply here: load documents of strangers in a worker that can be ended.
   *
   * @throws {PolicyError} with every error in them.
   */
  static load(name: string, documents: readonly Readonly<Document>[]): Promise<Policy>;

  /** Finds the sources that two policies have in common, by what they read. */
  static align(before: Policy, after: Policy): Promise<Counterpart[]>;

  /** The name that it was loaded by. */
  readonly name: string;

  /** Describes the policy, with the warnings about its documents. Frozen. */
  get info(): PolicyInfo;

  /**
   * The sources, in the order in which they are tried, frozen. Every other
   * function names a source by its index in this list.
   */
  get sources(): readonly Source[];

  /**
   * Judges an observation of a source.
   *
   * @throws {RangeError} where the policy has no such source.
   * @throws {TypeError} which names the field that is not of the contract's type.
   */
  observe(source: number, observation: ObservationInput & { readonly fetched?: boolean }): Finding;

  /**
   * Names the next step; `resolve` does this, checks it and carries it out.
   *
   * @throws {RangeError} where there is not one fact for each source.
   */
  decide(session: Session, facts: readonly Readonly<Fact>[]): Verdict;

  /** `decide` for every combination of one fact for each source out of its list. */
  decideEvery(session: Session, facts: readonly (readonly Readonly<Fact>[])[]): Verdict[];

  /** The sources that an override may choose from in such a session. */
  candidates(session: Session): Candidate[];

  /** `decide`, once an override has chosen one of the candidates, or none. */
  decideChosen(session: Session, facts: readonly Readonly<Fact>[], chosen?: number): Verdict;

  /** Explains the decision that follows from what is known of each source. */
  explain(session: Session, evidence: readonly Known[]): Explanation;

  /** `explain`, once an override has chosen one of the candidates, or none. */
  explainChosen(session: Session, evidence: readonly Known[], chosen?: number): Explanation;

  /**
   * Says which of the tool's own sources fills each header when the tool runs
   * by itself.
   *
   * @throws {RangeError} where the tool has no such item.
   */
  predict(items: readonly ItemInput[]): PredictedHeader[];

  /**
   * Says what must be done so that the tool finds exactly the credential of
   * the source `winner`.
   *
   * @throws {RangeError} where there is no such source or item.
   */
  handover(winner: number, items: readonly ItemInput[]): Handover;

  /** Lists everything that the policy decides. */
  table(): Table;

  /** Lists likely mistakes. */
  lint(): Lint[];
}

/**
 * The embedder's side: each function carries out one step, only when the
 * policy names it. A hand may be async. What it throws ends the resolution and
 * comes out of `resolve` as it is. A credential stays with the hand that
 * fetched it: it is not part of any answer.
 */
export interface Hands {
  /** Looks whether a source is there: no prompt, no process, no network. */
  look(source: Source): Look | Promise<Look>;
  /** Fetches the credential and keeps it; returns what was seen. */
  fetch(source: Source): ObservationInput | Promise<ObservationInput>;
  /** Asks the user. Required in interactive sessions where a source `needsConsent`. */
  ask?(source: Source): 'approved' | 'declined' | Promise<'approved' | 'declined'>;
}

/** A step that was carried out, and the id of its source. */
export interface Step {
  readonly step: 'look' | 'ask' | 'fetch';
  readonly source: string;
}

/** How a resolution ended. */
export type Resolution = {
  /** Every step, in order: a source without one was not even looked at. */
  readonly steps: readonly Step[];
  /** The decision in words, with the rule behind it and a fix. */
  readonly explanation: Explanation;
} & (
  | {
      readonly verdict: 'use';
      /** The credential of this source, which a hand has fetched, may be used. */
      readonly source: Source;
      /**
       * Where it may be sent, and nowhere else: the origin that was seen, else
       * the source's default. None where the source has no endpoint.
       */
      readonly endpoint?: string;
      readonly refused?: undefined;
    }
  | {
      readonly verdict: 'refuse';
      /** Why nothing may be used. */
      readonly refused: Refused;
      readonly source?: undefined;
      readonly endpoint?: undefined;
    }
);

/**
 * Asks the policy for the next step and lets the hands carry it out, until a
 * credential may be used or none may. Every answer of the engine is checked: each
 * step happens at most once for each source, and only where the facts allow it.
 *
 * @throws {HandsError} where a hand is missing or its answer is invalid.
 * @throws {EngineError} where the engine misbehaves.
 * @throws {TypeError} where the session has none of the four surfaces.
 */
export function resolve(policy: Policy, session: Session, hands: Hands): Promise<Resolution>;

/** Any error of this module. */
export class KeyruleError extends Error {
  /** A stable code. */
  readonly code:
    | 'policy-rejected'
    | 'engine-trapped'
    | 'engine-misbehaved'
    | 'hands-missing'
    | 'hands-misbehaved';
}

/** The documents were rejected: `policy-rejected`. */
export class PolicyError extends KeyruleError {
  /** Every error in them. */
  readonly diagnostics: Diagnostic[];
}

/**
 * The engine trapped, and its policy cannot be used any more, or it named a
 * step that must not be carried out: `engine-trapped`, `engine-misbehaved`.
 */
export class EngineError extends KeyruleError {}

/**
 * A hand is missing, or its answer is invalid: `hands-missing`,
 * `hands-misbehaved`. The message names the field and what it has to be, never
 * its value.
 */
export class HandsError extends KeyruleError {
  /** Which hand. */
  readonly hand: string;
  /** The id of the source of the step. */
  readonly source: string;
}
