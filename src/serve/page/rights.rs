//! What the reader of a page may do: what the API lets them do.

use crate::serve::asked::Asked;
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;

/// Whether this server deletes, and the one who asks may.
pub(super) fn may_delete(server: &Server, _asked: &Asked, _name: &RepositoryName) -> bool {
    !server.settings.read_only && !server.settings.no_delete
}
