//! The pages, one for each address.

mod add_device;
mod add_webtunnel;
mod desktop;
mod device;
mod devices;
mod not_found;
mod service_button;
mod settings;
mod sign_in;
mod state_shape;
mod terminal;
mod viewer;

pub(crate) use add_device::AddDevicePage;
pub(crate) use add_webtunnel::AddWebTunnelPage;
pub(crate) use device::DevicePage;
pub(crate) use devices::DevicesPage;
pub(crate) use not_found::NotFoundPage;
pub(crate) use settings::SettingsPage;
pub(crate) use sign_in::SignInPage;
pub(crate) use viewer::ViewerPage;
