//! What a device signs, in plain bytes: both ends build the same text, neither does it alone.
//!
//! PROTOCOL section 1. Each field is preceded by its length (u32, big-endian), so that no two
//! different inputs give the same bytes.

/// What the signature is for. One made for the tunnel is worthless at enrolment and vice versa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `GET /tunnel`
    Tunnel,
    /// `POST /api/v1/enrolments`
    Enrolment,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Tunnel => b"adit-tunnel-v1",
            Self::Enrolment => b"adit-enrolment-v1",
        }
    }
}

/// The parts of a proof.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// The server's nonce, as it came in the challenge.
    pub nonce: &'a str,
    /// The origin the agent was configured with: scheme, host, port when not the default one.
    pub origin: &'a str,
    /// The offered sub-protocols exactly as sent; empty at enrolment.
    pub protocols: &'a str,
    /// Random per agent process, 16 bytes.
    pub instance: &'a [u8],
}

impl Statement<'_> {
    /// The bytes to sign.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let fields: [&[u8]; 5] = [
            self.purpose.label(),
            self.nonce.as_bytes(),
            self.origin.as_bytes(),
            self.protocols.as_bytes(),
            self.instance,
        ];
        let mut bytes = Vec::with_capacity(fields.iter().map(|field| field.len() + 4).sum());
        for field in fields {
            // A field is a header value or a constant: far below 4 GiB.
            bytes.extend_from_slice(&(field.len() as u32).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement<'a>(nonce: &'a str, origin: &'a str) -> Statement<'a> {
        Statement {
            purpose: Purpose::Tunnel,
            nonce,
            origin,
            protocols: "p",
            instance: b"i",
        }
    }

    #[test]
    fn moving_a_byte_between_fields_changes_the_statement() {
        assert_ne!(
            statement("ab", "c").to_bytes(),
            statement("a", "bc").to_bytes()
        );
    }

    #[test]
    fn purposes_do_not_collide() {
        let tunnel = statement("n", "o");
        let enrolment = Statement {
            purpose: Purpose::Enrolment,
            ..tunnel
        };
        assert_ne!(tunnel.to_bytes(), enrolment.to_bytes());
    }
}
