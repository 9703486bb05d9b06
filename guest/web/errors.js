/**
 * The errors. Each has a stable `code`, and no message holds a value that
 * could be secret.
 */

export class KeyruleError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The documents were rejected; `diagnostics` lists every error. */
export class PolicyError extends KeyruleError {
  constructor(name, diagnostics) {
    const lines = diagnostics.map(({ code, message, location, help }) =>
      `\n${location.path}:${location.line}:${location.column}: ${message} [${code}]\n  help: ${help}`);
    super('policy-rejected', `policy \`${name}\` was rejected${lines.join('')}`);
    this.diagnostics = diagnostics;
  }
}

/** The engine trapped, or answered what no host may carry out. */
export class EngineError extends KeyruleError {
  static trapped(call, cause) {
    return new EngineError('engine-trapped', `the engine trapped in \`${call}\``, { cause });
  }

  static misbehaved(call, what) {
    return new EngineError('engine-misbehaved', `the engine misbehaved in \`${call}\`: ${what}`);
  }
}

/** A hand of the embedder is missing, or its answer is invalid. */
export class HandsError extends KeyruleError {
  constructor(code, hand, source, what) {
    super(code, `\`${hand}\` of source \`${source.id}\` ${what}`);
    this.hand = hand;
    this.source = source.id;
  }
}
