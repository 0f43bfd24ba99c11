//! What a rtnetlink message says, as far as it matters here (rtnetlink(7), netlink(7)).

use std::collections::{HashMap, HashSet};

const HEADER_BYTES: usize = 16;
/// Part of an answer to a question, not news.
const FLAG_MULTI: u16 = 2;

const DONE: u16 = 3;
const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
pub(super) const ASK_LINKS: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
pub(super) const ASK_ADDRESSES: u16 = 22;
const NEW_ROUTE: u16 = 24;
const DELETE_ROUTE: u16 = 25;

/// `IFF_UP` and `IFF_RUNNING`.
const RUNNING: u32 = 0x1 | 0x40;
/// `IFA_F_TENTATIVE`: an IPv6 address not usable yet; it comes again when it is.
const TENTATIVE: u8 = 0x40;
/// `RT_SCOPE_LINK`; this and narrower leads to no server.
const SCOPE_LINK: u8 = 253;
const ATTRIBUTE_ADDRESS: u16 = 1;
const ATTRIBUTE_LOCAL: u16 = 2;
/// `RTN_UNICAST`.
const UNICAST: u8 = 1;
/// `RTM_F_CLONED`: an entry of the kernel's cache.
const CLONED: u32 = 0x200;

/// More than any device has; beyond them some news is told twice or not.
const MAX_LINKS: usize = 256;
const MAX_ADDRESSES: usize = 1024;

/// What is known to be there, so that it is no news when it is told again: each router
/// advertisement repeats addresses, each Wi-Fi scan links.
#[derive(Debug, Default)]
pub(super) struct Known {
    running: HashMap<i32, bool>,
    addresses: HashSet<(u32, Box<[u8]>)>,
}

/// What a datagram meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// The network is not what it was.
    pub(super) changed: bool,
    /// An answer is complete.
    pub(super) done: bool,
}

impl Known {
    /// Takes in all messages of a datagram.
    pub(super) fn read(&mut self, mut datagram: &[u8]) -> News {
        let mut news = News::default();
        while let Some((length, kind, flags)) = header(datagram) {
            let Some(body) = datagram.get(HEADER_BYTES..length) else {
                break;
            };
            news.done |= kind == DONE;
            // Short-circuit must not keep a message from being learnt.
            let differs = self.learn(kind, body).unwrap_or(false);
            news.changed |= differs && flags & FLAG_MULTI == 0;
            datagram = datagram
                .get(length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        news
    }

    /// Whether it is another network now; `None` for what cannot be read.
    fn learn(&mut self, kind: u16, body: &[u8]) -> Option<bool> {
        match kind {
            NEW_LINK => {
                let (index, runs) = link(body)?;
                if self.running.len() >= MAX_LINKS && !self.running.contains_key(&index) {
                    return Some(false);
                }
                // One that was not there before matters once it has an address or a route.
                Some(self.running.insert(index, runs) == Some(!runs))
            }
            DELETE_LINK => {
                let (index, _) = link(body)?;
                Some(self.running.remove(&index) == Some(true))
            }
            NEW_ADDRESS => {
                let address = address(body)?;
                Some(self.addresses.len() < MAX_ADDRESSES && self.addresses.insert(address))
            }
            DELETE_ADDRESS => Some(self.addresses.remove(&address(body)?)),
            NEW_ROUTE | DELETE_ROUTE => is_default_route(body),
            _ => None,
        }
    }
}

fn header(datagram: &[u8]) -> Option<(usize, u16, u16)> {
    let length = u32::from_ne_bytes(*datagram.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(chunk(datagram, 4)?);
    let flags = u16::from_ne_bytes(chunk(datagram, 6)?);
    (length >= HEADER_BYTES).then_some((length, kind, flags))
}

/// `struct ifinfomsg`: index, and whether it is up with a carrier.
fn link(body: &[u8]) -> Option<(i32, bool)> {
    let index = i32::from_ne_bytes(chunk(body, 4)?);
    let flags = u32::from_ne_bytes(chunk(body, 8)?);
    Some((index, flags & RUNNING == RUNNING))
}

/// `struct ifaddrmsg`: the link's index and the address, where it is one that leads away.
fn address(body: &[u8]) -> Option<(u32, Box<[u8]>)> {
    let [_, _, flags, scope] = chunk(body, 0)?;
    let index = u32::from_ne_bytes(chunk(body, 4)?);
    if scope >= SCOPE_LINK || flags & TENTATIVE != 0 {
        return None;
    }
    let mut attributes = body.get(8..)?;
    let mut found = None;
    while let Some(length) = chunk(attributes, 0) {
        let length = usize::from(u16::from_ne_bytes(length));
        let kind = u16::from_ne_bytes(chunk(attributes, 2)?);
        let value = attributes.get(4..length)?;
        match kind {
            // Over point-to-point links the other one is the peer's.
            ATTRIBUTE_LOCAL => found = Some(value),
            ATTRIBUTE_ADDRESS => found = found.or(Some(value)),
            _ => {}
        }
        attributes = attributes
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
    let address = found.filter(|address| matches!(address.len(), 4 | 16))?;
    Some((index, address.into()))
}

/// `struct rtmsg`. VPNs set two halves of the Internet instead of a default route.
fn is_default_route(body: &[u8]) -> Option<bool> {
    let [_, destination_bits, _, _] = chunk(body, 0)?;
    let [_, _, _, kind] = chunk(body, 4)?;
    let flags = u32::from_ne_bytes(chunk(body, 8)?);
    Some(destination_bits <= 1 && kind == UNICAST && flags & CLONED == 0)
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// A question for all of `kind`: `struct nlmsghdr` with `NLM_F_REQUEST | NLM_F_DUMP` and an empty
/// body, which is for any family.
pub(super) fn question(kind: u16) -> [u8; 32] {
    const FLAGS: u16 = 0x1 | 0x300;
    let mut message = [0; 32];
    message[..4].copy_from_slice(&32_u32.to_ne_bytes());
    message[4..6].copy_from_slice(&kind.to_ne_bytes());
    message[6..8].copy_from_slice(&FLAGS.to_ne_bytes());
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER_BYTES + body.len()).unwrap();
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    fn link(kind: u16, index: i32, flags: u32) -> Vec<u8> {
        let mut body = vec![0, 0, 1, 0];
        body.extend(index.to_ne_bytes());
        body.extend(flags.to_ne_bytes());
        body.extend([0; 4]);
        message(kind, 0, &body)
    }

    fn address(kind: u16, flags: u8, scope: u8, last: u8) -> Vec<u8> {
        let mut body = vec![2, 24, flags, scope, 7, 0, 0, 0];
        for attribute in [ATTRIBUTE_ADDRESS, ATTRIBUTE_LOCAL] {
            body.extend(8_u16.to_ne_bytes());
            body.extend(attribute.to_ne_bytes());
            body.extend([10, 0, 0, last]);
        }
        message(kind, 0, &body)
    }

    fn route(kind: u16, bits: u8, route_kind: u8, flags: u32) -> Vec<u8> {
        let mut body = vec![2, bits, 0, 0, 254, 3, 0, route_kind];
        body.extend(flags.to_ne_bytes());
        message(kind, 0, &body)
    }

    #[test]
    fn only_what_differs_is_news() {
        let mut known = Known::default();
        let off = 0x1;
        for (what, datagram, changed) in [
            ("a new link", link(NEW_LINK, 2, RUNNING), false),
            ("the same", link(NEW_LINK, 2, RUNNING | 0x1000), false),
            ("unplugged", link(NEW_LINK, 2, off), true),
            ("plugged in", link(NEW_LINK, 2, RUNNING), true),
            ("gone", link(DELETE_LINK, 2, off), true),
            ("gone again", link(DELETE_LINK, 2, off), false),
            (
                "not usable yet",
                address(NEW_ADDRESS, TENTATIVE, 0, 1),
                false,
            ),
            ("an address", address(NEW_ADDRESS, 0, 0, 1), true),
            ("a longer life", address(NEW_ADDRESS, 0, 0, 1), false),
            ("another", address(NEW_ADDRESS, 0, 0, 2), true),
            ("of the link", address(NEW_ADDRESS, 0, SCOPE_LINK, 3), false),
            ("taken away", address(DELETE_ADDRESS, 0, 0, 1), true),
            ("never there", address(DELETE_ADDRESS, 0, 0, 9), false),
            ("a default route", route(NEW_ROUTE, 0, UNICAST, 0), true),
            ("taken away", route(DELETE_ROUTE, 0, UNICAST, 0), true),
            ("half a world", route(NEW_ROUTE, 1, UNICAST, 0), true),
            ("a narrow route", route(NEW_ROUTE, 24, UNICAST, 0), false),
            ("nowhere", route(NEW_ROUTE, 0, 7, 0), false),
            ("a cache entry", route(NEW_ROUTE, 0, UNICAST, CLONED), false),
            ("something else", message(28, 0, &[0; 12]), false),
        ] {
            let news = known.read(&datagram);
            assert_eq!(
                news,
                News {
                    changed,
                    done: false
                },
                "{what}"
            );
        }
    }

    #[test]
    fn an_answer_is_learnt_and_no_news() {
        let mut known = Known::default();
        let mut answer = link(NEW_LINK, 2, RUNNING);
        answer[6..8].copy_from_slice(&FLAG_MULTI.to_ne_bytes());
        answer.extend(message(DONE, FLAG_MULTI, &[0; 4]));
        let done = News {
            changed: false,
            done: true,
        };
        assert_eq!(known.read(&answer), done);
        assert!(known.read(&link(NEW_LINK, 2, 0)).changed);
    }

    #[test]
    fn all_messages_of_a_datagram_count() {
        let mut known = Known::default();
        let both = [
            route(NEW_ROUTE, 0, UNICAST, 0),
            address(NEW_ADDRESS, 0, 0, 1),
        ]
        .concat();
        assert!(known.read(&both).changed);
        assert!(!known.read(&address(NEW_ADDRESS, 0, 0, 1)).changed);
    }

    #[test]
    fn memory_is_bounded() {
        let mut known = Known::default();
        for index in 0..5000 {
            known.read(&link(NEW_LINK, index, RUNNING));
        }
        assert_eq!(known.running.len(), MAX_LINKS);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            kind in 16_u16..26,
        ) {
            let mut known = Known::default();
            known.read(&bytes);
            known.read(&message(kind, 0, &bytes));
        }
    }
}
