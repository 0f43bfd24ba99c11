//! Another size of the screen.

use remote_vnc::rfb::Event;

use crate::desktop::Desktop;
use crate::viewer::Viewer;

#[test]
fn the_desktop_takes_another_size() {
    let desktop = Desktop::start();
    let mut viewer = Viewer::new(desktop.dial());
    viewer.until("a picture", |viewer| viewer.saw(&Event::UpdateEnd));
    viewer.client.resize(800, 500);
    let resized = Event::Resized {
        width: 800,
        height: 500,
    };
    viewer.until("the size", |viewer| viewer.saw(&resized));
    let size = viewer.client.with_screen(|screen| screen.size());
    assert_eq!(size, (800, 500));
    viewer.events.clear();
    viewer.until("a picture of it", |viewer| viewer.saw(&Event::UpdateEnd));
}
