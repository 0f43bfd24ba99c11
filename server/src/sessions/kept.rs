//! Sessions whose client may come again after its connection was lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::DeviceId;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tunnel::driver::{Detached, Resumer};
use tunnel::wire::Resume;

use crate::access::Principal;

/// What a session runs over.
pub(super) type Connection = TokioIo<Upgraded>;

/// All of them, with a connection or without; cheap to clone.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<[u8; 16], Kept>>>);

/// What a client must be and ask for to go on.
struct Kept {
    principal: Principal,
    device: DeviceId,
    service: String,
    resumer: Resumer<Connection>,
}

impl Sessions {
    /// Keeps a session until the guard is dropped.
    pub(super) fn keep(
        &self,
        principal: &Principal,
        device: DeviceId,
        service: &str,
        resumer: Resumer<Connection>,
    ) -> Guard {
        let id = *resumer.id();
        let kept = Kept {
            principal: principal.clone(),
            device,
            service: service.to_owned(),
            resumer,
        };
        self.lock().insert(id, kept);
        let sessions = self.clone();
        Guard { sessions, id }
    }

    /// The session that a client lost, taken off the connection it may still have: of the same
    /// sign-in or token, to the same service. The id alone grants nothing.
    pub(super) fn detach(
        &self,
        asked: &Resume,
        principal: &Principal,
        device: DeviceId,
        service: &str,
    ) -> Option<Detached<Connection>> {
        let resumer = {
            let sessions = self.lock();
            let kept = sessions.get(&asked.tunnel)?;
            let is_same = kept.principal.via == principal.via
                && kept.principal.user == principal.user
                && kept.device == device
                && kept.service == service;
            is_same.then(|| kept.resumer.clone())?
        };
        resumer.detach(Some(asked.received)).ok()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 16], Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the sessions.
pub(super) struct Guard {
    sessions: Sessions,
    id: [u8; 16],
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.id);
    }
}
