//! What the reader of a page may do: what the API lets them do.

use crate::serve::asked::Asked;
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;
use crate::serve::settings::Right;

/// Whether this server deletes, and the one who asks may.
pub(super) fn may_delete(server: &Server, asked: &Asked, name: &RepositoryName) -> bool {
    !server.settings.read_only && !server.settings.no_delete && server.access.may(&asked.who, Right::Delete, name)
}

/// Whether there are users, and the one who asks is none of them yet.
pub(super) fn may_log_in(server: &Server, asked: &Asked) -> bool {
    server.access.check_user(asked).is_err()
}

/// Whether the one who asks may read a repository.
pub(super) fn may_read(server: &Server, asked: &Asked, name: &RepositoryName) -> bool {
    server.access.may(&asked.who, Right::Pull, name)
}
