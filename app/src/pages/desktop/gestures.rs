//! Fingers on the picture: a tap is a click, a finger that stays is the right button, one that moves
//! drags, two scroll or zoom. Pure: points and times come in, what they mean goes out.

/// A point of the page.
pub(super) type Point = (f64, f64);

/// A finger that stays as long means the right button.
pub(super) const STAYS_MS: u32 = 500;
/// Less than this is no movement but a shaking hand.
const SHAKE_PX: f64 = 8.0;
/// A second tap so soon and so near is meant for the same point: a double click.
const TWICE_MS: f64 = 400.0;
const TWICE_PX: f64 = 30.0;

/// What fingers ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Act {
    /// The left button, down and up.
    Click(Point),
    RightClick(Point),
    /// The left button goes down here.
    Press(Point),
    /// With the button down.
    Drag(Point),
    /// It goes up.
    Release(Point),
    /// The picture grows by a factor around a point, and moves.
    Zoom {
        factor: f64,
        around: Point,
        by: Point,
    },
    /// Two fingers moved by so much, over this point.
    Scroll {
        by: Point,
        at: Point,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    None,
    Down(Point),
    Drags(Point),
    Two {
        from: Pair,
        last: Pair,
        kind: Option<Kind>,
    },
    /// Nothing more until all are gone.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Zooms,
    Scrolls,
}

/// Two fingers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    middle: Point,
    distance: f64,
}

impl Pair {
    fn of(a: Point, b: Point) -> Self {
        Self {
            middle: (f64::midpoint(a.0, b.0), f64::midpoint(a.1, b.1)),
            distance: distance(a, b).max(1.0),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gestures {
    state: State,
    last_tap: Option<(Point, f64)>,
}

impl Gestures {
    /// Another finger came down; these are all. True: whoever holds the clock asks
    /// [`Self::stays`] after [`STAYS_MS`].
    pub(super) fn down(&mut self, fingers: &[Point]) -> (bool, Option<Act>) {
        match (self.state, fingers) {
            (State::None, [finger]) => {
                self.state = State::Down(*finger);
                (true, None)
            }
            (State::Drags(at), _) => {
                self.state = State::Done;
                (false, Some(Act::Release(at)))
            }
            (State::None | State::Down(_), [a, b]) => {
                let pair = Pair::of(*a, *b);
                self.state = State::Two {
                    from: pair,
                    last: pair,
                    kind: None,
                };
                (false, None)
            }
            _ => {
                self.state = State::Done;
                (false, None)
            }
        }
    }

    /// Fingers moved; these are all.
    pub(super) fn moved(&mut self, fingers: &[Point]) -> Vec<Act> {
        match (self.state, fingers) {
            (State::Down(start), [finger]) if distance(start, *finger) > SHAKE_PX => {
                self.state = State::Drags(*finger);
                vec![Act::Press(start), Act::Drag(*finger)]
            }
            (State::Drags(_), [finger]) => {
                self.state = State::Drags(*finger);
                vec![Act::Drag(*finger)]
            }
            (State::Two { from, last, kind }, [a, b]) => {
                let now = Pair::of(*a, *b);
                let kind = kind.or_else(|| meant(from, now));
                // What was moved before it was clear what is meant counts too.
                let last = if kind.is_some() { last } else { from };
                let next = if kind.is_some() { now } else { last };
                self.state = State::Two {
                    from,
                    last: next,
                    kind,
                };
                let by = (now.middle.0 - last.middle.0, now.middle.1 - last.middle.1);
                match kind {
                    Some(Kind::Zooms) => vec![Act::Zoom {
                        factor: now.distance / last.distance,
                        around: last.middle,
                        by,
                    }],
                    Some(Kind::Scrolls) => vec![Act::Scroll { by, at: now.middle }],
                    None => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// The first finger has been down for [`STAYS_MS`].
    pub(super) fn stays(&mut self) -> Option<Act> {
        let State::Down(at) = self.state else {
            return None;
        };
        self.state = State::Done;
        self.last_tap = None;
        Some(Act::RightClick(at))
    }

    /// A finger went up, so many are left.
    pub(super) fn up(&mut self, left: usize, now_ms: f64) -> Option<Act> {
        let state = self.state;
        self.state = if left == 0 { State::None } else { State::Done };
        match state {
            State::Down(at) if left == 0 => Some(self.tap(at, now_ms)),
            State::Drags(at) => Some(Act::Release(at)),
            _ => None,
        }
    }

    /// The browser took them away: nothing is meant, nothing stays down.
    pub(super) fn cancel(&mut self) -> Option<Act> {
        match std::mem::take(&mut self.state) {
            State::Drags(at) => Some(Act::Release(at)),
            _ => None,
        }
    }

    fn tap(&mut self, at: Point, now_ms: f64) -> Act {
        let first = self
            .last_tap
            .take()
            .filter(|(before, ms)| now_ms - ms < TWICE_MS && distance(*before, at) < TWICE_PX);
        match first {
            Some((before, _)) => Act::Click(before),
            None => {
                self.last_tap = Some((at, now_ms));
                Act::Click(at)
            }
        }
    }
}

fn meant(from: Pair, now: Pair) -> Option<Kind> {
    let apart = (now.distance - from.distance).abs();
    let along = distance(from.middle, now.middle);
    match apart.max(along) > SHAKE_PX {
        true if apart > along => Some(Kind::Zooms),
        true => Some(Kind::Scrolls),
        false => None,
    }
}

fn distance(a: Point, b: Point) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_clicks_and_a_second_one_nearby_clicks_the_same_point() {
        let mut fingers = Gestures::default();
        assert_eq!(fingers.down(&[(10.0, 10.0)]), (true, None));
        assert_eq!(fingers.moved(&[(13.0, 12.0)]), [], "a shaking hand");
        assert_eq!(fingers.up(0, 100.0), Some(Act::Click((10.0, 10.0))));
        fingers.down(&[(20.0, 14.0)]);
        assert_eq!(fingers.up(0, 300.0), Some(Act::Click((10.0, 10.0))));
        fingers.down(&[(20.0, 14.0)]);
        assert_eq!(fingers.up(0, 500.0), Some(Act::Click((20.0, 14.0))));
    }

    #[test]
    fn a_finger_that_stays_is_the_right_button() {
        let mut fingers = Gestures::default();
        fingers.down(&[(5.0, 5.0)]);
        assert_eq!(fingers.stays(), Some(Act::RightClick((5.0, 5.0))));
        assert_eq!(fingers.moved(&[(50.0, 5.0)]), []);
        assert_eq!(fingers.up(0, 900.0), None);
        assert_eq!(fingers.stays(), None);
    }

    #[test]
    fn a_finger_that_moves_drags_from_where_it_began() {
        let mut fingers = Gestures::default();
        fingers.down(&[(5.0, 5.0)]);
        let acts = fingers.moved(&[(25.0, 5.0)]);
        assert_eq!(acts, [Act::Press((5.0, 5.0)), Act::Drag((25.0, 5.0))]);
        assert_eq!(fingers.stays(), None);
        assert_eq!(fingers.up(0, 900.0), Some(Act::Release((25.0, 5.0))));
    }

    #[test]
    fn a_second_finger_or_the_browser_lets_the_button_go() {
        let mut fingers = Gestures::default();
        fingers.down(&[(5.0, 5.0)]);
        fingers.moved(&[(25.0, 5.0)]);
        let (_, act) = fingers.down(&[(25.0, 5.0), (90.0, 90.0)]);
        assert_eq!(act, Some(Act::Release((25.0, 5.0))));
        assert_eq!(fingers.up(1, 0.0), None);
        assert_eq!(fingers.up(0, 0.0), None);
        fingers.down(&[(5.0, 5.0)]);
        fingers.moved(&[(25.0, 5.0)]);
        assert_eq!(fingers.cancel(), Some(Act::Release((25.0, 5.0))));
    }

    #[test]
    fn two_fingers_scroll_or_zoom() {
        let mut fingers = Gestures::default();
        fingers.down(&[(100.0, 100.0)]);
        fingers.down(&[(100.0, 100.0), (200.0, 100.0)]);
        assert_eq!(fingers.moved(&[(100.0, 104.0), (200.0, 104.0)]), []);
        let by = (0.0, 20.0);
        let acts = fingers.moved(&[(100.0, 120.0), (200.0, 120.0)]);
        assert_eq!(
            acts,
            [Act::Scroll {
                by,
                at: (150.0, 120.0)
            }]
        );
        // It stays what it was, also when they come nearer to each other.
        let acts = fingers.moved(&[(130.0, 120.0), (170.0, 120.0)]);
        assert!(matches!(acts[..], [Act::Scroll { .. }]), "{acts:?}");
        assert_eq!(fingers.up(1, 0.0), None);
        assert_eq!(fingers.moved(&[(0.0, 0.0)]), [], "one is left over");
        fingers.up(0, 0.0);

        fingers.down(&[(100.0, 100.0)]);
        fingers.down(&[(100.0, 100.0), (200.0, 100.0)]);
        let acts = fingers.moved(&[(50.0, 100.0), (250.0, 100.0)]);
        let (around, by) = ((150.0, 100.0), (0.0, 0.0));
        assert_eq!(
            acts,
            [Act::Zoom {
                factor: 2.0,
                around,
                by
            }]
        );
    }
}
