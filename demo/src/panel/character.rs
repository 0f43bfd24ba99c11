//! What kind of machine a device plays.

use crate::ssh::HostKeys;

/// The roles, in the order in which devices take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Character {
    Pump,
    Gate,
    Press,
}

/// The numbers of its gauge.
pub(super) struct Gauge {
    pub(super) label: &'static str,
    pub(super) unit: &'static str,
    pub(super) middle: f64,
    pub(super) swing: f64,
}

impl Character {
    /// The role of the device with this number.
    pub(crate) fn of(number: usize) -> Self {
        match number % 3 {
            0 => Self::Pump,
            1 => Self::Gate,
            _ => Self::Press,
        }
    }

    /// What people call the device with this number.
    pub(crate) fn name(self, number: usize) -> String {
        let name = match self {
            Self::Pump => "Pump 07",
            Self::Gate => "North gate camera",
            Self::Press => "Press line PLC",
        };
        match number / 3 {
            0 => name.to_owned(),
            again => format!("{name} ({})", again + 1),
        }
    }

    /// The camera is an old one.
    pub(crate) fn host_keys(self) -> HostKeys {
        match self {
            Self::Pump | Self::Press => HostKeys::Modern,
            Self::Gate => HostKeys::RsaOnly,
        }
    }

    /// As where the agent may not read them: people are asked about the press's key once.
    pub(crate) fn reports_host_keys(self) -> bool {
        match self {
            Self::Pump | Self::Gate => true,
            Self::Press => false,
        }
    }

    /// The press does not: it trusts its network, as many such machines do.
    pub(crate) fn asks_for_a_desktop_password(self) -> bool {
        match self {
            Self::Pump | Self::Gate => true,
            Self::Press => false,
        }
    }

    /// The word for styles.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Pump => "pump",
            Self::Gate => "gate",
            Self::Press => "press",
        }
    }

    /// Maker and model, as such panels proudly show them.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::Pump => "Hydra HX-200 pump controller",
            Self::Gate => "Argus G4 camera",
            Self::Press => "Forge FP-32 logic controller",
        }
    }

    pub(super) fn gauge(self) -> Gauge {
        match self {
            Self::Pump => Gauge {
                label: "Pressure",
                unit: "bar",
                middle: 4.2,
                swing: 0.6,
            },
            Self::Gate => Gauge {
                label: "Light",
                unit: "lx",
                middle: 310.0,
                swing: 45.0,
            },
            Self::Press => Gauge {
                label: "Cycle time",
                unit: "ms",
                middle: 12.5,
                swing: 1.5,
            },
        }
    }

    /// The label of its one number to set, and the number at first.
    pub(super) fn set_point(self) -> (&'static str, &'static str) {
        match self {
            Self::Pump => ("Target pressure (bar)", "4.2"),
            Self::Gate => ("Exposure (ms)", "20"),
            Self::Press => ("Strokes per minute", "48"),
        }
    }

    /// The picture at the top of the page.
    pub(super) fn picture(self) -> &'static str {
        match self {
            Self::Pump => include_str!("page/pump.svg"),
            Self::Gate => include_str!("page/gate.svg"),
            Self::Press => include_str!("page/press.svg"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_name_of_its_own() {
        let name = |number| Character::of(number).name(number);
        assert_eq!(name(0), "Pump 07");
        assert_eq!(name(2), "Press line PLC");
        assert_eq!(name(3), "Pump 07 (2)");
    }
}
