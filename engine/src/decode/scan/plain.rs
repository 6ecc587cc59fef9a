//! The state machine, byte by byte: the meaning of the format, and the only
//! way through irregular quoting.

use super::{Index, State};

/// Scans `bytes[from..to]`; returns the state at `to`.
pub(super) fn scan(
    bytes: &[u8],
    from: usize,
    to: usize,
    mut state: State,
    index: &mut Index,
) -> State {
    for position in from..to {
        index.see(bytes[position]);
        state = match (state, bytes[position]) {
            (State::Quoted, b'"') => State::QuoteSeen,
            (State::Quoted, _) => State::Quoted,
            (State::FieldStart | State::QuoteSeen, b'"') => State::Quoted,
            (_, b',') => {
                index.push_field(position);
                State::FieldStart
            }
            (_, b'\n') => {
                index.push_line_end(bytes, position);
                State::FieldStart
            }
            _ => State::Unquoted,
        };
    }
    state
}
