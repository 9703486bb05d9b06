//! Makes an engine, once per process, and policies from it. What goes in is
//! code that the build script compiled, and policy texts; what comes out is a
//! handle that asks the component, with fresh fuel for every call, and checks
//! its answers.

use std::fmt;
use std::sync::{Arc, OnceLock};

use wasmtime::Store;
use wasmtime::component::{Component, Linker, ResourceAny};

use keyrule_contract as wit;

use super::bindings::{PolicyEngine, PolicyEnginePre};
use super::convert::{Convert, list};
use super::error::{Error, LoadError};
use super::limits::{CALL_FUEL, LOAD_FUEL, Limits, of_call};
use super::{Judge, config, image, verdict};

/// A component that is ready to load policies. Cloning it is cheap.
#[derive(Clone)]
pub struct Engine(Arc<PolicyEnginePre<Limits>>);

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// The engine that this library was built with.
    ///
    /// # Errors
    ///
    /// Where this machine cannot run it.
    pub fn builtin() -> Result<Self, Error> {
        static BUILTIN: OnceLock<Result<Engine, Error>> = OnceLock::new();
        BUILTIN.get_or_init(Self::load_builtin).clone()
    }

    /// What [`builtin`](Self::builtin) does the first time.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn load_builtin() -> Result<Self, Error> {
        let (runtime, component) = image::load()?;
        Self::new(&runtime, &component)
    }

    /// Makes an engine of another component, compiled ahead of time with the
    /// configuration in `config`, to be run under the same limits.
    ///
    /// # Errors
    ///
    /// Where it is no component, imports anything, or is of another world.
    ///
    /// # Safety
    ///
    /// The bytes are run as machine code. They must be what wasmtime compiled,
    /// unchanged.
    #[expect(unsafe_code, reason = "passes the caller's promise on")]
    pub unsafe fn from_precompiled(bytes: &[u8]) -> Result<Self, Error> {
        let runtime =
            wasmtime::Engine::new(&config::config(cfg!(windows))).map_err(|_| Error::NotStarted)?;
        // SAFETY: the caller promises it.
        let component = unsafe { Component::deserialize(&runtime, bytes) };
        Self::new(&runtime, &component.map_err(|_| Error::NotComponent)?)
    }

    fn new(runtime: &wasmtime::Engine, component: &Component) -> Result<Self, Error> {
        if let Some((name, _)) = component.component_type().imports(runtime).next() {
            return Err(Error::Imports {
                // A name can be as long as a component.
                name: name.chars().take(100).collect(),
            });
        }
        let linked = Linker::new(runtime)
            .instantiate_pre(component)
            .map_err(|_| Error::NotComponent)?;
        let linked = PolicyEnginePre::new(linked).map_err(|_| Error::WrongWorld)?;
        Ok(Self(Arc::new(linked)))
    }
}

/// A loaded policy. It has a memory of its own; nothing that one policy does
/// is seen by another.
pub struct Policy {
    store: Store<Limits>,
    exports: PolicyEngine,
    policy: ResourceAny,
    /// How many sources there are, once somebody has asked.
    count: Option<usize>,
}

impl fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Policy").finish_non_exhaustive()
    }
}

/// Calls a function of the policy with fresh fuel: as much as a decision may
/// use, or as much as reading documents may, for what goes through all of them.
macro_rules! call {
    ($self:ident, $name:literal, $method:ident $(, $argument:expr)*) => {
        call!($self, CALL_FUEL, $name, $method $(, $argument)*)
    };
    ($self:ident, $fuel:ident, $name:literal, $method:ident $(, $argument:expr)*) => {{
        let policy = $self.policy;
        $self
            .store
            .set_fuel($fuel)
            .and_then(|()| {
                $self
                    .exports
                    .keyrule_policy_engine()
                    .policy()
                    .$method(&mut $self.store, policy $(, $argument)*)
            })
            .map(Convert::convert)
            .map_err(|error| of_call($name, $fuel, &error))
    }};
}

impl Policy {
    /// Reads documents in a fresh instance.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the documents, or with the component.
    pub fn load(
        engine: &Engine,
        name: &str,
        documents: &[wit::Document],
    ) -> Result<Self, LoadError> {
        let (mut store, exports) = Self::instance(engine)?;
        let policy = load_into(&mut store, &exports, name, documents)?;
        Ok(Self {
            store,
            exports,
            policy,
            count: None,
        })
    }

    /// Finds the sources that two policies have in common: the old policy's
    /// in their order, then those that only the new one has.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn align(
        engine: &Engine,
        name: (&str, &str),
        old: &[wit::Document],
        new: &[wit::Document],
    ) -> Result<Vec<wit::Counterpart>, LoadError> {
        let (mut store, exports) = Self::instance(engine)?;
        let old = load_into(&mut store, &exports, name.0, old)?;
        let new = load_into(&mut store, &exports, name.1, new)?;
        let failed = |error| of_call("align", LOAD_FUEL, &error);
        store.set_fuel(LOAD_FUEL).map_err(failed)?;
        let aligned = exports
            .keyrule_policy_engine()
            .policy()
            .call_align(&mut store, old, new)
            .map_err(failed)?;
        Ok(aligned.convert())
    }

    /// A fresh instance, with fuel to load by.
    fn instance(engine: &Engine) -> Result<(Store<Limits>, PolicyEngine), Error> {
        let failed = |error| of_call("load", LOAD_FUEL, &error);
        let mut store = Limits::store(engine.0.engine());
        store.set_fuel(LOAD_FUEL).map_err(failed)?;
        let exports = engine.0.instantiate(&mut store).map_err(|error| {
            // Where the system gives no address space, say that.
            if error
                .chain()
                .any(|cause| cause.is::<std::io::Error>() || is_errno(cause))
            {
                return Error::NotStarted;
            }
            // The types of the exports are compared here, and a start
            // function runs here.
            match failed(error) {
                Error::Misbehaved { .. } => Error::WrongWorld,
                other => other,
            }
        })?;
        Ok((store, exports))
    }

    /// How many sources there are.
    ///
    /// # Errors
    ///
    /// Where the component does not answer properly.
    pub fn count(&mut self) -> Result<usize, Error> {
        match self.count {
            Some(count) => Ok(count),
            None => Ok(self.sources()?.len()),
        }
    }

    /// `decide` for many cases at once: the facts of one case after those of
    /// the other.
    ///
    /// # Errors
    ///
    /// Where the component does not answer properly.
    pub fn decide_batch(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<Vec<wit::Verdict>, Error> {
        let given = list(facts);
        let verdicts: Vec<_> = call!(
            self,
            "decide-batch",
            call_decide_batch,
            session.convert(),
            &given
        )?;
        verdict::check_batch(&verdicts, self.count()?, facts.len())?;
        Ok(verdicts)
    }

    /// `decide` for every combination of what may be known: one fact out of
    /// the list for each source, the last source's changing fastest. Some ten
    /// thousand combinations at a time stay within the limits.
    ///
    /// # Errors
    ///
    /// Where the component does not answer properly.
    pub fn decide_every(
        &mut self,
        session: wit::Session,
        facts: &[Vec<wit::Fact>],
    ) -> Result<Vec<wit::Verdict>, Error> {
        let given = list(facts);
        let verdicts: Vec<_> = call!(
            self,
            "decide-every",
            call_decide_every,
            session.convert(),
            &given
        )?;
        verdict::check_every(&verdicts, self.count()?, facts)?;
        Ok(verdicts)
    }

    /// Lists everything that the policy decides.
    ///
    /// # Errors
    ///
    /// Where the component does not answer properly.
    pub fn table(&mut self) -> Result<wit::Table, Error> {
        let table: wit::Table = call!(self, LOAD_FUEL, "table", call_table)?;
        verdict::check_table(&table, self.count()?)?;
        Ok(table)
    }

    /// Lists what the author may not mean.
    ///
    /// # Errors
    ///
    /// Where the component does not answer properly.
    pub fn lint(&mut self) -> Result<Vec<wit::Lint>, Error> {
        call!(self, LOAD_FUEL, "lint", call_lint)
    }
}

/// Reads documents into an instance.
fn load_into(
    store: &mut Store<Limits>,
    exports: &PolicyEngine,
    name: &str,
    documents: &[wit::Document],
) -> Result<ResourceAny, LoadError> {
    let failed = |error| of_call("load", LOAD_FUEL, &error);
    store.set_fuel(LOAD_FUEL).map_err(failed)?;
    exports
        .keyrule_policy_engine()
        .policy()
        .call_load(store, name, &list(documents))
        .map_err(failed)?
        .map_err(|diagnostics| LoadError::Rejected(diagnostics.convert()))
}

impl Judge for Policy {
    fn info(&mut self) -> Result<wit::PolicyInfo, Error> {
        call!(self, "info", call_info)
    }

    fn sources(&mut self) -> Result<Vec<wit::Source>, Error> {
        let sources: Vec<wit::Source> = call!(self, "sources", call_sources)?;
        self.count = Some(sources.len());
        Ok(sources)
    }

    fn observe(&mut self, source: u32, seen: &wit::Observation) -> Result<wit::Finding, Error> {
        let given = seen.clone().convert();
        let finding = call!(self, "observe", call_observe, source, &given)?;
        verdict::check_finding(source, seen, &finding)?;
        Ok(finding)
    }

    fn decide(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<wit::Verdict, Error> {
        call!(self, "decide", call_decide, session.convert(), &list(facts))
    }

    fn candidates(&mut self, session: wit::Session) -> Result<Vec<wit::Candidate>, Error> {
        let candidates: Vec<_> = call!(self, "candidates", call_candidates, session.convert())?;
        verdict::check_candidates(&candidates, self.count()?)?;
        Ok(candidates)
    }

    fn decide_chosen(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
        chosen: Option<u32>,
    ) -> Result<wit::Verdict, Error> {
        call!(
            self,
            "decide-chosen",
            call_decide_chosen,
            session.convert(),
            &list(facts),
            chosen
        )
    }

    fn explain(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
    ) -> Result<wit::Explanation, Error> {
        let explanation: wit::Explanation = call!(
            self,
            "explain",
            call_explain,
            session.convert(),
            &list(evidence)
        )?;
        verdict::check_explanation("explain", &explanation, self.count()?)?;
        Ok(explanation)
    }

    fn explain_chosen(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
        chosen: Option<u32>,
    ) -> Result<wit::Explanation, Error> {
        let explanation: wit::Explanation = call!(
            self,
            "explain-chosen",
            call_explain_chosen,
            session.convert(),
            &list(evidence),
            chosen
        )?;
        verdict::check_explanation("explain-chosen", &explanation, self.count()?)?;
        Ok(explanation)
    }
}

#[cfg(unix)]
fn is_errno(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.is::<rustix::io::Errno>()
}

#[cfg(not(unix))]
fn is_errno(_: &(dyn std::error::Error + 'static)) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Step, Steps};

    fn documents(text: &str) -> Vec<wit::Document> {
        vec![wit::Document {
            origin: wit::DocumentOrigin::Builtin,
            path: "claude-code.toml".to_owned(),
            text: text.to_owned(),
        }]
    }

    fn shipped() -> Policy {
        let text = include_str!("../../../policies/claude-code.toml");
        Policy::load(&Engine::builtin().unwrap(), "claude-code", &documents(text)).unwrap()
    }

    const SESSION: wit::Session = wit::Session {
        surface: wit::Surface::Terminal,
        interactive: true,
    };

    const UNKNOWN: wit::Fact = wit::Fact {
        state: wit::State::Unknown,
        consent: wit::Consent::Undecided,
    };

    #[test]
    fn the_built_in_engine_loads_the_shipped_policy() {
        let mut policy = shipped();
        assert_eq!(policy.info().unwrap().name, "claude-code");
        assert_eq!(
            policy
                .sources()
                .unwrap()
                .iter()
                .map(|source| source.id.as_str())
                .collect::<Vec<_>>(),
            [
                "bedrock",
                "vertex",
                "foundry",
                "auth-token",
                "api-key",
                "helper",
                "login"
            ]
        );
    }

    #[test]
    fn a_resolution_begins_with_a_look_at_the_first_source() {
        let mut policy = shipped();
        let facts = vec![UNKNOWN; policy.count().unwrap()];
        let verdict = policy.decide(SESSION, &facts).unwrap();
        assert_eq!(
            Steps::new(policy.count().unwrap()).check(SESSION, &facts, verdict),
            Ok(Step::Look(0))
        );
    }

    #[test]
    fn a_batch_answers_as_single_calls_do() {
        let mut policy = shipped();
        let mut cases = Vec::new();
        for known in 0..=policy.count().unwrap() {
            let mut facts = vec![UNKNOWN; policy.count().unwrap()];
            for fact in facts.iter_mut().take(known) {
                fact.state = wit::State::Unavailable;
            }
            cases.push(facts);
        }
        let singly: Vec<_> = cases
            .iter()
            .map(|facts| policy.decide(SESSION, facts).unwrap())
            .collect();
        assert_eq!(
            policy.decide_batch(SESSION, &cases.concat()).unwrap(),
            singly
        );
    }

    #[test]
    fn a_rejected_text_is_told_from_an_engine_that_failed() {
        let engine = Engine::builtin().unwrap();
        let rejected = Policy::load(&engine, "claude-code", &documents("nome = 1")).unwrap_err();
        assert!(matches!(rejected, LoadError::Rejected(found) if !found.is_empty()));
    }

    #[test]
    fn what_traps_names_the_call_and_leaves_the_engine_usable() {
        let mut policy = shipped();
        let trapped = policy.decide(SESSION, &[]).unwrap_err();
        assert_eq!(
            trapped.to_string(),
            "the engine trapped in `decide`: wasm trap: wasm `unreachable` instruction executed"
        );
        assert_eq!(shipped().count().unwrap(), 7);
    }
}
