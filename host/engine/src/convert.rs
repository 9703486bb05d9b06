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
            DocumentOrigin { Builtin, Embedder, ToolFile, Managed, ManagedRestriction, ManagedToolFile, ManagedOther, User, UserRestriction, Project, Choice }
            Surface { Terminal, Desktop, Remote, Web }
            State { Unknown, Unavailable, Forbidden, Ready, Fetched, Failed, Fatal }
            Consent { Undecided, Approved, Declined }
            Tier { Managed, User, Project }
            StoreKind { Keyring, File }
            FailureKind { Unreadable, Invalid, Untrusted, BadCharacter, NotStarted, ExitStatus, TimedOut, NoOutput, MoreThanOneToken, NotPrintable, TooLong, Expired, Locked, NoStore, Unreachable, Rejected, Unsupported, Vanished, NoCredentials, MalformedAnswer, Nested }
            Outcome { Absent, Blank, Off, Present, Recursion, Failed(value) }
            Destination { Default, Origin(value), Malformed }
            Lifetime { Unset, Milliseconds(value), Malformed }
        }
        records! { wit, $generated:
            Document { origin, path, text }
            Session { surface, interactive }
            Fact { state, consent }
            Redirection { name, origin, carries }
            Observation { fetched, outcome, detail, location, tier, destination, endpoint_location, endpoint_tier, redirections, expires_in, refreshable, account, organization, stored_in, lifetime }
            Evidence { consent, observation }
            ItemObservation { item, outcome, location, tier }
        }
        variants! { $generated, wit:
            DocumentOrigin { Builtin, Embedder, ToolFile, Managed, ManagedRestriction, ManagedToolFile, ManagedOther, User, UserRestriction, Project, Choice }
            Severity { Error, Warning }
            Surface { Terminal, Desktop, Remote, Web }
            State { Unknown, Unavailable, Forbidden, Ready, Fetched, Failed, Fatal }
            Consent { Undecided, Approved, Declined }
            Refusal { SurfaceNotServed, NothingUsable, SourceFailed, EndpointNotAllowed, ConsentRequired, OverrideRefused }
            Verdict { Look(value), Ask(value), Fetch(value), Use(value), Refuse(value), Consult }
            Tier { Managed, User, Project }
            Role { Credential, Selector, Endpoint, Dependent, Locator, Transport, Mode }
            ItemKind { Variable(value), Setting(value), Entry(value), Argument(value) }
            Remedy { Argument, Clear, Export, Refuse }
            Command { Arguments(value), Setting(value), Variable(value) }
            Format { Token, Headers, Bazel, Git, AwsProcess }
            StoreKind { Keyring, File }
            Kind { Environment(value), Helper(value), ToolOwned(value), Supplied, StoredKey(value), Login(value), Cloud(value) }
            FailureKind { Unreadable, Invalid, Untrusted, BadCharacter, NotStarted, ExitStatus, TimedOut, NoOutput, MoreThanOneToken, NotPrintable, TooLong, Expired, Locked, NoStore, Unreachable, Rejected, Unsupported, Vanished, NoCredentials, MalformedAnswer, Nested }
            Outcome { Absent, Blank, Off, Present, Recursion, Failed(value) }
            Destination { Default, Origin(value), Malformed }
            Lifetime { Unset, Milliseconds(value), Malformed }
            Reason { NotLooked, Present, Fetched, Absent, Blank, Off, Recursion, WrongOrganization, NoOrganization, StoreNotAllowed, Refreshable, EndpointNotAllowed, EndpointMalformed, Failed, Nested, NotOnSurface, Dropped, RestrictedSurface, ForcedLogin, Declined, ConsentRequired }
            SourceStatus { Selected, Next, Shadowed, Blocking, Skipped, NotApplicable, Unavailable, Unknown }
            Fix { SetVariable(value), UnsetVariable(value), Approve(value), Login(value), StoreKey(value), ToolLogin(value), ConfigureHelper(value), RepairHelper(value), RepairFile(value), UnlockKeyring, CheckNetwork(value), Supply(value), ProviderLogin(value), OtherSurface(value), ChangePolicy(value) }
            Effect { Skip, Ask, Use, Refuse(value) }
        }
        records! { $generated, wit:
            Location { path, line, column, offset, length }
            Diagnostic { severity, code, message, location, help }
            Session { surface, interactive }
            Refused { reason, source }
            Paths { linux, macos, windows }
            SettingsFile { name, tier, repository, path, folder }
            Folder { variable, default }
            FileEntry { path, key }
            ToolItem { id, kind, role, source, fills, needs, remedies, location }
            ToolSource { id, fills, unless, needs, location }
            Tool { name, folder, settings, sources, items }
            Setting { key, from }
            Signing { service, region }
            Helper { command, format, signing, timeout_ms, ttl_variable, vary }
            ToolOwned { path, entry, login }
            IssuerEndpoints { authorization, device, token, revocation, introspection, userinfo }
            KeyRequest { url, field }
            Issuer { id, url, client_id, endpoints, scopes, parameters, redirect_host, redirect_port, redirect_path, key }
            Login { name, issuer, organization_claim }
            StoredKey { name, issuer, organization_claim }
            Storage { store, fallback }
            Cloud { provider, flag, set, skip_auth, bearer_token, api_key, region, project, resource, service, auth_refresh, credential_export, timeout_ms }
            Pair { name, text }
            Endpoint { default, variable }
            Source { id, description, kind, reads, headers, export, endpoint, needs_consent, keep_as, location }
            OverrideComponent { path, sha256, settings, location }
            PolicyInfo { name, description, tool, storage, cleared_variables, hidden_variables, override_component, allow_unmanaged, documents, warnings }
            Redirection { name, origin, carries }
            Observation { fetched, outcome, detail, location, tier, destination, endpoint_location, endpoint_tier, redirections, expires_in, refreshable, account, organization, stored_in, lifetime }
            Finding { state, reason, rule, ttl_ms }
            Candidate { source, applies }
            SourceReport { source, status, reason, state, text, rule }
            Advice { action, text }
            Warning { code, message, rule }
            RestrictionEffect { without, rule, text }
            Explanation { verdict, summary, rule, sources, restriction_effect, fix, warnings }
            Condition { observation, state, reason, rule, text }
            Row { session, source, condition, consent, effect, reason, rule }
            Ending { session, reason, rule }
            Table { conditions, rows, endings }
            JointCondition { text, old, new }
            Counterpart { reads, old, new, conditions }
            Lint { code, message, why, help, location }
            PredictedHeader { header, source }
            HandoverStep { item, remedy }
            Handover { steps, obstacles }
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
