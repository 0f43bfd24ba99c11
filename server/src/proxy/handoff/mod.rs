//! How a sign-in at the manager becomes one at a device's host (SECURITY section 2).
//!
//! ```text
//! device host  GET /path ──► begin: state, path ─► manager /launch: who? may they? meant to?
//!      ▲                                                        │ mint: code
//!      └── cookie ◄── redeem: state = cookie?, code burnt ◄─────┘ /.adit/auth?state=…#code=…
//! ```
//!
//! What waits in between is kept here, in memory, bounded, for minutes. The parents and children
//! are records of `accounts`.

mod path;
mod pending;
#[cfg(test)]
mod tests;
mod token;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use api::{DeviceId, SignInId, Timestamp, UserId};
use ring::rand::{SecureRandom, SystemRandom};

use crate::access::Principal;
use crate::clock::Clock;
use crate::http::ApiError;

use self::pending::Pending;
use self::token::{Digest, Token, same};

pub(super) use self::path::local;

/// A state's life, and its cookie's.
pub(super) const STATE_LIFE_S: i64 = 300;
/// A state with less than this left is not used for another launch.
const STATE_FRESH_S: i64 = 60;
/// Return paths of one state: tabs opened at once.
const PATHS_MAX: usize = 8;
/// From the app's click to its navigation's arrival.
const INTENT_LIFE_S: i64 = 60;
/// For a person to read the click-through page.
const ASK_LIFE_S: i64 = 600;
/// From minting to redeeming.
const CODE_LIFE_S: i64 = 30;
/// A used code is remembered so long, to know it when it comes again.
const USED_LIFE_S: i64 = 600;

/// Pending hand-offs.
pub(super) struct Handoff {
    clock: Clock,
    random: Box<dyn SecureRandom + Send + Sync>,
    states: Pending<Digest, IpAddr, State>,
    intents: Pending<(SignInId, DeviceId, String), SignInId, ()>,
    asks: Pending<Digest, SignInId, (SignInId, Launch)>,
    codes: Pending<Digest, SignInId, Arc<Code>>,
}

struct State {
    host: String,
    paths: Vec<String>,
}

/// A visit that the manager is to let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    /// The device's host it began at.
    pub(super) host: String,
    /// Shown back to that host; a secret between it and its browser.
    state: String,
    path: String,
}

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) user: UserId,
    pub(super) sign_in: SignInId,
    pub(super) device: DeviceId,
    pub(super) host: String,
    /// Local.
    pub(super) path: String,
    state: Digest,
    code: Digest,
}

struct Code {
    grant: Grant,
    minted_at: Timestamp,
    fate: Mutex<Fate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unused,
    Used,
    Replayed,
}

/// A hand-off that has begun.
pub(super) struct Begun {
    pub(super) state: String,
    /// Which of the state's paths.
    pub(super) number: usize,
    /// Whether the browser has the state's cookie already.
    pub(super) is_known: bool,
}

/// What came of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Redeemed {
    /// The first and only time; burnt now.
    Granted(Grant),
    /// It came before: somebody else has it, too.
    Replayed(Grant),
    /// Unknown, run out, or for another browser or host.
    Refused,
}

/// A browser's claim to a code.
pub(super) struct Claim<'a> {
    pub(super) host: &'a str,
    pub(super) state: &'a str,
    pub(super) code: &'a str,
    /// The state cookie, if there is exactly one.
    pub(super) cookie: Option<&'a str>,
    /// Who is signed in at this host already; then the state proves nothing that is needed.
    pub(super) signed_in: Option<UserId>,
}

impl Handoff {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            random: Box::new(SystemRandom::new()),
            states: Pending::new(STATE_LIFE_S, 64, 4096),
            intents: Pending::new(INTENT_LIFE_S, 16, 4096),
            asks: Pending::new(ASK_LIFE_S, 16, 4096),
            codes: Pending::new(USED_LIFE_S, 32, 4096),
        }
    }

    /// A visit without a sign-in begins at `host`. `cookie` is the state that the browser holds:
    /// used again while it is fresh, so that tabs opened together do not undo each other.
    ///
    /// # Errors
    /// No random numbers.
    pub(super) fn begin(
        &self,
        host: &str,
        peer: IpAddr,
        cookie: Option<&str>,
        path: &str,
    ) -> Result<Begun, ApiError> {
        let now = self.clock.now();
        let path = local(path);
        if let Some(state) = cookie
            && let Some(digest) = Digest::of(state)
            && let Some(Some(number)) = self.states.with(&digest, now, |known, left_s| {
                (known.host == host && left_s >= STATE_FRESH_S).then(|| known.number_of(path))
            })
        {
            return Ok(Begun {
                state: state.to_owned(),
                number,
                is_known: true,
            });
        }
        let token = Token::generate(&*self.random)?;
        let state = State {
            host: host.to_owned(),
            paths: vec![path.to_owned()],
        };
        self.states.put(token.digest(), peer, state, now);
        Ok(Begun {
            state: token.reveal().to_owned(),
            number: 0,
            is_known: false,
        })
    }

    /// The visit that `host` sent with this state; `None` when it is not (or no longer) known.
    pub(super) fn launch(&self, host: &str, state: &str, number: usize) -> Option<Launch> {
        let digest = Digest::of(state)?;
        self.states.with(&digest, self.clock.now(), |known, _| {
            let path = known.paths.get(number).map_or("/", String::as_str);
            (known.host == host).then(|| Launch {
                host: host.to_owned(),
                state: state.to_owned(),
                path: path.to_owned(),
            })
        })?
    }

    /// The app says that its user wants to open this.
    pub(super) fn intend(&self, sign_in: SignInId, device: DeviceId, service: &str) {
        let key = (sign_in, device, service.to_owned());
        let now = self.clock.now();
        // Twice clicked is once meant.
        let _ = self.intents.take(&key, now);
        self.intents.put(key, sign_in, (), now);
    }

    /// Whether the app said so; once.
    pub(super) fn was_intended(&self, sign_in: SignInId, device: DeviceId, service: &str) -> bool {
        let key = (sign_in, device, service.to_owned());
        self.intents.take(&key, self.clock.now()).is_some()
    }

    /// A page that asks whether to go on; its answer must bring the token.
    ///
    /// # Errors
    /// No random numbers.
    pub(super) fn ask(&self, sign_in: SignInId, launch: Launch) -> Result<Token, ApiError> {
        let token = Token::generate(&*self.random)?;
        self.asks
            .put(token.digest(), sign_in, (sign_in, launch), self.clock.now());
        Ok(token)
    }

    /// What was asked with this token, of the same sign-in and about the same host; once.
    pub(super) fn answered(&self, token: &str, sign_in: SignInId, host: &str) -> Option<Launch> {
        let (asked, launch) = self.asks.take(&Digest::of(token)?, self.clock.now())?;
        (asked == sign_in && launch.host == host).then_some(launch)
    }

    /// A code that lets this visit in, and where to bring it.
    ///
    /// # Errors
    /// No random numbers.
    pub(super) fn mint(
        &self,
        principal: &Principal,
        sign_in: SignInId,
        device: DeviceId,
        launch: Launch,
    ) -> Result<String, ApiError> {
        let token = Token::generate(&*self.random)?;
        let Some(state) = Digest::of(&launch.state) else {
            return Err(ApiError::internal("a launch without a state"));
        };
        let now = self.clock.now();
        let url_path = format!("/.adit/auth?state={}#code={}", launch.state, token.reveal());
        let (user, Launch { host, path, .. }) = (principal.user, launch);
        let grant = Grant {
            user,
            sign_in,
            device,
            host,
            path,
            state,
            code: token.digest(),
        };
        let code = Code {
            grant,
            minted_at: now,
            fate: Mutex::new(Fate::Unused),
        };
        self.codes.put(token.digest(), sign_in, Arc::new(code), now);
        Ok(url_path)
    }

    /// Burns a code. Of any number of claims at once, one is granted.
    pub(super) fn redeem(&self, claim: &Claim<'_>) -> Redeemed {
        let now = self.clock.now();
        let (Some(state), Some(code)) = (Digest::of(claim.state), Digest::of(claim.code)) else {
            return Redeemed::Refused;
        };
        let Some(code) = self.codes.with(&code, now, |code, _| Arc::clone(code)) else {
            return Redeemed::Refused;
        };
        let mut fate = code.fate.lock().unwrap_or_else(PoisonError::into_inner);
        let grant = code.grant.clone();
        if *fate != Fate::Unused {
            *fate = Fate::Replayed;
            return Redeemed::Replayed(grant);
        }
        let is_same_browser = claim.cookie.is_some_and(|cookie| same(cookie, claim.state))
            || claim.signed_in == Some(grant.user);
        let is_in_time = now < code.minted_at.plus_seconds(CODE_LIFE_S);
        let is_bound = grant.host == claim.host && grant.state == state;
        if !(is_same_browser && is_in_time && is_bound) {
            return Redeemed::Refused;
        }
        *fate = Fate::Used;
        Redeemed::Granted(grant)
    }

    /// Whether the granted code has come again since.
    pub(super) fn was_replayed(&self, grant: &Grant) -> bool {
        self.codes
            .with(&grant.code, self.clock.now(), |code, _| {
                *code.fate.lock().unwrap_or_else(PoisonError::into_inner) == Fate::Replayed
            })
            // Pushed out by newer ones: nothing is known, so nothing is believed.
            .unwrap_or(true)
    }
}

impl State {
    fn number_of(&mut self, path: &str) -> usize {
        let known = self.paths.iter().position(|known| known == path);
        known.unwrap_or_else(|| {
            if self.paths.len() < PATHS_MAX {
                self.paths.push(path.to_owned());
            } else if let Some(last) = self.paths.last_mut() {
                path.clone_into(last);
            }
            self.paths.len() - 1
        })
    }
}
