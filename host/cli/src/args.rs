//! The command line's arguments as types. What goes in are words; what comes
//! out is checked without touching the system. Nothing here runs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use keyrule_contract as wit;

mod policy;

use policy::POLICY;
pub(crate) use policy::{FailOn, Policy, Replay};

/// Decides which credential a tool may use, and hands over exactly that one.
#[derive(Debug, Parser)]
#[command(
    name = "keyrule",
    bin_name = "keyrule",
    version,
    styles = STYLES,
    max_term_width = 80,
    help_template = HELP,
    after_help = EXAMPLES,
    disable_help_subcommand = true,
    help_expected = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// The flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Session")]
pub(crate) struct Global {
    /// The policy to ask
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "claude-code"
    )]
    pub policy: String,

    /// The kind of session that asks
    #[arg(long, global = true, value_name = "KIND", default_value = "terminal")]
    pub surface: Surface,

    /// Never ask, even where somebody could answer
    #[arg(long, global = true)]
    pub non_interactive: bool,

    /// Write JSON instead of text
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,

    /// Leave out warnings and notices
    #[arg(long, short, global = true, help_heading = "Output")]
    pub quiet: bool,

    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    pub color: When,

    /// Say on stderr which steps are taken, and how long they take
    #[arg(long, short, global = true, help_heading = "Output")]
    pub verbose: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show which credential is in use, and why
    #[command(after_help = STATUS)]
    Status(Recorded),
    /// Show every source, how it stands, and the rule that made it so
    #[command(after_help = EXPLAIN)]
    Explain(Recorded),
    /// Print the token, bare or as another tool asks for it
    #[command(after_help = TOKEN)]
    Token(Token),
    /// Print the headers that carry the credential
    #[command(after_help = HEADERS)]
    Headers(Headers),
    /// Run a program with exactly this credential
    #[command(after_help = EXEC)]
    Exec(Exec),
    /// Log in to a source, with the issuer that the policy names
    #[command(after_help = LOGIN)]
    Login(Login),
    /// End a login at its issuer, and forget it here
    #[command(after_help = LOGOUT)]
    Logout(Logout),
    /// See and change what was said about sources
    #[command(subcommand, after_help = CONSENT)]
    Consent(Consent),
    /// Store keys for the sources that take a stored key
    #[command(subcommand, after_help = KEY)]
    Key(Key),
    /// Show, check, list, compare and test policies
    #[command(subcommand, after_help = POLICY)]
    Policy(Policy),
    /// Inspect and build the components that policies name as overrides
    #[command(subcommand, after_help = ENGINE)]
    Engine(Engine),
    /// Check the files, folders, helpers and variables that Keyrule depends on
    Doctor(Doctor),
    /// Print a script that completes commands in a shell
    #[command(after_help = COMPLETIONS)]
    Completions(Completions),
}

/// Whether and where a decision is recorded.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Recorded {
    /// Append what is decided, without secrets, to a file as a line of JSON
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub receipt: Option<PathBuf>,
}

/// Arguments of `headers`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Headers {
    #[command(flatten)]
    pub recorded: Recorded,

    /// The whole URL of the request: a key that signs, signs it; what is sent
    /// may only go to its own endpoint
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// The request's method; POST if there is a body, else GET
    #[arg(long, value_name = "METHOD", requires = "url")]
    pub method: Option<String>,

    /// The file that holds the request's body, `-` for stdin
    #[arg(long, value_name = "FILE", requires = "url")]
    pub body_file: Option<PathBuf>,
}

/// Arguments of `token`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Token {
    #[command(flatten)]
    pub recorded: Recorded,

    /// The last token was answered with HTTP 401: drop it and get another
    #[arg(long)]
    pub rejected: bool,

    /// The form to print it in, which can be another tool's protocol
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// The user that Git is told, where it does not say one itself
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,

    /// What Bazel and Git add: `get`, `store`, `erase`
    #[arg(value_name = "WORD")]
    pub word: Option<String>,
}

/// The form that a token is printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // The help of `token` says what they are, each in half a line.
    Bare,
    Json,
    Headers,
    AwsProcess,
    Bazel,
    Kubernetes,
    Git,
}

impl Format {
    /// The word for it.
    pub(crate) fn word(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Arguments of `exec`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Exec {
    #[command(flatten)]
    pub recorded: Recorded,

    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub command: Vec<OsString>,
}

/// Arguments of `login`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Login {
    /// The source's name in the policy; none for the one there is
    #[arg(value_name = "SOURCE")]
    pub source: Option<String>,
    /// Log in with a code that is entered on another device
    #[arg(long)]
    pub device: bool,
    /// Open no browser here
    #[arg(long)]
    pub no_browser: bool,
    /// Tell the issuer whose login is wanted
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Select an account that is logged in already
    #[arg(
        long = "use",
        value_name = "ACCOUNT",
        conflicts_with_all = ["device", "no_browser", "account"]
    )]
    pub select: Option<String>,
}

/// Arguments of `logout`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Logout {
    /// The source's name in the policy; none for the one that is logged in
    #[arg(value_name = "SOURCE", conflicts_with = "all")]
    pub source: Option<String>,
    /// The account to log out; none for the selected one
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "all")]
    pub account: Option<String>,
    /// Forget every login, stored key, consent and cached token
    #[arg(long)]
    pub all: bool,
}

/// What to do with components.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Engine {
    /// Show what a component imports and exports, its digest, and its world
    Inspect {
        /// The component's file
        file: PathBuf,
    },
    /// Print the WIT package that overrides are written for
    Wit,
    /// Make a component of a core module that says which world it is of
    Build {
        /// The core module's file
        module: PathBuf,
        /// Where to write the component; MODULE.component.wasm if not said
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// What to do with consents.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Consent {
    /// List every answer that is remembered
    List,
    /// Let a source be used, with what it holds now
    Approve {
        /// The source's name in the policy
        source: String,
    },
    /// Do not use a source with what it holds now, in interactive sessions
    #[command(after_help = DECLINE)]
    Decline {
        /// The source's name in the policy
        source: String,
    },
    /// Forget what was said, so that it is asked again
    Forget {
        /// The source's name in the policy
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        source: Option<String>,
        /// Forget everything that was said about every policy
        #[arg(long)]
        all: bool,
    },
}

/// What to do with stored keys.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Key {
    /// Store a key from standard input or a hidden prompt, in place of any other
    Add {
        /// The name that the policy's source has for it
        name: String,
    },
    /// List the names of stored keys, and the sources that use them
    List,
    /// Forget a stored key
    Remove {
        /// The name that it was stored under
        name: String,
    },
}

/// Arguments of `doctor`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Doctor {
    /// Also run the helper, and say whether it prints a token
    #[arg(long)]
    pub run_helper: bool,

    /// Also ask issuers whether logins are valid; nothing is renewed
    #[arg(long)]
    pub online: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Completions {
    /// The shell
    pub shell: Shell,
}

/// The kind of session, as the command line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Surface {
    // The documentation of these cases would make every help a page longer;
    // `wit/policy.wit` has it.
    Terminal,
    Desktop,
    Remote,
    Web,
}

impl From<Surface> for wit::Surface {
    fn from(surface: Surface) -> Self {
        match surface {
            Surface::Terminal => Self::Terminal,
            Surface::Desktop => Self::Desktop,
            Surface::Remote => Self::Remote,
            Surface::Web => Self::Web,
        }
    }
}

/// When to use colour: `auto` is on a terminal, unless `NO_COLOR` is set or
/// `TERM` is `dumb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The first page. Its list of commands is written by hand, because clap has
/// no groups of commands; a test compares it with the commands there are.
const HELP: &str = "\
{about}

{usage-heading} {usage}

\x1b[1;32mAsk, and carry nothing out:\x1b[0m
  \x1b[1;36mstatus\x1b[0m       Which credential is in use, and why
  \x1b[1;36mexplain\x1b[0m      Every source, how it stands, and the rule that made it so
  \x1b[1;36mdoctor\x1b[0m       Check files, folders, helpers and variables

\x1b[1;32mUse the credential:\x1b[0m
  \x1b[1;36mexec\x1b[0m         Run a program with exactly this credential
  \x1b[1;36mtoken\x1b[0m        Print the token, bare or as another tool asks for it
  \x1b[1;36mheaders\x1b[0m      Print the headers that carry it

\x1b[1;32mSet up:\x1b[0m
  \x1b[1;36mlogin\x1b[0m        Log in to a source, in the browser or with a device code
  \x1b[1;36mlogout\x1b[0m       End a login at its issuer, and forget it here
  \x1b[1;36mconsent\x1b[0m      See and change what was said about sources
  \x1b[1;36mkey\x1b[0m          Store keys for the sources that take a stored key
  \x1b[1;36mpolicy\x1b[0m       Show, check, list, compare and test policies
  \x1b[1;36mengine\x1b[0m       Inspect and build components that choose among sources
  \x1b[1;36mcompletions\x1b[0m  Print a script that completes commands in a shell

\x1b[1;32mOptions:\x1b[0m
{options}{after-help}";

const EXAMPLES: &str = "\
Examples:
  keyrule status                     which credential is in use, and why
  keyrule explain --surface desktop  every source, as a desktop session sees it
  keyrule exec -- claude             run a tool with exactly that credential
  keyrule headers | curl -H @- ...   send it
  keyrule login                      log in, where the policy names an issuer
  keyrule doctor                     find out what is wrong

Variables:
  KEYRULE_LOG     what to log on stderr, such as `keyrule=debug`
  NO_COLOR        no colour; CLICOLOR_FORCE forces it

Exit codes:
  0 done   1 failed   2 wrong usage   3 refused by a rule or for want of consent
  4 nothing usable    5 a policy file is not readable, trusted or valid";

const STATUS: &str = "\
Carries nothing out: no prompt, no helper, no keyring, no network.

Exit codes: 0 when a credential is in use or the next step towards one is known;
else the code that `keyrule token` would have: 1, 3, 4 or 5.";

const EXPLAIN: &str = "\
Carries nothing out: no prompt, no helper, no keyring, no network.

Marks:
  ✓ *  selected        ○ o  shadowed: usable, and another goes before it
  → >  next            · .  unavailable: absent, blank, declined or not allowed
  ✗ x  blocking        – -  not applicable in this kind of session
  ! !  skipped         ? ?  not looked at

Exit codes: as `keyrule status`.";

const TOKEN: &str = "\
Formats:
  bare         the token and a newline; without --format it is this one
  json         the token with its source, its endpoint and its end
  headers      one JSON object of header names and values
  aws-process  what an AWS `credential_process` prints
  bazel        a credential helper of Bazel: asked on stdin, with the word `get`
  kubernetes   an exec plugin of kubectl: asked by KUBERNETES_EXEC_INFO
  git          a credential helper of Git: asked on stdin, with Git's own word

Bazel, Kubernetes and Git get the credential for its own endpoint alone.

Examples:
  keyrule token --policy acme --format aws-process
  git config --global credential.https://git.example.com.helper \\
    '!keyrule token --policy acme --format git'

With --rejected, a helper's cached token is dropped and the helper runs once
more, and a login is renewed although it has not ended. A key that only its
owner can replace is not printed again: the error names where it comes from,
and which source is next in line.";

const HEADERS: &str = "\
One `Name: value` a line, as curl's -H takes it; with --json one object.
An AWS access key signs one request for five minutes: say which with --url.

Examples:
  keyrule headers | curl -H @- https://api.anthropic.com/v1/models
  keyrule headers --url \"$URL\" --body-file body.json |
    curl -H @- --data-binary @body.json \"$URL\"";

const EXEC: &str = "\
Clears every variable that the policy's sources declare, sets the winner's, and
becomes the program: signals, terminal and exit code are the program's own. The
program gets one snapshot and never sees a refresh.

Exit codes of its own: 125 no credential, 126 not executable, 127 not found.

Examples:
  keyrule exec -- claude
  keyrule exec --non-interactive -- npm run agent";

const LOGIN: &str = "\
Without SOURCE: the one source of the policy that can be logged in to and counts
in this session. A second account is kept beside the first, and is then the one
in use; --use changes that without a browser. Where no browser can be opened the
address is shown; it can be visited on another machine, and the address that the
browser ends at be pasted here.

Exit codes: 0 logged in, 1 failed, 2 wrong usage, 3 cancelled or not permitted
by the policy (then nothing was kept), 4 nothing to log in to.

Examples:
  keyrule login
  keyrule login work --device
  keyrule login work --use ada@example.com";

const LOGOUT: &str = "\
The issuer is told first, then the login and the keys obtained through it are
removed, even where the issuer does not answer: what failed is said. With --all,
every login and key in the policy's store, and the consents and cached helper
tokens of all policies.

Exit codes: 0 logged out, 1 the issuer was not told or something is left, 2
wrong usage, 4 nothing to log out of.

Examples:
  keyrule logout
  keyrule logout work --account ada@example.com
  keyrule logout --all";

const CONSENT: &str = "\
An answer is about what the source holds now and where it would be sent now; a
changed key or a changed base URL is asked about again. Answers are kept as
keyed hashes, never as values.

Examples:
  keyrule consent approve api-key
  keyrule consent forget --all";

const DECLINE: &str = "\
Where the policy says `consent = \"interactive\"`, a session in which nobody can
be asked uses the source in spite of this answer. Where it says
`consent = \"always\"`, no session uses it.";

const KEY: &str = "\
A key is never an argument: it is read from standard input, or asked for without
showing it. One newline at its end is left out. A key that is stored under the
name already is replaced.

Exit codes of its own: 3 the prompt was cancelled, 4 no such key to remove.

Examples:
  keyrule key add work
  pass show work/api-key | keyrule key add work
  keyrule key list";

const ENGINE: &str = "\
A policy can name a component that chooses among the sources which it lets
count. Nothing of it runs here. `inspect` prints the lines that name it.

Exit codes: 0 when it is an override or an engine, else 5.

Examples:
  keyrule engine build target/wasm32-unknown-unknown/release/prefer.wasm
  keyrule engine inspect prefer.component.wasm";

const COMPLETIONS: &str = "\
Examples:
  keyrule completions bash > ~/.local/share/bash-completion/completions/keyrule
  keyrule completions fish > ~/.config/fish/completions/keyrule.fish
  keyrule completions zsh  > \"${fpath[1]}/_keyrule\"";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::policy::{DIFF, LINT, MATRIX, REPLAY, TEST};
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_follows_the_program_belongs_to_the_program() {
        let parsed = Arguments::try_parse_from([
            "keyrule", "exec", "--quiet", "claude", "--policy", "x", "-v", "--", "y",
        ])
        .unwrap();
        let Command::Exec(exec) = parsed.command else {
            panic!("not exec");
        };
        assert_eq!(exec.command, ["claude", "--policy", "x", "-v", "--", "y"]);
        assert_eq!(parsed.global.policy, "claude-code");
        assert!(parsed.global.quiet);
    }

    #[test]
    fn a_policy_to_test_is_not_the_policy_by_name() {
        let parsed = Arguments::try_parse_from([
            "keyrule", "policy", "test", "x.toml", "--policy", "y", "--with", "a", "--with", "b",
        ])
        .unwrap();
        let Command::Policy(Policy::Test(test)) = parsed.command else {
            panic!("not test");
        };
        assert_eq!(test.target, Some(PathBuf::from("x.toml")));
        assert_eq!(test.with.len(), 2);
        assert_eq!(parsed.global.policy, "y");
    }

    #[test]
    fn a_program_may_follow_two_dashes() {
        let parsed = Arguments::try_parse_from(["keyrule", "exec", "--", "--odd", "a"]).unwrap();
        let Command::Exec(exec) = parsed.command else {
            panic!("not exec");
        };
        assert_eq!(exec.command, ["--odd", "a"]);
    }

    #[test]
    fn the_first_page_names_every_command() {
        let listed: Vec<_> = HELP
            .lines()
            .filter_map(|line| line.strip_prefix("  \x1b[1;36m")?.split('\x1b').next())
            .collect();
        let arguments = Arguments::command();
        let mut commands: Vec<_> = arguments.get_subcommands().map(|c| c.get_name()).collect();
        let mut sorted = listed.clone();
        sorted.sort_unstable();
        commands.sort_unstable();
        assert_eq!(sorted, commands);
    }

    #[test]
    fn no_help_is_wider_than_80_columns() {
        for text in [
            EXAMPLES,
            STATUS,
            EXPLAIN,
            TOKEN,
            HEADERS,
            EXEC,
            LOGIN,
            LOGOUT,
            CONSENT,
            DECLINE,
            KEY,
            POLICY,
            LINT,
            MATRIX,
            DIFF,
            ENGINE,
            TEST,
            REPLAY,
            COMPLETIONS,
        ] {
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}
