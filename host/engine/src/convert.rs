//! Between the contract's types and those that are generated from the WIT:
//! the same names and fields on both sides, so that one list of them serves
//! every crate that has generated types of its own.

/// What becomes a type of the other side.
pub(crate) trait Convert<T> {
    /// The same on the other side.
    fn convert(self) -> T;
}

impl<T, U: Convert<T>> Convert<Vec<T>> for Vec<U> {
    fn convert(self) -> Vec<T> {
        self.into_iter().map(Convert::convert).collect()
    }
}

impl<T, U: Convert<T>> Convert<Option<T>> for Option<U> {
    fn convert(self) -> Option<T> {
        self.map(Convert::convert)
    }
}

/// A list on the other side, made without a copy of it on this one.
pub(crate) fn list<T, U: Convert<T> + Clone>(items: &[U]) -> Vec<T> {
    items.iter().cloned().map(Convert::convert).collect()
}

/// What is the same type on both sides.
macro_rules! same {
    ($($name:ty),*) => {
        $(impl Convert<$name> for $name {
            fn convert(self) -> $name {
                self
            }
        })*
    };
}

same!(String, bool, i64, u16, u32, u64);

/// Enums and variants, in one direction.
macro_rules! variants {
    ($from:ident, $to:ident: $($name:ident { $($case:ident $(($value:ident))?),* })*) => {
        $(impl Convert<$to::$name> for $from::$name {
            fn convert(self) -> $to::$name {
                match self {
                    $(Self::$case $(($value))? => $to::$name::$case $(($value.convert()))?,)*
                }
            }
        })*
    };
}

/// Records, in one direction.
macro_rules! records {
    ($from:ident, $to:ident: $($name:ident { $($field:ident),* })*) => {
        $(impl Convert<$to::$name> for $from::$name {
            fn convert(self) -> $to::$name {
                $to::$name {
                    $($field: self.$field.convert(),)*
                }
            }
        })*
    };
}

/// All that goes into a policy and all that comes out of one, for the types
/// that are generated in this module.
macro_rules! conversions {
    ($generated:ident) => {
        variants! { wit, $generated:
            Place { Builtin, Managed, ManagedRestriction, ManagedOther, User, Project }
            Surface { Terminal, Desktop, Remote, Web }
            State { Unknown, Out, Barred, Ready, Held, Failed }
            Consent { Undecided, Approved, Declined }
            Trouble { Unreadable, Invalid, Untrusted, BadCharacter, NotStarted, ExitStatus, TimedOut, NoOutput, MoreThanOneToken, NotPrintable, TooLong, Expired, Locked, NoStore, Unreachable, Rejected, Unsupported, Vanished, NoCredentials, MalformedAnswer }
            Outcome { Absent, Blank, Off, Present, Recursion, Trouble(value) }
            Destination { Default, Origin(value), Malformed }
            Lifetime { Unset, Milliseconds(value), Malformed }
            Tier { Managed, User, Project }
            StoreKind { Keyring, File }
        }
        records! { wit, $generated:
            Document { place, path, text }
            Session { surface, interactive }
            Fact { state, consent }
            Observation { got, outcome, detail, found_in, tier, destination, expires_in, renewable, account, organization, kept_in, lifetime }
            Evidence { consent, seen }
        }
        variants! { $generated, wit:
            Place { Builtin, Managed, ManagedRestriction, ManagedOther, User, Project }
            Severity { Error, Warning }
            Surface { Terminal, Desktop, Remote, Web }
            State { Unknown, Out, Barred, Ready, Held, Failed }
            Consent { Undecided, Approved, Declined }
            Refusal { SurfaceNotServed, NothingUsable, SourceFailed, EndpointNotAllowed, ConsentRequired, OverrideRefused }
            Verdict { Look(value), Ask(value), Get(value), Use(value), Refuse(value), Consult }
            Tier { Managed, User, Project }
            Command { Arguments(value), Setting(value), Variable(value) }
            Format { Token, Headers, Bazel, Git, AwsProcess }
            StoreKind { Keyring, File }
            Kind { Environment(value), Helper(value), ToolLogin(value), Supplied, StoredKey(value), Login(value), Cloud(value) }
            Trouble { Unreadable, Invalid, Untrusted, BadCharacter, NotStarted, ExitStatus, TimedOut, NoOutput, MoreThanOneToken, NotPrintable, TooLong, Expired, Locked, NoStore, Unreachable, Rejected, Unsupported, Vanished, NoCredentials, MalformedAnswer }
            Outcome { Absent, Blank, Off, Present, Recursion, Trouble(value) }
            Destination { Default, Origin(value), Malformed }
            Lifetime { Unset, Milliseconds(value), Malformed }
            Reason { NotLooked, Present, Got, Absent, Blank, Off, Recursion, WrongOrganization, NoOrganization, StoreNotAllowed, Renewable, EndpointNotAllowed, EndpointMalformed, Trouble, NotOnSurface, Dropped, RestrictedSurface, ForcedLogin, Declined, ConsentRequired }
            Standing { Wins, Next, Outranked, Stops, PassedOver, NotCounted, Out, Unknown }
            Fix { SetVariable(value), UnsetVariable(value), Approve(value), Login(value), StoreKey(value), ToolLogin(value), ConfigureHelper(value), MendHelper(value), MendFile(value), MendKeyring, MendNetwork(value), Supply(value), ProviderLogin(value), OtherSurface(value), ChangePolicy(value) }
            Effect { Pass, Ask, Use, Refuse(value) }
        }
        records! { $generated, wit:
            Session { surface, interactive }
            Location { path, line, column, offset, length }
            Diagnostic { severity, code, message, at, help }
            Refused { reason, source }
            Paths { linux, macos, windows }
            SettingsFile { name, tier, path, folder }
            Folder { variable, default }
            Tool { name, folder, settings }
            Setting { key, from }
            Signing { service, region }
            Helper { command, format, signing, timeout_ms, ttl_variable, vary }
            ToolLogin { path, entry, login }
            IssuerEndpoints { authorization, device, token, revocation, introspection, userinfo }
            KeyRequest { url, field }
            Issuer { id, url, client_id, endpoints, scopes, parameters, redirect_host, redirect_port, redirect_path, key }
            Login { name, issuer, organization_claim }
            StoredKey { name, issuer, organization_claim }
            Storage { store, fallback }
            Cloud { provider, flag, set, skip_auth, bearer_token, api_key, region, project, resource, service, auth_refresh, credential_export, timeout_ms }
            Pair { name, text }
            Endpoint { default, variable }
            Source { id, description, kind, reads, headers, export, endpoint, asks, keep_as, at }
            OverrideComponent { path, sha256, settings, at }
            About { name, description, tool, storage, clears, hides, override_, others, documents, warnings }
            Observation { got, outcome, detail, found_in, tier, destination, expires_in, renewable, account, organization, kept_in, lifetime }
            Finding { state, reason, at, ttl_ms }
            Candidate { source, counts }
            Line { source, standing, reason, state, text, at }
            Advice { action, text }
            Warning { code, message, at }
            Changed { without, at, text }
            Explanation { verdict, summary, at, sources, changed, fix, warnings }
            Condition { seen, state, reason, at, text }
            Row { session, source, condition, consent, effect, reason, at }
            Ending { session, reason, at }
            Table { conditions, rows, endings }
            JointCondition { text, old, new }
            Counterpart { reads, old, new, conditions }
            Concern { code, message, why, help, at }
        }
    };
}

#[cfg(feature = "component")]
mod component {
    use super::Convert;
    use crate::bindings as component;
    use keyrule_contract as wit;

    conversions!(component);
}

#[cfg(feature = "native")]
mod native {
    use super::Convert;
    use keyrule_contract as wit;
    use keyrule_policy::bindings::exports::keyrule::policy::engine as native;

    conversions!(native);
}
