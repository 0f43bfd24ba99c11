//! Which shape a device's state has.

use api::DeviceState;

use crate::components::Shape;

/// The shape of a state's dot.
pub(super) const fn shape(state: DeviceState) -> Shape {
    match state {
        DeviceState::Online => Shape::Full,
        DeviceState::Reconnecting => Shape::Half,
        DeviceState::Offline => Shape::Hollow,
        DeviceState::NeverSeen => Shape::Dashed,
    }
}
