//! `tags` and `catalog`: what a registry has.

use super::{Context, Error};
use crate::oci::Reference;
use crate::registry::RegistryHost;

/// The tags of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagList {
    /// The repository.
    pub repository: Reference,
    /// Its tags, in the registry's order.
    pub tags: Vec<String>,
}

/// Lists the tags of the repository that was typed, with or without `docker://`.
pub fn tags(context: &Context, typed: &str) -> Result<TagList, Error> {
    let repository: Reference = typed.strip_prefix("docker://").unwrap_or(typed).parse()?;
    if !repository.is_name_only() {
        return Err(Error::NotARepository { typed: typed.to_owned(), repository: repository.familiar_name() });
    }
    let tags = context.registries.repository(&repository)?.tags()?;
    Ok(TagList { repository, tags })
}

/// Lists the repositories of the registry that was typed, with or without `docker://` or another scheme.
pub fn catalog(context: &Context, typed: &str) -> Result<(RegistryHost, Vec<String>), Error> {
    let host =
        RegistryHost::typed(typed.strip_prefix("docker://").unwrap_or(typed)).map_err(crate::registry::Error::from)?;
    let repositories = context.registries.catalog(&host)?;
    Ok((host, repositories))
}
