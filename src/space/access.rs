//! Who may do what, now.

use super::{Grant, Principal, Share, State};
use crate::base::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a party may do in a share. Each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See the list of files.
    View,
    /// Fetch them.
    Download,
    /// Write comments.
    Comment,
    /// Put new files and versions.
    Contribute,
    /// Change the share.
    Manage,
}

/// One thing that somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// See the list of files.
    List,
    /// Fetch bytes.
    Download,
    /// Write comments.
    Comment,
    /// Put files and versions.
    Upload,
    /// Change or revoke the share.
    Administer,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denial {
    /// The share or the grant was revoked.
    #[error("the share has been revoked")]
    Revoked,
    /// What was asked for through the share has all been given.
    #[error("this checklist is complete, and nothing more is needed of you")]
    Complete,
    /// Whoever was asked has said that they give nothing.
    #[error("you have said that you give nothing, and nothing more is needed of you")]
    Withdrawn,
    /// The holder is no longer in the directory, or has lost the role or group through which they
    /// got the grant.
    #[error("this link no longer works for you: it is for people with a role or group that you no longer have")]
    Lost,
    /// Several people shared the link, so it does not identify who uses it.
    #[error("several people shared this link, so it no longer works: use your own link, which was sent to you by mail")]
    Several,
    /// Its time is over.
    #[error("the share has expired")]
    Expired,
    /// The role does not include it.
    #[error("your role in the share does not allow that")]
    Role,
}

impl Role {
    /// Whether the role includes `right`. The whole table.
    pub const fn includes(self, right: Right) -> bool {
        let least = match right {
            Right::List => Self::View,
            Right::Download => Self::Download,
            Right::Comment => Self::Comment,
            Right::Upload => Self::Contribute,
            Right::Administer => Self::Manage,
        };
        self as u8 >= least as u8
    }
}

/// Whether the holder of a grant is still entitled to it according to the current directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entitlement {
    /// They are in the directory and have the required role or group, if any.
    Held,
    /// They are not entitled at present, but may be again.
    Lost,
}

/// Whether the holder of `grant` may do `right` in `share` at `now`.
///
/// What was ended stays ended, even when the clock goes back: the recorded state is looked at
/// before the time.
pub fn decide(
    share: &Share,
    grant: &Grant,
    entitlement: Entitlement,
    right: Right,
    now: Timestamp,
) -> Result<(), Denial> {
    if grant.share != share.id {
        return Err(Denial::Role);
    }
    if share.state == State::Revoked && share.request.as_ref().is_some_and(|request| request.complete) {
        return Err(Denial::Complete);
    }
    if share.state == State::Revoked
        && share
            .request
            .as_ref()
            .is_some_and(|request| request.withdrawn.is_some())
    {
        return Err(Denial::Withdrawn);
    }
    for (state, expires_at) in [(share.state, Some(share.expires_at)), (grant.state, grant.expires_at)] {
        match state {
            State::Revoked => return Err(Denial::Revoked),
            State::Expired => return Err(Denial::Expired),
            State::Live if expires_at.is_some_and(|end| now >= end) => return Err(Denial::Expired),
            State::Live => {}
        }
    }
    match (&grant.to, entitlement) {
        (Principal::Role(_) | Principal::Group(_), _) => return Err(Denial::Several),
        (_, Entitlement::Lost) => return Err(Denial::Lost),
        (_, Entitlement::Held) => {}
    }
    if grant.withdrawn.is_some() && right != Right::List {
        return Err(Denial::Withdrawn);
    }
    if grant.role.includes(right) {
        Ok(())
    } else {
        Err(Denial::Role)
    }
}

/// Whether a download in progress may finish. It may if the share expired or ended with its run. It
/// is cut if somebody revoked the share or the grant, or the holder is no longer entitled.
pub fn may_finish(share: &Share, grant: &Grant, entitlement: Entitlement) -> bool {
    let has_been_revoked = match share.state {
        State::Revoked => !share.has_ended_with_run,
        State::Live => grant.state == State::Revoked,
        State::Expired => false,
    };
    entitlement == Entitlement::Held
        && grant.share == share.id
        && grant.role.includes(Right::Download)
        && !has_been_revoked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::testing::{at, grant, share};

    const ROLES: [Role; 5] = [
        Role::View,
        Role::Download,
        Role::Comment,
        Role::Contribute,
        Role::Manage,
    ];
    const RIGHTS: [Right; 5] = [
        Right::List,
        Right::Download,
        Right::Comment,
        Right::Upload,
        Right::Administer,
    ];

    #[test]
    fn each_role_includes_the_ones_before_it() {
        let (share, grant) = (share(), grant());
        for (level, role) in ROLES.into_iter().enumerate() {
            for (need, right) in RIGHTS.into_iter().enumerate() {
                let grant = Grant { role, ..grant.clone() };
                let expected = if level >= need { Ok(()) } else { Err(Denial::Role) };
                assert_eq!(
                    decide(&share, &grant, Entitlement::Held, right, at(0)),
                    expected,
                    "{role:?} {right:?}"
                );
            }
        }
    }

    #[test]
    fn nobody_gets_in_after_the_end() {
        let (share, grant) = (
            share(),
            Grant {
                role: Role::Manage,
                ..grant()
            },
        );
        assert_eq!(decide(&share, &grant, Entitlement::Held, Right::List, at(999)), Ok(()));
        assert_eq!(
            decide(&share, &grant, Entitlement::Held, Right::List, at(1000)),
            Err(Denial::Expired),
            "the moment itself is over"
        );
        let grant = Grant {
            expires_at: Some(at(10)),
            ..grant
        };
        assert_eq!(decide(&share, &grant, Entitlement::Held, Right::List, at(9)), Ok(()));
        assert_eq!(
            decide(&share, &grant, Entitlement::Held, Right::List, at(10)),
            Err(Denial::Expired)
        );
    }

    #[test]
    fn what_was_ended_stays_ended_when_the_clock_goes_back() {
        for (state, denial) in [(State::Revoked, Denial::Revoked), (State::Expired, Denial::Expired)] {
            for right in RIGHTS {
                let (live_share, live_grant) = (
                    share(),
                    Grant {
                        role: Role::Manage,
                        ..grant()
                    },
                );
                let ended_share = Share { state, ..share() };
                let ended_grant = Grant {
                    state,
                    ..live_grant.clone()
                };
                assert_eq!(
                    decide(&ended_share, &live_grant, Entitlement::Held, right, at(-5000)),
                    Err(denial)
                );
                assert_eq!(
                    decide(&live_share, &ended_grant, Entitlement::Held, right, at(-5000)),
                    Err(denial)
                );
            }
        }
    }

    #[test]
    fn a_grant_opens_no_other_share() {
        let other = Share {
            id: "shr_other".into(),
            ..share()
        };
        let grant = Grant {
            role: Role::Manage,
            ..grant()
        };
        assert_eq!(
            decide(&other, &grant, Entitlement::Held, Right::List, at(0)),
            Err(Denial::Role)
        );
    }

    #[test]
    fn a_right_that_was_lost_opens_nothing_and_comes_back_with_what_it_was_given_for() {
        let (share, grant) = (
            share(),
            Grant {
                role: Role::Manage,
                to: Principal::User("anna".into()),
                through: Some(Principal::Role("legal".into())),
                ..grant()
            },
        );
        for right in RIGHTS {
            let decided = |entitlement| decide(&share, &grant, entitlement, right, at(0));
            assert_eq!(decided(Entitlement::Lost), Err(Denial::Lost), "{right:?}");
            assert_eq!(decided(Entitlement::Held), Ok(()), "{right:?}");
        }
        let revoked = Grant {
            state: State::Revoked,
            ..grant
        };
        let decided = decide(&share, &revoked, Entitlement::Lost, Right::List, at(0));
        assert_eq!(
            decided,
            Err(Denial::Revoked),
            "what was revoked stays so, whoever holds it"
        );
    }

    #[test]
    fn a_download_is_cut_where_its_holder_lost_what_it_was_given_for_however_the_share_ended() {
        let grant = Grant {
            role: Role::Download,
            ..grant()
        };
        for (state, with_run, finishes) in [
            (State::Live, false, true),
            (State::Expired, false, true),
            (State::Revoked, true, true),
            (State::Revoked, false, false),
        ] {
            let share = Share {
                state,
                has_ended_with_run: with_run,
                ..share()
            };
            let may = |entitlement| may_finish(&share, &grant, entitlement);
            assert_eq!(may(Entitlement::Held), finishes, "{state:?}");
            assert!(!may(Entitlement::Lost), "{state:?}");
        }
    }

    #[test]
    fn a_link_that_several_people_have_opens_nothing() {
        for to in [Principal::Role("legal".into()), Principal::Group("board".into())] {
            let grant = Grant {
                role: Role::Manage,
                to,
                ..grant()
            };
            for right in RIGHTS {
                let decided = decide(&share(), &grant, Entitlement::Held, right, at(0));
                assert_eq!(decided, Err(Denial::Several), "{right:?}");
            }
        }
    }

    #[test]
    fn who_gives_nothing_looks_and_does_no_more() {
        let grant = Grant {
            role: Role::Manage,
            withdrawn: Some("not ours".into()),
            ..grant()
        };
        for right in RIGHTS {
            let expected = if right == Right::List {
                Ok(())
            } else {
                Err(Denial::Withdrawn)
            };
            let decided = decide(&share(), &grant, Entitlement::Held, right, at(0));
            assert_eq!(decided, expected, "{right:?}");
        }
    }
}
