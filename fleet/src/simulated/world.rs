//! Agents, network and server in virtual time: a queue of what happens next. The rule of
//! reconnecting is the agent's own code, the token bucket and what is told to the refused are the
//! server's; the rest is a model, and says so.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use agent::{Advice, Reconnect};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use server::relay::admission::{self, Bucket, Turns};
use tokio::time::Instant;

/// There and back, one value for each agent: from a wired network to a slow mobile one.
const ROUND_TRIP_S: Range<f64> = 0.02..0.2;
/// A SYN that is not answered is sent again so long after the first (Linux), until the agent's own
/// limit for connecting.
const SYN_AGAIN_S: [f64; 4] = [1.0, 3.0, 7.0, 15.0];
/// The agent's, for the TLS handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// Tunnels that are lost lived for longer than the rule asks.
const LIVED: Duration = Duration::from_secs(3600);
/// After that the run is over.
const LIMIT: Duration = Duration::from_secs(1800);

/// What happens to a fleet that is connected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Disturbance {
    /// The server is killed, and another is there after so long; until then connections are
    /// refused.
    Restart(Duration),
    /// Every line ends, and for so long nothing gets through.
    Darkness(Duration),
    /// The server stops in order (GOAWAY), and another is there after so long.
    Drain(Duration),
}

/// A fleet and its server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) agents: usize,
    pub(crate) seed: u64,
    /// The server's `tunnel_handshakes_per_s`.
    pub(crate) rate_per_s: u32,
    /// What TLS and proof take of all cores together: measured by `--script herd`.
    pub(crate) cpu_of_handshake: Duration,
    /// What a connection takes of them that is closed at once.
    pub(crate) cpu_of_closing: Duration,
    /// The server's `limits.connections`.
    pub(crate) connections_max: usize,
}

/// How it went, from the disturbance on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// When each came back, sorted; who did not within half an hour is missing.
    pub(crate) back: Vec<Duration>,
    /// Connections begun in each second.
    pub(crate) attempts: Vec<u32>,
    /// Closed at once: too many connections.
    pub(crate) closed: u64,
    /// Told when to come back.
    pub(crate) refused: u64,
    /// Gave up waiting for TLS.
    pub(crate) timed_out: u64,
}

impl Outcome {
    /// The time within which this share of `agents` was back.
    pub(crate) fn back_within(&self, share: f64, agents: usize) -> Option<Duration> {
        let index = ((agents as f64 * share).ceil() as usize).max(1) - 1;
        self.back.get(index).copied()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The agent dials.
    Attempt,
    /// Its connection stands.
    Arrive,
    /// TLS and proof are done.
    Proven,
    /// Its token is there.
    Turn,
    /// The HELLOs are exchanged.
    Connected,
}

struct Agent {
    rule: Reconnect,
    round_trip: Duration,
}

struct World {
    setting: Setting,
    begin: Instant,
    /// Nothing gets through before; `None`: refused instead.
    light_at: Option<Instant>,
    server_up_at: Instant,
    random: StdRng,
    agents: Vec<Agent>,
    /// When, in which order of those at once, who and what.
    next: BinaryHeap<Reverse<(Instant, u64, usize, Step)>>,
    order: u64,
    bucket: Bucket,
    turns: Turns,
    cpu_free_at: Instant,
    connections: usize,
    waiting: usize,
    running: usize,
    /// Who has a token and waits for one that runs, until when.
    ready: VecDeque<(usize, Instant)>,
    outcome: Outcome,
}

/// Runs until everybody is back, or half an hour has passed.
pub(crate) fn run(setting: Setting, disturbance: Disturbance) -> Outcome {
    let begin = Instant::now();
    let mut random = StdRng::seed_from_u64(setting.seed);
    let agents = (0..setting.agents)
        .map(|_| Agent {
            rule: Reconnect::default(),
            round_trip: Duration::from_secs_f64(random.random_range(ROUND_TRIP_S)),
        })
        .collect();
    let (light_at, server_up_at) = match disturbance {
        Disturbance::Restart(down) | Disturbance::Drain(down) => (None, begin + down),
        Disturbance::Darkness(length) => (Some(begin + length), begin),
    };
    let mut world = World {
        setting,
        begin,
        light_at,
        server_up_at,
        random,
        agents,
        next: BinaryHeap::new(),
        order: 0,
        bucket: Bucket::new(setting.rate_per_s, server_up_at),
        turns: Turns::new(setting.rate_per_s, server_up_at),
        cpu_free_at: begin,
        connections: 0,
        waiting: 0,
        running: 0,
        ready: VecDeque::new(),
        outcome: Outcome::default(),
    };
    for agent in 0..setting.agents {
        world.lose(agent, disturbance);
    }
    world.go_on();
    world.outcome.back.sort_unstable();
    world.outcome
}

impl World {
    fn lose(&mut self, agent: usize, disturbance: Disturbance) {
        let advice = match disturbance {
            Disturbance::Drain(_) => {
                let spread = admission::spread(self.setting.agents, self.setting.rate_per_s);
                let share = self.random.random_range(0.0..1.0);
                Advice::Restart(spread.mul_f64(share))
            }
            _ => Advice::None,
        };
        let told_at = self.begin + self.agents[agent].round_trip / 2;
        let rule = &mut self.agents[agent].rule;
        let wait = rule.lost(told_at, LIVED, advice, &mut self.random);
        self.then(told_at + wait, agent, Step::Attempt);
    }

    fn then(&mut self, at: Instant, agent: usize, step: Step) {
        self.order += 1;
        self.next.push(Reverse((at, self.order, agent, step)));
    }

    fn go_on(&mut self) {
        while let Some(Reverse((now, _, agent, step))) = self.next.pop() {
            if now > self.begin + LIMIT {
                return;
            }
            match step {
                Step::Attempt => self.dial(now, agent),
                Step::Arrive => self.arrive(now, agent),
                Step::Proven => self.enter(now, agent),
                Step::Turn => {
                    self.ready.push_back((agent, now));
                    self.let_in(now);
                }
                Step::Connected => {
                    self.running -= 1;
                    self.connections -= 1;
                    self.outcome.back.push(now - self.begin);
                    self.let_in(now);
                }
            }
        }
    }

    fn dial(&mut self, now: Instant, agent: usize) {
        let second = (now - self.begin).as_secs() as usize;
        if self.outcome.attempts.len() <= second {
            self.outcome.attempts.resize(second + 1, 0);
        }
        self.outcome.attempts[second] += 1;
        let round_trip = self.agents[agent].round_trip;
        let mut sent = now;
        if let Some(light_at) = self.light_at
            && now < light_at
        {
            let mut again = SYN_AGAIN_S.map(|after| now + Duration::from_secs_f64(after));
            let [.., last] = again;
            again.sort_unstable();
            match again.into_iter().find(|at| *at >= light_at && *at < last) {
                Some(at) => sent = at,
                None => return self.failed(last, agent, Advice::None),
            }
        }
        if sent < self.server_up_at {
            return self.failed(sent + round_trip, agent, Advice::None);
        }
        self.then(sent + round_trip, agent, Step::Arrive);
    }

    fn failed(&mut self, now: Instant, agent: usize, advice: Advice) {
        let rule = &mut self.agents[agent].rule;
        let wait = rule.failed(now, advice, &mut self.random);
        self.then(now + wait, agent, Step::Attempt);
    }

    /// TLS is served first come, first served, by all cores as one.
    fn arrive(&mut self, now: Instant, agent: usize) {
        let round_trip = self.agents[agent].round_trip;
        if self.connections >= self.setting.connections_max {
            self.outcome.closed += 1;
            self.cpu_free_at = self.cpu_free_at.max(now) + self.setting.cpu_of_closing;
            return self.failed(now + round_trip / 2, agent, Advice::None);
        }
        let done = self.cpu_free_at.max(now) + self.setting.cpu_of_handshake;
        if done > now + TLS_TIMEOUT {
            self.outcome.timed_out += 1;
            return self.failed(now + TLS_TIMEOUT, agent, Advice::None);
        }
        self.cpu_free_at = done;
        self.connections += 1;
        // TLS, and the nonce that is to be signed.
        self.then(done + 2 * round_trip, agent, Step::Proven);
    }

    fn enter(&mut self, now: Instant, agent: usize) {
        let token = (self.waiting < admission::waiting_max(self.setting.connections_max))
            .then(|| self.bucket.token(now, now + admission::MAX_WAIT))
            .flatten();
        let Some(token) = token else {
            self.outcome.refused += 1;
            self.connections -= 1;
            let share = self.random.random_range(0.0..1.0);
            let after_s = self.turns.take_s(now, share);
            let advice = Advice::After(Duration::from_secs(after_s.into()));
            let heard_at = now + self.agents[agent].round_trip / 2;
            return self.failed(heard_at, agent, advice);
        };
        self.waiting += 1;
        self.then(token, agent, Step::Turn);
    }

    fn let_in(&mut self, now: Instant) {
        while self.running < admission::RUNNING
            && let Some((agent, _since)) = self.ready.pop_front()
        {
            self.waiting -= 1;
            self.running += 1;
            let round_trip = self.agents[agent].round_trip;
            self.then(now + round_trip, agent, Step::Connected);
        }
    }
}
