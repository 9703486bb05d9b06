//! How cases print where somebody looks closely: with the name of their type,
//! which logs and expected outputs have.

use std::fmt;

use crate::{
    Command, Consent, Destination, Effect, Fix, Format, Kind, Lifetime, Outcome, Place, Reason,
    Refusal, Severity, Standing, State, StoreKind, Surface, Tier, Trouble, Verdict,
};

macro_rules! debug {
    ($($name:ident { $($case:ident $(($value:ident))?),* })*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$case $(($value))? => formatter
                        .debug_tuple(concat!(stringify!($name), "::", stringify!($case)))
                        $(.field($value))?
                        .finish(),)*
                }
            }
        })*
    };
}

debug! {
    Place { Builtin, Managed, ManagedRestriction, ManagedOther, User, Project }
    Severity { Error, Warning }
    Surface { Terminal, Desktop, Remote, Web }
    State { Unknown, Out, Barred, Ready, Held, Failed, Fatal }
    Consent { Undecided, Approved, Declined }
    Refusal { SurfaceNotServed, NothingUsable, SourceFailed, EndpointNotAllowed, ConsentRequired, OverrideRefused }
    Verdict { Look(value), Ask(value), Get(value), Use(value), Refuse(value), Consult }
    Tier { Managed, User, Project }
    Command { Arguments(value), Setting(value), Variable(value) }
    Format { Token, Headers, Bazel, Git, AwsProcess }
    StoreKind { Keyring, File }
    Kind { Environment(value), Helper(value), ToolLogin(value), Supplied, StoredKey(value), Login(value), Cloud(value) }
    Trouble { Unreadable, Invalid, Untrusted, BadCharacter, NotStarted, ExitStatus, TimedOut, NoOutput, MoreThanOneToken, NotPrintable, TooLong, Expired, Locked, NoStore, Unreachable, Rejected, Unsupported, Vanished, NoCredentials, MalformedAnswer, Nested }
    Outcome { Absent, Blank, Off, Present, Recursion, Trouble(value) }
    Destination { Default, Origin(value), Malformed }
    Lifetime { Unset, Milliseconds(value), Malformed }
    Reason { NotLooked, Present, Got, Absent, Blank, Off, Recursion, WrongOrganization, NoOrganization, StoreNotAllowed, Renewable, EndpointNotAllowed, EndpointMalformed, Trouble, Nested, NotOnSurface, Dropped, RestrictedSurface, ForcedLogin, Declined, ConsentRequired }
    Standing { Wins, Next, Outranked, Stops, PassedOver, NotCounted, Out, Unknown }
    Fix { SetVariable(value), UnsetVariable(value), Approve(value), Login(value), StoreKey(value), ToolLogin(value), ConfigureHelper(value), MendHelper(value), MendFile(value), MendKeyring, MendNetwork(value), Supply(value), ProviderLogin(value), OtherSurface(value), ChangePolicy(value) }
    Effect { Pass, Ask, Use, Refuse(value) }
}
