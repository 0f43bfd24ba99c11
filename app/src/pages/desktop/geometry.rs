//! Where the picture lies in the page, and which of its pixels a point is.

/// How large the picture is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Zoom {
    /// As large as the room lets it be.
    #[default]
    Fit,
    /// So many of the page's pixels for one of the desktop's.
    By(f64),
}

impl Zoom {
    pub(super) const ACTUAL: Self = Self::By(1.0);
}

/// Fingers cannot make it smaller or larger than these.
const SMALLEST: f64 = 0.1;
const LARGEST: f64 = 8.0;
/// Letters blur when they are a little larger than they are: up to here they are left alone.
const NOT_WORTH_IT: f64 = 1.25;

/// The page's pixels for one of the desktop's.
pub(super) fn scale(zoom: Zoom, desktop: (u16, u16), room: (f64, f64)) -> f64 {
    match zoom {
        Zoom::By(scale) => scale,
        Zoom::Fit => {
            let fits =
                (room.0 / f64::from(desktop.0.max(1))).min(room.1 / f64::from(desktop.1.max(1)));
            if (1.0..NOT_WORTH_IT).contains(&fits) {
                1.0
            } else {
                fits.clamp(SMALLEST / 2.0, LARGEST)
            }
        }
    }
}

/// After two fingers have changed their distance by `factor`; never smaller than what fits.
pub(super) fn pinched(now: f64, factor: f64, fits: f64) -> Zoom {
    let wanted = now * factor;
    if wanted <= fits {
        Zoom::Fit
    } else {
        Zoom::By(wanted.clamp(SMALLEST, LARGEST))
    }
}

/// How far to scroll so that what lay under a point stays there when all grows by `factor`.
pub(super) fn scrolled(scroll: f64, point: f64, factor: f64) -> f64 {
    (scroll + point) * factor - point
}

/// The pixel of a line of `pixels` that begins at `start` and is `length` long; the nearest, if the
/// point is beside it.
pub(super) fn pixel(at: f64, start: f64, length: f64, pixels: u16) -> u16 {
    if length <= 0.0 || pixels == 0 {
        return 0;
    }
    let place = ((at - start) / length * f64::from(pixels)).floor();
    // Within 0..pixels, which is a u16.
    place.clamp(0.0, f64::from(pixels - 1)) as u16
}

/// Turns a wheel's way into notches.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notches {
    rest_px: f64,
}

/// More at once is a fault of the wheel.
const MOST_NOTCHES: f64 = 10.0;

impl Notches {
    /// So many notches of `notch_px` lie in the way since the last; what is left over is kept.
    pub(super) fn turn(&mut self, way_px: f64, notch_px: f64) -> i32 {
        // A turn the other way begins anew.
        if self.rest_px * way_px < 0.0 {
            self.rest_px = 0.0;
        }
        let all = self.rest_px + way_px;
        let notches = (all / notch_px).trunc();
        self.rest_px = all - notches * notch_px;
        notches.clamp(-MOST_NOTCHES, MOST_NOTCHES) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_fits_its_room_and_is_not_blurred_for_little() {
        let fit = |room| scale(Zoom::Fit, (1280, 720), room);
        assert!((fit((390.0, 700.0)) - 390.0 / 1280.0).abs() < 1e-9);
        assert!((fit((1440.0, 800.0)) - 1.0).abs() < 1e-9);
        assert!((fit((2560.0, 1440.0)) - 2.0).abs() < 1e-9);
        assert!((scale(Zoom::ACTUAL, (1280, 720), (390.0, 700.0)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn fingers_zoom_within_bounds() {
        assert_eq!(pinched(0.5, 2.0, 0.3), Zoom::By(1.0));
        assert_eq!(pinched(0.5, 0.1, 0.3), Zoom::Fit);
        assert_eq!(pinched(4.0, 9.0, 0.3), Zoom::By(LARGEST));
        assert!((scrolled(100.0, 50.0, 2.0) - 250.0).abs() < 1e-9);
    }

    #[test]
    fn a_point_is_a_pixel_of_the_desktop() {
        assert_eq!(pixel(100.0, 100.0, 640.0, 1280), 0);
        assert_eq!(pixel(420.0, 100.0, 640.0, 1280), 640);
        assert_eq!(pixel(739.9, 100.0, 640.0, 1280), 1279);
        assert_eq!(pixel(-5.0, 100.0, 640.0, 1280), 0);
        assert_eq!(pixel(9e9, 100.0, 640.0, 1280), 1279);
        assert_eq!(pixel(1.0, 0.0, 0.0, 1280), 0);
    }

    #[test]
    fn a_wheel_turns_by_notches() {
        let mut wheel = Notches::default();
        assert_eq!(wheel.turn(30.0, 50.0), 0);
        assert_eq!(wheel.turn(30.0, 50.0), 1);
        assert_eq!(wheel.turn(-45.0, 50.0), 0, "the other way begins anew");
        assert_eq!(wheel.turn(-10.0, 50.0), -1);
        assert_eq!(wheel.turn(1e9, 50.0), 10);
    }
}
