//! The arguments of `keyrule policy`, and what its help says besides.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with policy files.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Policy {
    /// Show which file is the policy, and which files restrict it
    Show {
        /// Print the policy's own text, and nothing else
        #[arg(long)]
        text: bool,
    },
    /// Say everything that is wrong with files
    Check {
        /// The files; none for those that are in force
        files: Vec<PathBuf>,
        /// Take every file for a restriction
        #[arg(long)]
        restriction: bool,
    },
    /// Say what a policy's author may not have meant
    #[command(after_help = LINT)]
    Lint {
        /// The policies: files, folders laid out as the managed one, or
        /// `builtin:NAME`; none for the one in force
        #[arg(value_name = "POLICY")]
        stacks: Vec<PathBuf>,
        /// A restriction of each; can be repeated
        #[arg(long, value_name = "FILE")]
        with: Vec<PathBuf>,
        /// SARIF 2.1.0, for what collects findings
        #[arg(long, conflicts_with = "json")]
        sarif: bool,
    },
    /// List everything that a policy decides
    #[command(after_help = MATRIX)]
    Matrix {
        /// The policy: a file, a folder laid out as the managed one, or
        /// `builtin:NAME`; none for the one in force
        #[arg(value_name = "POLICY")]
        stack: Option<PathBuf>,
        /// A restriction of it; can be repeated
        #[arg(long, value_name = "FILE")]
        with: Vec<PathBuf>,
        /// Comma-separated values, a row a case of a source
        #[arg(long, conflicts_with = "html")]
        csv: bool,
        /// One page with filters, and the rule behind each cell
        #[arg(long)]
        html: bool,
        /// Every case by itself, ten million at the most
        #[arg(long, conflicts_with = "html")]
        full: bool,
    },
    /// Say exactly which cases come to something else
    #[command(after_help = DIFF)]
    Diff {
        /// The policy before: a file, a folder laid out as the managed one, or
        /// `builtin:NAME`
        old: PathBuf,
        /// The policy after
        new: PathBuf,
        /// A restriction of the policy before; can be repeated
        #[arg(long, value_name = "FILE")]
        old_with: Vec<PathBuf>,
        /// A restriction of the policy after; can be repeated
        #[arg(long, value_name = "FILE")]
        new_with: Vec<PathBuf>,
        /// End with 1 where there is such a change
        #[arg(long, value_name = "CHANGE")]
        fail_on: Option<FailOn>,
    },
    /// Run the cases of test files against a policy
    #[command(after_help = TEST)]
    Test(Test),
    /// Print the JSON Schema of policies, for editors
    Schema {
        /// Print that of restrictions
        #[arg(long, conflicts_with = "tests")]
        restriction: bool,
        /// Print that of test files
        #[arg(long)]
        tests: bool,
        /// Print that of receipts
        #[arg(long, conflicts_with_all = ["restriction", "tests"])]
        receipt: bool,
    },
    /// Put recorded decisions to another policy, and say what would change
    #[command(after_help = REPLAY)]
    Replay(Replay),
}

/// Arguments of `policy replay`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Replay {
    /// Files of receipts, one a line; `-` for standard input
    #[arg(required = true, value_name = "RECEIPTS")]
    pub receipts: Vec<PathBuf>,
    /// The policy: a file, a folder like the managed one, `builtin:NAME`
    #[arg(long, value_name = "POLICY")]
    pub against: PathBuf,
    /// A restriction to put on top of it; may be given several times
    #[arg(long, value_name = "RESTRICTION")]
    pub with: Vec<PathBuf>,
    /// Fail also where it cannot be said what would be decided
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `policy test`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Test {
    /// A policy (a file, a folder laid out as the managed one, `builtin:NAME`)
    /// or a test file; none for the policy that is in force
    // Not `policy`, which is the global flag's.
    #[arg(value_name = "POLICY")]
    pub target: Option<PathBuf>,
    /// A restriction on top of the policy; can be repeated
    #[arg(long, value_name = "FILE")]
    pub with: Vec<PathBuf>,
    /// A test file; can be repeated
    ///
    /// Without one, that beside the policy: `NAME.test.toml`.
    #[arg(long, value_name = "FILE")]
    pub tests: Vec<PathBuf>,
    /// Run only cases with this text in their names
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Also list the rules that no case has seen decide
    #[arg(long)]
    pub coverage: bool,
    /// Also change one rule at a time, and list what no case notices
    #[arg(long)]
    pub mutate: bool,
}

/// Which changes of a policy are a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Widening,
    Switched,
    Any,
}

pub(super) const POLICY: &str = "\
Exit codes: 0 when every file is in order; 5 when one is not; 1 when `lint`,
`diff --fail-on`, `test` or `replay` finds what it looks for.

Examples:
  keyrule policy show
  keyrule policy show --text > ~/.config/keyrule/claude-code.toml
  keyrule policy check draft.toml
  keyrule policy test draft.toml --mutate";

pub(super) const TEST: &str = "\
A case says what is given and what is expected to follow:

  [[case]]
  name = \"a declined key is passed over\"
  interactive = true
  given = { api-key = { is = \"ready\", answer = \"decline\" }, login = \"ready\" }
  expect = { use = \"login\", asked = [\"api-key\"] }

Exit codes: 0 when every case is as expected, 1 when one is not or a change is
not noticed, 5 when a file is not in order; then nothing was run.

Examples:
  keyrule policy test policies/claude-code.toml
  keyrule policy test draft.toml --coverage --mutate
  keyrule policy test --tests machine.test.toml";

pub(super) const LINT: &str = "\
A file that is named is judged as an administrator's. A concern is no error: the
policy is valid, and one of its lines may not mean what it seems to.

Exit codes: 0, or 1 where there is a concern; 5 where a file is not valid.

Examples:
  keyrule policy lint
  keyrule policy lint acme.toml --with acme.d/ci.toml
  keyrule policy lint acme.toml --sarif > acme.sarif";

pub(super) const MATRIX: &str = "\
Sources are gone through from the top, and the first line that applies decides.
The table is complete: it is made of everything that the engine tells apart, and
`--full` compares it with every single case.

  use     the source is got and used       refuse  nothing is handed out
  ask     the user is asked about it       next    it is passed
  –       it does not count in such sessions

Examples:
  keyrule policy matrix
  keyrule policy matrix mine.toml --with restriction.toml
  keyrule policy matrix builtin:claude-code --html > claude-code.html";

pub(super) const DIFF: &str = "\
Sources are matched by what they read, not by their names. Every case is
compared; a line stands for all those in which whatever comes before the source
that it names is passed. With --json, all that is the case is listed.

  widening   a source is used that was not allowed in such a session before, a
             consent is no longer needed, or a refusal became a use
  narrowing  the reverse
  switched   another source that both allow, or another refusal
  contract   what is not decided: names, headers, lifetimes (switched), and
             endpoints and policies that nobody manages (widening)

Taking a source away can be a widening: where it failed, nothing was used, and
now the next one is.

Exit codes: 0, or 1 where --fail-on finds one: `widening`, `switched` (or
widening), `any`; 5 where a file is not valid.

Examples:
  keyrule policy diff builtin:claude-code-legacy builtin:claude-code
  keyrule policy diff /etc/keyrule staging --fail-on widening";

pub(super) const REPLAY: &str = "\
Receipts are what `--receipt FILE` wrote. Each is decided once more by the new
policy, in the world that it describes: sources are matched by what they read.
A source that was there and was not got is taken to be gettable. Where the old
run did not see what the new policy needs, the answer is `undetermined`.

Exit codes: 0 all decided the same, or undetermined; 1 something would change,
or with --strict is undetermined; 5 a file is not readable, valid or a receipt.

Examples:
  keyrule token --receipt decisions.jsonl
  keyrule policy replay decisions.jsonl --against draft.toml
  keyrule policy replay - --against builtin:claude-code --with mine.toml";
