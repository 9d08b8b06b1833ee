//! Who sends requests: a user with groups and a credential, from an address, with a client program.

use uuid::Uuid;

use super::dice;

/// How long after a token was issued its pod begins to use it, in microseconds.
const TOKEN_LEAD: i64 = 2_000_000;

/// What `user.extra` says of the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Nothing: anonymous, or the API server itself.
    None,
    /// The SHA-256 of a client certificate.
    Certificate([u8; 32]),
    /// One token for as long as the log runs.
    Token(Uuid),
    /// Tokens that the kubelet renews.
    Rotating(Rotation),
}

impl Credential {
    /// Its id as the log has it, of a credential in use at this time.
    pub(crate) fn id(&self, at: i64) -> Option<String> {
        match self {
            Self::None => None,
            Self::Certificate(digest) => {
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                Some(format!("X509SHA256={hex}"))
            }
            Self::Token(token) => Some(format!("JTI={token}")),
            Self::Rotating(rotation) => Some(format!("JTI={}", rotation.token(at))),
        }
    }
}

/// The tokens of one holder, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// Distinguishes the holder.
    pub(crate) holder: Uuid,
    /// When the holder renews, in microseconds after a multiple of the period.
    pub(crate) phase: i64,
    /// Microseconds between renewals.
    pub(crate) period: i64,
}

impl Rotation {
    /// The token that is in use at this time.
    pub(crate) fn token(&self, at: i64) -> Uuid {
        self.issued(at - TOKEN_LEAD)
    }

    /// The token that was issued last at this time.
    pub(crate) fn issued(&self, at: i64) -> Uuid {
        let epoch = (at - self.phase).div_euclid(self.period);
        let (high, low) = self.holder.as_u64_pair();
        dice::uuid(high ^ low, "token", epoch.unsigned_abs())
    }

    /// The times of renewal from `from` to before `until`.
    pub(crate) fn renewals(&self, from: i64, until: i64) -> impl Iterator<Item = i64> + use<> {
        let (phase, period) = (self.phase, self.period);
        let first = (from - phase + period - 1).div_euclid(period);
        (first..).map(move |epoch| epoch * period + phase).take_while(move |&at| at < until)
    }
}

/// A sender of requests. JSON parts are rendered once, because most of an event is who sent it.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// `user.username`.
    pub(crate) name: String,
    /// `user` up to `extra`, without the braces.
    pub(crate) user: String,
    pub(crate) credential: Credential,
    /// The keys of `extra` that follow the credential id: the pod that a token is bound to.
    pub(crate) bound: String,
    /// An address that the client claims to forward for; empty for none.
    pub(crate) forwarded: String,
    /// The address that the API server sees.
    pub(crate) ip: String,
    pub(crate) agent: String,
    /// Why the authorizer usually allows what the actor asks.
    pub(crate) reason: String,
}

impl Actor {
    /// A user without a service account.
    pub(crate) fn user(name: &str, uid: Option<Uuid>, groups: &[&str]) -> Self {
        let uid = uid.map(|uid| format!(r#","uid":"{uid}""#)).unwrap_or_default();
        let user = format!(r#""username":"{name}"{uid},"groups":["{}"]"#, groups.join(r#"",""#));
        Self {
            name: name.to_owned(),
            user,
            credential: Credential::None,
            bound: String::new(),
            forwarded: String::new(),
            ip: String::new(),
            agent: String::new(),
            reason: String::new(),
        }
    }

    /// A service account.
    pub(crate) fn account(namespace: &str, name: &str, uid: Uuid) -> Self {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let group = format!("system:serviceaccounts:{namespace}");
        Self::user(&user, Some(uid), &["system:serviceaccounts", &group, "system:authenticated"])
    }

    /// The groups of the user.
    pub(crate) fn groups(&self) -> Vec<String> {
        let user: serde_json::Value = serde_json::from_str(&format!("{{{}}}", self.user)).unwrap_or_default();
        let groups = user["groups"].as_array().into_iter().flatten();
        groups.filter_map(|group| group.as_str().map(ToOwned::to_owned)).collect()
    }

    pub(crate) fn holding(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    /// With a certificate whose hash is made of `digest`.
    pub(crate) fn certified(self, seed: u64, purpose: &str) -> Self {
        let mut digest = [0; 32];
        digest[..16].copy_from_slice(&dice::hash(seed, purpose, 0).to_le_bytes());
        digest[16..].copy_from_slice(&dice::hash(seed, purpose, 1).to_le_bytes());
        self.holding(Credential::Certificate(digest))
    }

    /// With a token that says which pod it belongs to.
    pub(crate) fn bound(mut self, node: (&str, Uuid), pod: (&str, Uuid)) -> Self {
        self.bound = format!(
            r#","authentication.kubernetes.io/node-name":["{}"],"authentication.kubernetes.io/node-uid":["{}"],"authentication.kubernetes.io/pod-name":["{}"],"authentication.kubernetes.io/pod-uid":["{}"]"#,
            node.0, node.1, pod.0, pod.1
        );
        self
    }

    pub(crate) fn from(mut self, ip: impl Into<String>) -> Self {
        self.ip = ip.into();
        self
    }

    pub(crate) fn forwarding(mut self, ip: impl Into<String>) -> Self {
        self.forwarded = ip.into();
        self
    }

    pub(crate) fn using(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    pub(crate) fn allowed(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    #[test]
    fn a_renewed_token_is_used_only_after_it_was_issued() {
        let rotation = Rotation { holder: dice::uuid(1, "pod", 1), phase: 5 * MINUTE, period: 48 * MINUTE };
        let renewals: Vec<_> = rotation.renewals(0, 120 * MINUTE).collect();
        assert_eq!(renewals, [5 * MINUTE, 53 * MINUTE, 101 * MINUTE]);
        let issued = rotation.issued(53 * MINUTE);
        assert_ne!(rotation.token(53 * MINUTE), issued);
        assert_eq!(rotation.token(53 * MINUTE + TOKEN_LEAD), issued);
        assert_eq!(rotation.token(101 * MINUTE), issued);
    }

    #[test]
    fn a_renewal_at_the_border_of_two_slices_is_in_the_later_one() {
        let rotation = Rotation { holder: dice::uuid(1, "pod", 1), phase: 0, period: MINUTE };
        assert_eq!(rotation.renewals(0, MINUTE).collect::<Vec<_>>(), [0]);
        assert_eq!(rotation.renewals(MINUTE, 2 * MINUTE).collect::<Vec<_>>(), [MINUTE]);
    }
}
